"""The way to the stack's subscription, and the tags of everything that is made there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
from pulumi_azure_native.provider import Provider

from sdg.azure.account import Account

TOKEN: Final = "azure-native:"  # noqa: S105 - a type token's


def azure_provider(name: str, account: Account, opts: pulumi.ResourceOptions) -> Provider:
    """A provider of one subscription, whatever `az` works on when the update runs."""
    return Provider(name, subscription_id=account.subscription, tenant_id=account.tenant, opts=opts)


def tagged(tags: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options for a component: every Azure resource in it that can have tags gets these."""

    def tag(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        # the SDK names every input that a resource may have
        if not args.type_.startswith(TOKEN) or "tags" not in args.props:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "tags": dict(tags)}, args.opts)

    return pulumi.ResourceOptions(transformations=[tag])
