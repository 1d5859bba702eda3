"""Reaching a Kubernetes cluster: its connection, its API, and short-lived forwards into it."""
