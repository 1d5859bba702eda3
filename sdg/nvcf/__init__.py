"""NVIDIA Cloud Functions: how a function is referred to, which keys open it, and the API that says how it is. No Pulumi."""
