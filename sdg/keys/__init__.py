"""The keys without which retained data cannot be read: their backup as a file, and the note of it in the cluster."""
