"""The rehearsal's Kubernetes provider plugin: it answers as the official one does, call by call.

What it was compared with is recorded in `tests/data/provider-captures/`; the few places where it differs are listed there.
"""
