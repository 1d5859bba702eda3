"""Rule: no key-shaped value at a property path that may never hold one.

A policy sees secrets unwrapped, so it cannot tell whether a value is one: it judges paths and shapes. Whether what stands at a legal
path is encrypted in the stack's state is checked by `sdg.secrecy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.leaves import Path, known, leaves
from sdg.catalog.key_shapes import key_shape
from sdg.catalog.secret_paths import secret_paths

LEGAL: Final = "Legal here is text that is no credential: put the credential into a Secret (data or stringData) and refer to that by name."


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges every known text of a resource; the message never holds the value."""
    properties: Mapping[str, object] = args.props

    def lookup(path: Path) -> object:
        return known(properties, path)

    for leaf in leaves(properties):
        shape = key_shape(leaf.text, leaf.label)
        if shape and secret_paths().place(args.resource_type, leaf.path, lookup) is None:
            report(f"{args.resource_type} {args.name}: {leaf.shown_path} holds what looks like a credential ({shape}). {LEGAL}", None)


NO_KEY_IN_PLAIN_PATH: Final = ResourceValidationPolicy(
    name="no-key-in-plain-path",
    description="Checks whether a key-shaped value stands where none may ever stand.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
