"""Readiness gates: what must hold before the next stage, probed, stored with its evidence, and judged."""
