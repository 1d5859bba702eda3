"""The host that gets MicroK8s: one script asks everything, here or over SSH, and pure functions judge its answers."""
