"""`sdg:data`: tells the engine which resources destroy leaves where they are, and gathers the keys that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import pulumi

from sdg.kube.objects import Ref
from sdg.osmo import layout
from sdg.osmo.retained import promised

_KUBERNETES: Final = "kubernetes:core/v1:"
_FORCE: Final = "pulumi.com/patchForce"
# keys that are made again: part of a backup, but nothing depends on these very ones
_PASSING: Final = frozenset(
    Ref("Secret", namespace, layout.OPERATOR_TOKEN_SECRET) for namespace in (layout.SERVICE_NAMESPACE, layout.OPERATOR_NAMESPACE)
)


class Retention:
    """Sees every resource of the components that it is given to, and compares it with the table of what is promised.

    Attributes:
        lasting: contents of the promised keys, by object.
        passing: contents of further keys that are made again.
    """

    def __init__(self, data: Literal["delete", "retain"]) -> None:
        self._retain = data == "retain"
        self.lasting: dict[str, Any] = {}
        self.passing: dict[str, Any] = {}

    @property
    def options(self) -> pulumi.ResourceOptions:
        """Options for a component; its children inherit them."""
        return pulumi.ResourceOptions(transformations=[self._seen])

    def _seen(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        ref = _ref(args)
        if ref is None:
            return None
        promise = promised(ref)
        if promise and promise.role == "key":
            self.lasting[str(ref)] = _contents(args.props)
        elif ref in _PASSING:
            self.passing[str(ref)] = _contents(args.props)
        if promise is None:
            return None
        kept = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True)) if self._retain else args.opts
        return pulumi.ResourceTransformationResult(_overruling(args.props), kept)


def _ref(args: pulumi.ResourceTransformationArgs) -> Ref | None:
    """The object that a resource is; None for everything that can hold no data."""
    metadata = args.props.get("metadata") if args.type_.startswith(_KUBERNETES) else None
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        return None
    return Ref(args.type_.removeprefix(_KUBERNETES), str(metadata.get("namespace") or ""), metadata["name"])


def _overruling(props: Mapping[str, Any]) -> dict[str, Any]:
    """Lets the provider change what was left by an earlier life of the stack, or restored: other managers hold its fields then."""
    metadata = props["metadata"]
    return {**props, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), _FORCE: "true"}}}


def _contents(props: Mapping[str, Any]) -> Any:  # noqa: ANN401 (a mapping of inputs, or an output of one)
    return props.get("string_data") or props.get("data")
