"""The charts that a stack installs: which, from where, and whether their bytes are the ones that were reviewed."""
