"""Where the spec of a stack's workload lies: a file of the user's, or a clone of the repository that publishes it."""
