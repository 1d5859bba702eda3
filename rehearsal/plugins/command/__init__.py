"""The rehearsal's Command provider plugin: it answers as the official one does, and runs commands on the virtual host alone.

What it was compared with is recorded in `tests/data/command-captures/`; where it differs is listed there.
"""
