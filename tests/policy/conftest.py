"""Judges single resources with a rule, wrapped exactly as the SDK wraps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pulumi_policy import PolicyResourceOptions, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy


@dataclass(frozen=True)
class Judgement:
    """What a rule said of a resource."""

    violations: tuple[str, ...]
    unknown: str = ""
    not_applicable: str = ""


Judge = Callable[[ResourceValidationPolicy, str, dict[str, object]], Judgement]


@pytest.fixture
def unknown() -> str:
    """A value that isn't known during a preview."""
    return UNKNOWN_STRING_VALUE


@pytest.fixture
def judge() -> Judge:
    def judged(policy: ResourceValidationPolicy, resource_type: str, properties: dict[str, object]) -> Judgement:
        violations: list[str] = []
        options = PolicyResourceOptions(
            protect=False, ignore_changes=[], delete_before_replace=None, aliases=[], custom_timeouts=None, additional_secret_outputs=[]
        )
        args = ResourceValidationArgs(resource_type, unknown_checking_proxy(properties), "urn", "it", options, None)
        try:
            policy.validate(args, lambda message, urn=None: violations.append(message))
        except UnknownValueError as error:
            return Judgement(tuple(violations), unknown=error.message)
        except _NotApplicableError as error:
            return Judgement(tuple(violations), not_applicable=error.reason)
        return Judgement(tuple(violations))

    return judged
