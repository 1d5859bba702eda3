"""The simulated Azure over HTTP: ARM's REST for what is asked before a deployment, and what the engine's plugin needs."""
