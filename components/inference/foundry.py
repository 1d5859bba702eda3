"""Azure AI Foundry: an account with a deployment of each model, or serverless endpoints. Only clusters in Azure have the place for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pulumi
from pulumi_azure_native.cognitiveservices import (
    Account,
    AccountPropertiesArgs,
    Deployment,
    DeploymentModelArgs,
    DeploymentPropertiesArgs,
    IdentityArgs,
    IpRuleArgs,
    NetworkRuleSetArgs,
    ResourceIdentityType,
    SkuArgs,
    list_account_keys_output,
)

from components.cluster.azure.base import NetworkHandle
from components.cluster.azure.provider import tagged
from components.cluster.azure.stored import state
from components.cluster.base import ClusterHandle
from components.inference.base import Endpoint, Served, facts, key_triggers
from components.inference.serverless import serverless
from sdg.azure.firewall import addresses
from sdg.azure.foundry import MODELS_PATH, PREFIX, base_url, models_of, other_models
from sdg.catalog.foundry_models import FoundryModel, foundry_model
from sdg.inference.model import PlannedEndpoint
from sdg.settings.azure import Azure
from sdg.settings.inference import Foundry as FoundrySettings
from sdg.settings.inference import FoundryModel as ModelSettings
from sdg.settings.mirror import Mirror

MINUTES: Final = 5  # after which a deployment answers, by the words of its own error


@dataclass(frozen=True, slots=True)
class Wanted:
    """One endpoint, with what the catalog and the settings say of its model."""

    planned: PlannedEndpoint
    model: FoundryModel
    settings: ModelSettings


class Foundry(pulumi.ComponentResource):
    """Models of Foundry, one endpoint each.

    Args:
        planned: the endpoints; each is a key of `settings.models`.
        cluster: it, and where it is in Azure.
        azure: its settings: tags, and whom firewalls let in.
        before: the model of each endpoint that the state holds.

    Attributes:
        served: the endpoints.

    Raises:
        pulumi.RunError: an endpoint would get another model, or the cluster is not in Azure; nothing has been done here yet.
    """

    def __init__(
        self,
        name: str,
        settings: FoundrySettings,
        planned: Sequence[PlannedEndpoint],
        *,
        cluster: ClusterHandle,
        azure: Azure,
        mirror: Mirror,
        before: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if cluster.azure is None:  # the loader refuses it with what can be deployed
            raise pulumi.RunError(f"sdg:inference.provider foundry needs a cluster in Azure; this one's kind is {cluster.kind}")
        called = {each.name: settings.models[each.name].model or each.name for each in planned}
        wanted = [Wanted(each, foundry_model(called[each.name]), settings.models[each.name]) for each in planned]
        if problems := list(other_models(before, {each.planned.name: each.model for each in wanted})):
            raise pulumi.RunError("\n".join(problems))
        told = {**facts(cluster.kind, "foundry", planned), "models": list(called.values()), "offer": settings.offer}
        super().__init__("sdg:inference:Foundry", name, told, pulumi.ResourceOptions.merge(tagged(azure.tags), opts))
        place = replace(cluster.azure, parent=self, location=settings.location or cluster.azure.location)
        if settings.offer == "serverless":
            models = {each.planned.name: each.model for each in wanted}
            self.served = serverless(place, planned, models, cluster, mirror)
        else:
            account = _account(place, cluster, azure)
            self.served = _deployed(place, account, wanted, mirror)
        self.register_outputs({})


def made_models() -> Mapping[str, str]:
    """The model of each endpoint that the stack's state holds, by the endpoint's name."""
    return models_of(state())


def _deployed(place: NetworkHandle, account: Account, wanted: Sequence[Wanted], mirror: Mirror) -> Served:
    """Makes the deployments."""
    made: list[Deployment] = []
    # an account does one thing at a time, and refuses another one meanwhile; an edge that comes or goes changes no resource
    for each in sorted(wanted, key=lambda each: each.planned.name):
        made.append(_deployment(place, account, each, after=made[-1:]))
    key, url = _key(place, account), base_url(place.names.foundry)
    probe = {"address": {"url": mirror.api(url)}, "ready": MODELS_PATH, "auth": "bearer", "minutes": MINUTES, "expect": {"models": False}}
    # to requests, a deployment's name is the model's
    named = [replace(each.planned, model=each.planned.name) for each in wanted]
    endpoints = tuple(Endpoint(each, pulumi.Output.from_input(url), key, probe) for each in named)
    specs = {f"foundry/{each.planned.name}": _said(each) for each in wanted}
    return Served(endpoints, (account, *made), {**key_triggers({"foundry": key}), **specs})


def _said(wanted: Wanted) -> str:
    """What is deployed; its capacity changes no answer."""
    model = wanted.model
    return f"{model.format}/{model.name} {wanted.settings.version or 'default'} {model.sku}"


def _account(place: NetworkHandle, cluster: ClusterHandle, azure: Azure) -> Account:
    """The account. Pods come from the cluster's NAT address; where it has none that is known, the key alone keeps others out."""
    known = [IpRuleArgs(value=each) for each in addresses(azure.allowed_ranges)]
    rules = [IpRuleArgs(value=place.nat_ip), *known] if place.nat_ip is not None else []
    return Account(
        "foundry-account",
        account_name=place.names.foundry,
        resource_group_name=place.resource_group_name,
        location=place.location,
        kind="AIServices",
        sku=SkuArgs(name="S0"),
        identity=IdentityArgs(type=ResourceIdentityType.SYSTEM_ASSIGNED),
        properties=AccountPropertiesArgs(
            custom_sub_domain_name=place.names.foundry,
            allow_project_management=True,
            disable_local_auth=False,  # workflows have a key, and no login
            public_network_access="Enabled",
            network_acls=NetworkRuleSetArgs(default_action="Deny" if rules else "Allow", ip_rules=rules, virtual_network_rules=[]),
        ),
        opts=place.options(cluster.ready, more=pulumi.ResourceOptions(delete_before_replace=True)),
    )


def _deployment(place: NetworkHandle, account: Account, wanted: Wanted, after: Sequence[Deployment]) -> Deployment:
    endpoint, model, version = wanted.planned.name, wanted.model, wanted.settings.version
    # Azure deletes no account that has deployments: each is deleted before it, on its own
    fixed = pulumi.ResourceOptions(replace_with=[account], delete_before_replace=True)
    return Deployment(
        f"{PREFIX}{endpoint}",
        account_name=place.names.foundry,
        deployment_name=endpoint,
        resource_group_name=place.resource_group_name,
        sku=SkuArgs(name=model.sku, capacity=wanted.settings.capacity),
        properties=DeploymentPropertiesArgs(
            model=DeploymentModelArgs(format=model.format, name=model.name, version=version),
            version_upgrade_option="NoAutoUpgrade" if version else "OnceNewDefaultVersionAvailable",
        ),
        opts=place.options(account, *after, more=fixed),
    )


def _key(place: NetworkHandle, account: Account) -> pulumi.Output[str]:
    # the account's own output: nothing is asked of one that doesn't exist yet, as in a first preview
    found = list_account_keys_output(resource_group_name=place.resource_group_name, account_name=account.name, opts=place.asking())
    return pulumi.Output.secret(found.key1.apply(str))
