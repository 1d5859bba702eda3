"""Probes: what a gate looks at. Pure Python, no Pulumi."""
