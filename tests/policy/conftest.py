"""Judges single resources with a rule, wrapped exactly as the SDK wraps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import pytest
from pulumi_policy import (
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy


@dataclass(frozen=True)
class Judgement:
    """What a rule said of a resource."""

    violations: tuple[str, ...]
    unknown: str = ""
    not_applicable: str = ""


class Judge(Protocol):
    """Judges one resource."""

    def __call__(
        self, policy: ResourceValidationPolicy, resource_type: str, properties: Mapping[str, object], config: Mapping[str, object] = ...
    ) -> Judgement: ...


Made = tuple[str, str, Mapping[str, object]]
"""Type, name and properties of a resource."""
JudgeStack = Callable[[StackValidationPolicy, Sequence[Made]], Judgement]


@pytest.fixture
def unknown() -> str:
    """A value that isn't known during a preview."""
    return UNKNOWN_STRING_VALUE


def _options() -> PolicyResourceOptions:
    return PolicyResourceOptions(
        protect=False, ignore_changes=[], delete_before_replace=None, aliases=[], custom_timeouts=None, additional_secret_outputs=[]
    )


def _judged(validate: Callable[[Callable[..., None]], None]) -> Judgement:
    violations: list[str] = []
    try:
        validate(lambda message, urn=None: violations.append(message))
    except UnknownValueError as error:
        return Judgement(tuple(violations), unknown=error.message)
    except _NotApplicableError as error:
        return Judgement(tuple(violations), not_applicable=error.reason)
    return Judgement(tuple(violations))


@pytest.fixture
def judge() -> Judge:
    def judged(
        policy: ResourceValidationPolicy,
        resource_type: str,
        properties: Mapping[str, object],
        config: Mapping[str, object] = MappingProxyType({}),
    ) -> Judgement:
        args = ResourceValidationArgs(resource_type, unknown_checking_proxy(dict(properties)), "urn", "it", _options(), None, config)
        return _judged(lambda report: policy.validate(args, report))

    return judged


@pytest.fixture
def judge_stack() -> JudgeStack:
    def judged(policy: StackValidationPolicy, made: Sequence[Made]) -> Judgement:
        resources = [
            PolicyResource(kind, unknown_checking_proxy(dict(properties)), f"urn:{name}", name, _options(), None, None, [], {})
            for kind, name, properties in made
        ]
        return _judged(lambda report: policy.validate(StackValidationArgs(resources), report))

    return judged
