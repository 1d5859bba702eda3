"""AKS: clusters, node pools, maintenance windows, as ARM sees them. What runs in them is somebody else's business."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from packaging.version import Version

from rehearsal.azure.account import TENANT
from rehearsal.azure.behaviour import Fields, Request, View, derived, guard, outputs, rule
from rehearsal.azure.errors import ArmError
from rehearsal.azure.ids import ResourceId, key
from rehearsal.azure.offers import PATCHES, Offers
from rehearsal.azure.regions import regions
from rehearsal.azure.resources import Resource
from rehearsal.azure.services.identity import IDENTITY, system_assigned
from rehearsal.azure.services.network import NETWORK, SUBNET, delegated_to
from rehearsal.azure.values import location
from sdg.catalog.versions import versions

BAD_REQUEST, CONFLICT = 400, 409
CLUSTER = "Microsoft.ContainerService/managedClusters"
POOL = f"{CLUSTER}/agentPools"
MAINTENANCE = f"{CLUSTER}/maintenanceConfigurations"
WINDOWS = ("default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
MOST_NODES, MOST_RANGES, SMALLEST_DISK = 1000, 200, 30
PRIVATE = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_TAINT = re.compile(r"[A-Za-z0-9]([-\w./]*[A-Za-z0-9])?=[-\w.]*:(NoSchedule|PreferNoSchedule|NoExecute)")


@rule(CLUSTER)
def _cluster_pools(request: Request) -> None:
    pools = request.inputs.get("agentPoolProfiles") or []
    if not any(str(pool.get("mode", "")).lower() == "system" for pool in pools):
        raise _bad("InvalidParameter", "There has to be at least one system agent pool.")
    if not request.inputs.get("dnsPrefix") and not request.inputs.get("fqdnSubdomain"):
        raise _bad("InvalidParameter", "Required parameter dnsPrefix is missing (null).")
    if not request.inputs.get("identity") and not request.inputs.get("servicePrincipalProfile"):
        raise _bad("InvalidParameter", "Required parameter servicePrincipalProfile or identity is missing (null).")
    known = {str(pool.get("name", "")) for pool in (request.old.outputs.get("agentPoolProfiles") if request.old else None) or pools}
    if any(str(pool.get("name", "")) not in known for pool in pools):
        sentence = (
            "A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed cluster operations."
        )
        raise _bad("BadRequest", f"{sentence} For agent pool specific change, please use per agent pool operations.")
    for pool in pools:
        check_pool(pool, str(pool.get("name", "")), request, str(request.inputs.get("location", "")))


@rule(CLUSTER)
def _cluster_network(request: Request) -> None:
    profile = request.inputs.get("networkProfile") or {}
    services, dns = _range(profile.get("serviceCidr"), "serviceCidr"), profile.get("dnsServiceIP")
    if services and dns and (ipaddress.ip_address(dns) not in services or ipaddress.ip_address(dns) == services[1]):
        raise _bad("InvalidDNSServiceIP", f"dnsServiceIP {dns} must be inside of serviceCidr {services} and not its first address.")
    pods = _range(profile.get("podCidr"), "podCidr") if str(profile.get("networkPluginMode", "")).lower() == "overlay" else None
    if pods and services and pods.overlaps(services):
        raise _bad("ServiceCidrOverlapPodCidr", f"podCidr {pods} overlaps with serviceCidr {services}.")
    for network in _networks(request):
        for name, given in (("serviceCidr", services), ("podCidr", pods)):
            for prefix in (network.outputs.get("addressSpace") or {}).get("addressPrefixes") or []:
                if given and given.overlaps(ipaddress.ip_network(prefix)):
                    code = "ServiceCidrOverlapExistingSubnetsCidr" if name == "serviceCidr" else "PodCidrOverlapExistingSubnetsCidr"
                    raise _bad(code, f"The specified {name} {given} conflicts with the range {prefix} of virtual network {network.name}.")
    _check_egress(request, str(profile.get("outboundType", "")))


def _check_egress(request: Request, outbound: str) -> None:
    if outbound != "userAssignedNATGateway":
        return
    for pool in request.inputs.get("agentPoolProfiles") or []:
        subnet = request.view.read(SUBNET, str(pool.get("vnetSubnetID", "")))
        if subnet is None or not (subnet.inputs.get("natGateway") or {}).get("id"):
            sentence = f"A NAT gateway must be associated to the subnet of agent pool {pool.get('name')} with outbound type {outbound}."
            raise _bad("NatGatewayNotFoundInSubnet", sentence)


@rule(CLUSTER)
def _cluster_access(request: Request) -> None:
    access = request.inputs.get("apiServerAccessProfile") or {}
    ranges = access.get("authorizedIPRanges") or []
    if ranges and access.get("enablePrivateCluster"):
        raise _bad("InvalidParameter", "authorizedIPRanges cannot be set for a private cluster.")
    if len(ranges) > MOST_RANGES:
        raise _bad("InvalidParameter", f"authorizedIPRanges has {len(ranges)} entries; {MOST_RANGES} are allowed.")
    for text in ranges:
        if (found := _range(text, "authorizedIPRanges")) and any(found.subnet_of(one) for one in PRIVATE):
            raise _bad("InvalidParameter", f"authorizedIPRanges must hold public addresses; {found} is private.")
    if request.inputs.get("disableLocalAccounts") and not request.inputs.get("aadProfile"):
        raise _bad("DisableLocalAccountsRequiresAAD", "Local accounts can only be disabled on clusters with Microsoft Entra integration.")
    identity = (request.inputs.get("securityProfile") or {}).get("workloadIdentity") or {}
    if identity.get("enabled") and not (request.inputs.get("oidcIssuerProfile") or {}).get("enabled"):
        raise _bad("InvalidWorkloadIdentity", "Workload identity needs the OIDC issuer: oidcIssuerProfile.enabled must be true.")


@rule(CLUSTER)
def _cluster_version(request: Request) -> None:
    wanted = str(request.inputs.get("kubernetesVersion") or "")
    plan = str(request.inputs.get("supportPlan") or "KubernetesOfficial")
    tier = str((request.inputs.get("sku") or {}).get("tier") or "Free")
    if plan == "AKSLongTermSupport" and tier != "Premium":
        raise _bad("InvalidParameter", "AKSLongTermSupport support plan is only available for clusters of tier Premium.")
    if wanted:
        _check_offered(request.view.offers, wanted, plan, location(str(request.inputs.get("location", ""))))
        if request.old:
            _check_upgrade(str(request.old.outputs.get("currentKubernetesVersion") or wanted), wanted)


def _check_offered(offers: Offers, wanted: str, plan: str, region: str) -> None:
    minor = ".".join(wanted.split(".")[:2])
    patches = [f"{minor}.{patch}" for patch in PATCHES]
    if plan not in offers.kubernetes(region).get(minor, ()) or wanted not in {minor, *patches}:
        words = "Please use [az aks get-versions] command to get the supported version list in this region."
        sentence = f"Managed cluster is on version {wanted} which is not supported in this region {region} with support plan {plan}."
        raise _bad("K8sVersionNotSupported", f"{sentence} {words}")


def _check_upgrade(present: str, wanted: str) -> None:
    old, new = Version(present), Version(_patched(wanted))
    if len(wanted.split(".")) == 2 and (new.major, new.minor) == (old.major, old.minor):  # noqa: PLR2004 -- a bare minor stays on its patch
        return
    if new < old:
        raise _bad("OperationNotAllowed", f"Downgrading from Kubernetes version {present} to {wanted} is not allowed.")
    if new.minor > old.minor + 1:
        sentence = f"Upgrading Kubernetes version {present} to {wanted} is not allowed: minor versions cannot be skipped."
        raise _bad("OperationNotAllowed", sentence)


@rule(POOL)
def _pool(request: Request) -> None:
    cluster = request.view.read(CLUSTER, request.id.rpartition("/agentPools/")[0])
    if cluster is None:
        return
    if request.old is None and any(pool.get("name") == request.name for pool in cluster.outputs.get("agentPoolProfiles") or []):
        raise ArmError(CONFLICT, "AgentPoolAlreadyExists", f"Agent pool {request.name} is part of cluster {cluster.name} already.")
    check_pool(request.inputs, request.name, request, str(cluster.outputs.get("location", "")))
    version = str(request.inputs.get("orchestratorVersion") or "")
    control = Version(str(cluster.outputs.get("currentKubernetesVersion") or "0"))
    if version and (Version(version).major, Version(version).minor) > (control.major, control.minor):
        sentence = f"Node pool version {version} and control plane version {control} are incompatible: a pool cannot be newer."
        raise _bad("NodePoolMcVersionIncompatible", sentence)


def check_pool(pool: Mapping[str, Any], name: str, request: Request, region: str) -> None:
    """Refuse a pool that AKS would not make.

    Raises:
        ArmError: names the pool.
    """
    _check_size(request.view.offers, pool, name, location(region))
    _check_counts(pool, name, request.old)
    _check_spot(pool, name)
    for taint in pool.get("nodeTaints") or []:
        if not _TAINT.fullmatch(str(taint)):
            raise _bad("InvalidParameter", f"Agent pool {name}: the taint '{taint}' is not of the form key=value:effect.")
    disk = pool.get("osDiskSizeGB")
    if disk and disk < SMALLEST_DISK:
        raise _bad("InvalidParameter", f"Agent pool {name}: osDiskSizeGB {disk} is too small, {SMALLEST_DISK} is the least.")
    subnet = request.view.read(SUBNET, str(pool.get("vnetSubnetID") or ""))
    if delegated_to(subnet):
        raise _bad("SubnetIsDelegated", f"Agent pool {name}: subnet {pool.get('vnetSubnetID')} is delegated and cannot hold nodes.")


def _check_size(offers: Offers, pool: Mapping[str, Any], name: str, region: str) -> None:
    size, offered = str(pool.get("vmSize") or ""), offers.region(region)
    if offered is None:
        sentence = f"The provided location '{region}' is not available for resource type '{CLUSTER}'."
        raise _bad("LocationNotAvailableForResourceType", f"{sentence} List of available regions is '{','.join(offers.names())}'.")
    restricted = offered.restricted.get(size)
    if regions().family(size) is None or size in offered.without or (restricted and not restricted.zones):
        sentence = f"The VM size of {size} is not allowed in your subscription in location '{region}' (agent pool {name})."
        raise _bad("BadRequest", f"{sentence} For more details, please visit https://aka.ms/cpu-quota")
    closed = set(restricted.zones) if restricted else set[str]()
    if missing := [zone for zone in pool.get("availabilityZones") or [] if zone not in offered.zones or zone in closed]:
        sentence = f"Preflight validation check failed: zones {missing} of agent pool {name} are not supported for {size} in '{region}'."
        raise _bad("AvailabilityZoneNotSupported", sentence)


def _check_counts(pool: Mapping[str, Any], name: str, old: Resource | None) -> None:
    system, count = str(pool.get("mode", "User")).lower() == "system", pool.get("count")
    least, most = pool.get("minCount"), pool.get("maxCount")
    # also of a pool with an autoscaler, when it is made (Azure/azure-service-operator#3220)
    if count is None and not (old and pool.get("enableAutoScaling")):
        raise _bad("InvalidParameter", f"Required parameter agentPoolProfile.count of agent pool {name} is missing (null).")
    if count is not None and not (1 if system else 0) <= count <= MOST_NODES:
        raise _bad(
            "InvalidParameter", f"Agent pool {name}: count {count} is out of range, {1 if system else 0} to {MOST_NODES} are allowed."
        )
    if not pool.get("enableAutoScaling"):
        if least is not None or most is not None:
            raise _bad("InvalidParameter", f"Agent pool {name}: minCount and maxCount are only for pools with enableAutoScaling.")
        return
    if least is None or most is None or not (1 if system else 0) <= least <= most <= MOST_NODES or most < 1:
        raise _bad("InvalidParameter", f"Agent pool {name}: minCount {least} and maxCount {most} are no range for an autoscaler.")
    if count is not None and not least <= count <= most:  # kubernetes-sigs/cluster-api-provider-azure#5947
        sentence = f"agentPoolProfile.count was {count}. It must be greater or equal to minCount:{least} and less than or equal to"
        raise _bad("InvalidParameter", f"{sentence} maxCount:{most}. (Agent pool {name}.)")


def _check_spot(pool: Mapping[str, Any], name: str) -> None:
    spot = str(pool.get("scaleSetPriority", "Regular")).lower() == "spot"
    for field in ("scaleSetEvictionPolicy", "spotMaxPrice"):
        if pool.get(field) is not None and not spot:
            raise _bad("InvalidParameter", f"Agent pool {name}: {field} is only for pools with scaleSetPriority Spot.")
    if spot and str(pool.get("mode", "User")).lower() == "system":
        raise _bad("InvalidParameter", f"Agent pool {name}: a system pool cannot be of spot machines.")


@rule(MAINTENANCE)
def _window(request: Request) -> None:
    if request.name not in WINDOWS:
        sentence = f"Maintenance configuration name '{request.name}' is not supported: only {', '.join(WINDOWS)} are."
        raise _bad("InvalidMaintenanceConfigurationName", sentence)
    hours = (request.inputs.get("maintenanceWindow") or {}).get("durationHours")
    if hours is not None and not 4 <= hours <= 24:  # noqa: PLR2004 -- AKS' own limits
        raise _bad("InvalidParameter", f"maintenanceWindow.durationHours {hours} is out of range: 4 to 24 are allowed.")


@outputs(CLUSTER)
def _cluster(view: View, resource: Resource) -> Fields:
    given, region = resource.inputs, str(resource.outputs.get("location", ""))
    prefix = f"{given.get('dnsPrefix') or given.get('fqdnSubdomain')}-{derived(resource, 'fqdn')[:8]}"
    version = _patched(str(given.get("kubernetesVersion") or versions().aks.kubernetes))
    private = bool((given.get("apiServerAccessProfile") or {}).get("enablePrivateCluster"))
    group = given.get("nodeResourceGroup") or f"MC_{resource.resource_group}_{resource.name}_{region}"
    found: dict[str, Any] = {
        "currentKubernetesVersion": version,
        "kubernetesVersion": str(given.get("kubernetesVersion") or version),
        "nodeResourceGroup": group,
        "powerState": {"code": "Running"},
        "maxAgentPools": 100,
        "resourceUID": derived(resource, "cluster").replace("-", "")[:24],
        "identityProfile": {"kubeletidentity": _kubelet(resource, str(group))},
        "enableRBAC": True,
        **system_assigned(resource, view),
        **({"privateFQDN": f"{prefix}.privatelink.{region}.azmk8s.io"} if private else {"fqdn": f"{prefix}.hcp.{region}.azmk8s.io"}),
    }
    if (given.get("oidcIssuerProfile") or {}).get("enabled"):
        issuer = f"https://{region}.oic.prod-aks.azure.com/{TENANT}/{derived(resource, 'issuer')}/"
        found["oidcIssuerProfile"] = {"issuerURL": issuer}
    pools = [{**_pool_defaults(pool, version), **pool} for pool in given.get("agentPoolProfiles") or []]
    return {**found, "agentPoolProfiles": pools}


@outputs(POOL)
def _pool_outputs(view: View, resource: Resource) -> Fields:
    cluster = view.read(CLUSTER, resource.id.rpartition("/agentPools/")[0])
    version = str(cluster.outputs.get("currentKubernetesVersion", "")) if cluster else ""
    return _pool_defaults(resource.inputs, version)


def _pool_defaults(pool: Mapping[str, Any], version: str) -> dict[str, Any]:
    wanted = str(pool.get("orchestratorVersion") or version)
    return {
        "currentOrchestratorVersion": _patched(wanted),
        "orchestratorVersion": wanted,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "count": pool.get("minCount") or 0,
        "osType": "Linux",
        "osSKU": "Ubuntu",
        "mode": "User",
        "maxPods": 30,
        "scaleDownMode": "Delete",
        "nodeImageVersion": "AKSUbuntu-2204gen2containerd-202606.01.0",
    }


def _kubelet(resource: Resource, group: str) -> dict[str, str]:
    subscription = resource.id.split("/")[2]
    id_ = f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{IDENTITY}/{resource.name}-agentpool"
    return {"resourceId": id_, "clientId": derived(resource, "kubelet client"), "objectId": derived(resource, "kubelet")}


@guard(POOL)
def _last_system_pool(view: View, resource: Resource) -> None:
    cluster = view.read(CLUSTER, resource.id.rpartition("/agentPools/")[0])
    own = [str(pool.get("mode", "")).lower() for pool in (cluster.outputs.get("agentPoolProfiles") if cluster else None) or []]
    others = [one for one in view.resources(POOL) if key(one.id) != key(resource.id)]
    if cluster and "system" not in own and not any(str(one.outputs.get("mode", "")).lower() == "system" for one in others):
        raise _bad("OperationNotAllowed", "There has to be at least one system agent pool.")


def _networks(request: Request) -> list[Resource]:
    found = {}
    for pool in request.inputs.get("agentPoolProfiles") or []:
        parsed = ResourceId.parse(str(pool.get("vnetSubnetID") or ""))
        network = request.view.read(NETWORK, parsed.parent) if parsed else None
        if network:
            found[key(network.id)] = network
    return list(found.values())


def _patched(version: str) -> str:
    """A version with the patch that AKS chooses for it."""
    return f"{version}.{PATCHES[-1]}" if len(version.split(".")) == 2 else version  # noqa: PLR2004 -- major and minor


def _range(text: Any, name: str) -> ipaddress.IPv4Network | None:  # noqa: ANN401 -- whatever a property may hold
    if text is None:
        return None
    try:
        return ipaddress.IPv4Network(str(text))
    except ValueError:
        raise _bad("InvalidParameter", f"{name}: '{text}' is no range of addresses in CIDR notation.") from None


def _bad(code: str, message: str) -> ArmError:
    return ArmError(BAD_REQUEST, code, message)
