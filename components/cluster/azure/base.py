"""What the parts of an Azure cluster share: where they are made, how they are called, and who may take them along."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native.network import VirtualNetwork
from pulumi_azure_native.resources import ResourceGroup

from sdg.azure.names import Names
from sdg.azure.network import Layout


@dataclass(frozen=True, slots=True)
class Place:
    """Where resources are made. Their names are plain strings, so that a preview shows them; what must exist before is said by edges.

    Attributes:
        names: of everything.
        location: Azure region.
        group: the resource group; everything comes after it.
        parent: the component that all of it belongs to.
        provider: bound to the stack's subscription; invokes need it too.
    """

    names: Names
    location: str
    group: ResourceGroup
    parent: pulumi.Resource
    provider: pulumi.ProviderResource

    @property
    def resource_group_name(self) -> str:
        return self.names.resource_group

    def options(self, *after: pulumi.Resource, more: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
        """Options of a resource in the group.

        Args:
            after: what must exist before, beside the group.
            more: what else holds for it.
        """
        own = pulumi.ResourceOptions(parent=self.parent, provider=self.provider, depends_on=[self.group, *after])
        return pulumi.ResourceOptions.merge(own, more)

    def asking(self) -> pulumi.InvokeOptions:
        """Options of an invoke: without them it would ask the subscription that `az` happens to work on."""
        return pulumi.InvokeOptions(parent=self.parent, provider=self.provider)


@dataclass(frozen=True, slots=True)
class Subnets:
    """Ids of the subnets."""

    nodes: pulumi.Output[str]
    gpu_nodes: pulumi.Output[str]
    database: pulumi.Output[str]
    endpoints: pulumi.Output[str]


@dataclass(frozen=True, slots=True)
class NetworkHandle(Place):
    """The virtual network, and the place that it is in.

    Attributes:
        network: the virtual network.
        subnets: ids of its subnets, which were made one after the other; an id brings the edge along.
        layout: the addresses.
        nat_ip: address from which cluster and nodes reach the internet; None where AKS' own load balancer chooses one.
    """

    network: VirtualNetwork
    subnets: Subnets
    layout: Layout
    nat_ip: pulumi.Output[str] | None

    @property
    def network_id(self) -> pulumi.Output[str]:
        return self.network.id


def told(value: str | None, by: str, what: str) -> str:
    """What Azure computes for a resource and always answers with; a preview may not know it.

    Args:
        by: the resource, as the program names it.
        what: of it, in words.

    Raises:
        RuntimeError: Azure left it out; what needs it would be refused for a reason that helps nobody.
    """
    if value or pulumi.runtime.is_dry_run():
        return value or ""
    remedy = "Run `pulumi refresh`, and update again; if it stays so, Azure has not finished it."
    raise RuntimeError(f"Azure answered for {by} without {what}. {remedy}")


def with_cluster(cluster: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of what Azure deletes along with the cluster: a new one has it only if it is made anew."""
    return pulumi.ResourceOptions(deleted_with=cluster, replace_with=[cluster], delete_before_replace=True)
