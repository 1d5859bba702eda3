"""NIMServices and pods for tests, as the program and the operator make them."""

from __future__ import annotations

import copy

from components.inference.nim_operator.manifests import Placement, service_spec
from rehearsal.nims import rendering
from rehearsal.nims.images import image
from rehearsal.nims.starts import Seen, model
from sdg.catalog.nims import nims
from sdg.settings.mirror import Mirror

H100 = 94.0  # GiB of one


def service(name, **changes):
    """A NIMService of the catalog, with some of its specification changed."""
    spec = service_spec(name, nims()[name], Mirror(), Placement("shares"))
    return item(name, {**spec, **changes})


def item(name, spec, kind="NIMService"):
    metadata = {"name": name, "namespace": "osmo-nims", "uid": f"uid-of-{name}"}
    return {"apiVersion": "apps.nvidia.com/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def pod(of, store=None, more=None):
    """A pod of a NIMService's Deployment, on a node."""
    claim = {"persistentVolumeClaim": {"claimName": rendering.claim_name(of)}}
    template = rendering.deployment(of, store or claim, more or {})["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{of['metadata']['name']}-7d-x", "namespace": "osmo-nims", "uid": "u1"}
    return {"metadata": metadata, "spec": {**template["spec"], "nodeName": "gpu-0"}, "status": {}}


def downloaded(of_pod):
    """What a completed download has put on the claim of a pod."""
    does = image(of_pod["spec"]["containers"][0]["image"])
    found = model(of_pod, does)
    return {found.folder.removeprefix("/model-store/"): 1.0} if found else {}


def seen(folders=None, vram_gib=H100, *, key=True):
    return Seen(folders or {}, vram_gib, key)


def without(of, *names):
    """The NIMService without some of its variables."""
    env = [variable for variable in of["spec"]["env"] if variable["name"] not in names]
    return {**of, "spec": {**of["spec"], "env": env}}


class Memory:
    """An API server that only keeps objects, with the calls that the loops make."""

    def __init__(self, *objects):
        self.objects = {}
        for resource, body in objects:
            self.create(resource, body)

    def get(self, resource, name, namespace=""):
        found = self.objects.get((resource, namespace, name))
        return None if found is None else copy.deepcopy(found)

    def create(self, resource, body):
        metadata = body["metadata"]
        self.objects[resource, metadata.get("namespace", ""), metadata["name"]] = copy.deepcopy(body)
        return body

    apply = create

    def patch(self, resource, name, body, namespace="", _subresource=""):
        _merge(self.objects[resource, namespace, name], copy.deepcopy(body))

    def of(self, resource):
        return {key[2]: body for key, body in self.objects.items() if key[0] == resource}


def _merge(into, change):
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
