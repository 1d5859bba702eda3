"""Serves the policy pack; the engine runs this with the pack's folder as working directory."""

from __future__ import annotations

from pulumi_policy import PolicyPack

from policy.pack import NAME, POLICIES

PolicyPack(NAME, list(POLICIES))
