"""A Kubernetes API in memory, and a virtual cluster around it."""

from __future__ import annotations

from rehearsal.api import ApiError
from rehearsal.azure.aks_credentials import Server


class MemoryApi:
    """Keeps objects; knows lists with a field selector on `spec.nodeName` and merges patches."""

    def __init__(self):
        self.objects = {}

    def _of(self, resource):
        return self.objects.setdefault(resource.plural, {})

    def all(self, plural):
        return list(self.objects.get(plural, {}).values())

    def list(self, resource, namespace="", fieldSelector=""):  # noqa: N803 -- the API's name
        node = fieldSelector.partition("=")[2]
        found = [item for item in self._of(resource).values() if not node or item["spec"].get("nodeName") == node]
        return {"items": found, "metadata": {"resourceVersion": "1"}}

    def get(self, resource, name, namespace=""):
        return self._of(resource).get((namespace, name))

    def create(self, resource, body):
        key = (body["metadata"].get("namespace", ""), body["metadata"]["name"])
        if key in self._of(resource):
            raise ApiError(409, "AlreadyExists", key[1])
        self._of(resource)[key] = body
        return body

    def apply(self, resource, body):
        self._of(resource)[body["metadata"].get("namespace", ""), body["metadata"]["name"]] = body

    def patch(self, resource, name, body, namespace="", subresource=""):
        _merge(self._of(resource)[namespace, name], body)

    def delete(self, resource, name, namespace="", **query):
        self._of(resource).pop((namespace, name), None)


def _merge(target, body):
    for key, value in body.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


class FakeVirtual:
    """A virtual cluster that starts at once, or doesn't."""

    def __init__(self, broken=""):
        self.memory, self.broken, self.runs = MemoryApi(), broken, False

    def start(self):
        if self.broken:
            raise RuntimeError(self.broken)
        self.runs = True

    def wipe(self):
        self.memory.objects.clear()
        self.runs = False

    def api(self):
        return self.memory

    def kubelet_port(self):
        return 10250

    def server(self):
        return Server("https://127.0.0.1:1", b"authority", "token-of-the-administrator")
