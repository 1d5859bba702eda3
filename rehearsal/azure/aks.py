"""AKS in the simulated Azure: a cluster's creation starts the virtual cluster, its pools are virtual nodes, its deletion takes all away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import yaml

from rehearsal.api import STORAGE_CLASSES, Api
from rehearsal.azure import aks_access, aks_credentials
from rehearsal.azure.aks_fleet import Fleet
from rehearsal.azure.aks_pools import NodePool, Owner, pool_of
from rehearsal.azure.errors import ArmError, not_found
from rehearsal.azure.ids import key
from rehearsal.azure.world import DELETING, FAILED, Fields, Resource, World

log = logging.getLogger(__name__)
CLUSTER: Final = "Microsoft.ContainerService/managedClusters"
POOL: Final = f"{CLUSTER}/agentPools"
PROFILES, COUNT = "agentPoolProfiles", "count"
CLASSES: Final = Path(__file__).resolve().with_name("aks_storage.yaml")
INTERNAL, CONFLICT = 500, 409


class Virtual(Protocol):
    """The virtual cluster of the rehearsal."""

    def start(self) -> None:
        """Brings up an empty one, or what there was of it.

        Raises:
            RuntimeError: it did not come up; says why.
        """
        ...

    def wipe(self) -> None:
        """Takes it away with everything in it."""
        ...

    def api(self) -> Api:
        """Its API."""
        ...

    def kubelet_port(self) -> int:
        """The port of its kubelets."""
        ...

    def server(self) -> aks_credentials.Server:
        """How it is reached."""
        ...


@dataclass
class Aks:
    """AKS over one virtual cluster: a rehearsal has no other.

    Attributes:
        state: `absent`, `starting`, `running`, or why it failed.
        fleet: the machines of the pools.
    """

    world: World
    virtual: Virtual
    state: str = "absent"
    _ordering: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.virtual.api, self.virtual.kubelet_port, self.world.clock)

    def register(self) -> None:
        """Takes part in what happens to clusters, pools and roles from now on."""
        self.world.on_created(CLUSTER, self._create)
        self.world.on_updated(CLUSTER, self._update)
        self.world.on_deleted(CLUSTER, self._delete)
        self.world.on_created(POOL, self._create_pool)
        self.world.on_updated(POOL, self._update_pool)
        self.world.on_deleted(POOL, self._delete_pool)
        self.world.on_created(aks_access.ASSIGNMENT, self._grant)
        self.world.on_deleted(aks_access.ASSIGNMENT, self._revoke)
        self.world.on_invoke("listManagedClusterAdminCredentials", self._admin_credentials)
        self.world.on_invoke("listManagedClusterUserCredentials", self._user_credentials)

    def resume(self) -> None:
        """Starts the cluster again that ARM knows of, and gives its pools the nodes that are missing."""
        cluster = self._cluster()
        if cluster is None:
            return
        try:
            self._start(cluster)
            for pool in self.all():
                self._fleet_of().resize(pool, pool.count)
        except ArmError as error:
            log.error("%s", error)  # noqa: TRY400 -- the trace says nothing more

    def all(self) -> list[NodePool]:
        """Every pool as it is now, the cluster's own first; empty while there is no cluster."""
        cluster = self._cluster()
        return list(self._pools(cluster).values()) if cluster and self.state == "running" else []

    def order(self, pool: NodePool, count: int) -> None:
        """Sets how many machines a pool has, as an autoscaler does: nobody is asked, and the next reading shows it.

        Raises:
            ArmError: the subscription's quota does not allow it.
        """
        cluster = self._cluster()
        if cluster is None:
            raise not_found(CLUSTER)
        with self._ordering:
            child = self._child(cluster, pool.name)
            if child:
                self.world.amend(POOL, child.id, {COUNT: count})
                return
            profiles = [{**profile, COUNT: count} if profile.get("name") == pool.name else profile for profile in cluster.outputs[PROFILES]]
            self.world.amend(CLUSTER, cluster.id, {PROFILES: profiles})

    def _admin_credentials(self, cluster: Resource, _arguments: Fields) -> Fields:
        return aks_credentials.answer("clusterAdmin", aks_credentials.admin(cluster, self.virtual.server()))

    def _user_credentials(self, cluster: Resource, arguments: Fields) -> Fields:
        return aks_credentials.answer(
            "clusterUser", aks_credentials.user(cluster, self.virtual.server(), str(arguments.get("format") or ""))
        )

    def _create(self, cluster: Resource) -> Fields | None:
        others = [one.name for one in self.world.resources(CLUSTER) if key(one.id) != key(cluster.id) and one.state != FAILED]
        if others:
            raise ArmError(CONFLICT, "OneVirtualCluster", f"a rehearsal has one cluster, and {others[0]} is it; delete that one first")
        self._start(cluster)
        for pool in self._pools(cluster).values():
            self._fleet_of().resize(pool, pool.count)
        # whoever rehearses is inside the network of a private API server, which is on this machine
        return {"privateFQDN": urlsplit(self.virtual.server().url).netloc} if "privateFQDN" in cluster.outputs else None

    def _start(self, cluster: Resource) -> None:
        self.state = "starting"
        try:
            self.virtual.start()
            api = self.virtual.api()
            for item in yaml.safe_load(CLASSES.read_text())["classes"]:
                api.apply(STORAGE_CLASSES, item)
            aks_access.grant_all(api, self.world, cluster)
        except Exception as error:
            self.state = f"failed: {error}"
            log.exception("the virtual cluster does not come up")
            raise ArmError(INTERNAL, "InternalServerError", f"the virtual cluster does not come up: {error}") from error
        self.state = "running"

    def _update(self, before: Resource, after: Resource) -> Fields | None:
        old, new = _inline(before, before.outputs), _inline(after, after.inputs)
        counts = {name: self._change(old.get(name), pool) for name, pool in new.items()}
        profiles = [{**profile, COUNT: counts[profile["name"]]} for profile in after.outputs.get(PROFILES) or []]
        return {PROFILES: profiles} if profiles else None

    def _delete(self, _cluster: Resource) -> None:
        self.state = "absent"
        self.virtual.wipe()
        self.fleet.forget()

    def _create_pool(self, child: Resource) -> Fields | None:
        pool = self._pool_of(child, child.inputs)
        if pool:
            self._fleet_of().resize(pool, pool.count)
        return {COUNT: pool.count} if pool else None

    def _update_pool(self, before: Resource, after: Resource) -> Fields | None:
        old, new = self._pool_of(before, before.outputs), self._pool_of(after, after.inputs)
        return {COUNT: self._change(old, new)} if new else None

    def _delete_pool(self, child: Resource) -> None:
        pool = self._pool_of(child, child.outputs)
        if pool and self.state == "running":
            self.fleet.resize(pool, 0)

    def _change(self, before: NodePool | None, after: NodePool) -> int:
        """Makes nodes what their pool has become; returns how many there are then. An autoscaler's number stays within its new limits."""
        count = after.count
        if before and after.autoscaled:
            least, most = after.autoscaled
            count = min(max(before.count, least), most)
        if before:
            self._fleet_of().describe(before, after)
        self._fleet_of().resize(after, count)
        return count

    def _grant(self, assignment: Resource) -> Fields | None:
        if self._cluster():
            self.world.clock.later(aks_access.PROPAGATION, lambda: self._granted(assignment))
        return None

    def _granted(self, assignment: Resource) -> None:
        """A role has reached the cluster, if both are still there."""
        cluster, still = self._cluster(), self.world.read(aks_access.ASSIGNMENT, assignment.id)
        if cluster and still and still.uid == assignment.uid and self.state == "running":
            aks_access.grant(self.virtual.api(), cluster, assignment)

    def _revoke(self, assignment: Resource) -> None:
        if self.state == "running":
            aks_access.revoke(self.virtual.api(), assignment)

    def _fleet_of(self) -> Fleet:
        if self.state != "running":
            words = f"the cluster's virtual machines cannot be changed: the cluster is {self.state}"
            raise ArmError(CONFLICT, "OperationNotAllowed", words)
        return self.fleet

    def _cluster(self) -> Resource | None:
        return next((one for one in self.world.resources(CLUSTER) if one.state not in {FAILED, DELETING}), None)

    def _child(self, cluster: Resource, name: str) -> Resource | None:
        return next((child for child in self._children(cluster) if child.name == name), None)

    def _children(self, cluster: Resource) -> Iterator[Resource]:
        below = f"{key(cluster.id)}/"
        return (child for child in self.world.resources(POOL) if key(child.id).startswith(below) and child.state not in {FAILED, DELETING})

    def _pools(self, cluster: Resource) -> dict[str, NodePool]:
        owner = _owner(cluster)
        return _inline(cluster, cluster.outputs) | {
            child.name: pool_of(child.name, child.outputs, owner) for child in self._children(cluster)
        }

    def _pool_of(self, child: Resource, said: Mapping[str, Any]) -> NodePool | None:
        """A pool that is a resource of its own; None where its cluster is gone."""
        cluster = self.world.read(CLUSTER, child.id.rpartition("/agentPools/")[0])
        return pool_of(child.name, said, _owner(cluster)) if cluster else None


def _owner(cluster: Resource) -> Owner:
    outputs = cluster.outputs
    region = str(outputs.get("location") or "").replace(" ", "").lower()
    default = f"MC_{cluster.resource_group}_{cluster.name}_{region}"
    return Owner(cluster.id, region, str(outputs.get("nodeResourceGroup") or default))


def _inline(cluster: Resource, said: Mapping[str, Any]) -> dict[str, NodePool]:
    """The pools that are part of the cluster's own description."""
    owner = _owner(cluster)
    return {profile["name"]: pool_of(profile["name"], profile, owner) for profile in said.get(PROFILES) or []}
