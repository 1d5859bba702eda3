"""The way to the stack's subscription, and the tags of everything that is made there."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Final

import pulumi
from pulumi_azure_native.provider import Provider

from sdg.azure.account import Account

TOKEN: Final = "azure-native:"  # noqa: S105 - a type token's


def azure_provider(name: str, account: Account, opts: pulumi.ResourceOptions) -> Provider:
    """A provider of one subscription, whatever `az` works on when the update runs."""
    return Provider(name, subscription_id=account.subscription, tenant_id=account.tenant, opts=opts)


def tagged(tags: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options for a component: every Azure resource in it that can have tags gets these, and no names that it never had."""

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith(TOKEN):
            return None
        opts = copy(args.opts)
        opts.aliases = [alias for alias in opts.aliases or () if not _is_of_a_version(alias)]
        # the SDK names every input that a resource may have
        props = {**args.props, "tags": dict(tags)} if tags and "tags" in args.props else args.props
        return pulumi.ResourceTransformationResult(props, opts)

    return pulumi.ResourceOptions(transformations=[transform])


def _is_of_a_version(alias: pulumi.Input[str | pulumi.Alias]) -> bool:
    """Whether an alias is the type of some API version, in which the SDK's first major versions had them all.

    No state of this project ever held one of them, and the hundreds that there are make up half of the time that a preview's program
    takes, and most of the state.
    """
    type_ = alias.type_ if isinstance(alias, pulumi.Alias) else None
    return isinstance(type_, str) and "/v" in type_
