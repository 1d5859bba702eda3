"""The way to the stack's subscription, and the tags of everything that is made there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
from pulumi_azure_native.provider import Provider

TOKEN: Final = "azure-native:"  # noqa: S105 - a type token's


def azure_provider(name: str, subscription: str, tenant: str | None, parent: pulumi.Resource) -> Provider:
    """A provider of one subscription, whatever `az` works on when the update runs.

    Args:
        tenant: the one to log in to; that of the login when None.
    """
    return Provider(name, subscription_id=subscription, tenant_id=tenant, opts=pulumi.ResourceOptions(parent=parent))


def tagged(tags: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options for a component: every Azure resource in it that can have tags gets these."""

    def tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # the SDK names every input that a resource may have
        if not args.type_.startswith(TOKEN) or "tags" not in args.props:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "tags": dict(tags)}, args.opts)

    return pulumi.ResourceOptions(transformations=[tag])
