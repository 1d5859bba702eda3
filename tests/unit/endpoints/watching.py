"""What the gate sees of endpoints: a server for each, and a cluster where NIMs are."""

from sdg.gates.interrupt import Interruption
from sdg.gates.probes.endpoint import Endpoint
from sdg.gates.probes.endpoints import Endpoints, Watched
from sdg.gates.probes.nims import NimsProbe
from sdg.gates.probes.served import Direct, Served
from sdg.gates.waiting import Wait, until_green
from tests.unit.endpoints.cluster import NAMESPACE
from tests.unit.endpoints.server import MODEL


def entry(name="llm", provider="external", url="http://models.example/v1", **changes):
    """An entry of the gate's input `endpoints`."""
    usual = {"name": name, "provider": provider, "url": url, "address": {"url": url}, "ready": "", "model": MODEL}
    return {**usual, "request": "chat", "auth": "", "minutes": 0.0, "nim": None, "function": None, **changes}


def nim(name="llm", **changes):
    url = f"http://{name}.{NAMESPACE}.svc.cluster.local:8000/v1"
    address = {"namespace": NAMESPACE, "service": name, "port": 8000.0}
    usual = {"address": address, "ready": "/v1/health/ready", "nim": {"name": name}, "minutes": 20.0}
    return entry(name, "nim-operator", url, **{**usual, **changes})


def watched(given, server, key="", *, with_request=True):
    """One endpoint; `server` stands where it leads to."""
    endpoint = Endpoint.of(given)
    way = Direct(server if isinstance(server, str) else server.url)
    return Watched(endpoint, Served(endpoint, key, way, with_request=with_request), way)


def waited(*each, cluster=None, deadline=20.0, said=None, interruption=None, interval=0.02, **more):
    """What a gate that waits for these finds."""
    probe = NimsProbe(cluster, **more) if cluster is not None else None
    how = Wait(deadline=deadline, interval=interval, patience=0.0, speak_gap=0.0, speak_every=0.1)
    with Endpoints(each, probe) as endpoints:
        return until_green(endpoints.look, how, said.append if said is not None else lambda line: None, interruption or Interruption())


def looked(*each, cluster=None, **more):
    """What one look finds."""
    with Endpoints(each, NimsProbe(cluster, **more) if cluster is not None else None) as endpoints:
        return endpoints.look()


def red(verdict, name=None):
    """Its failed checks, or the one of this name."""
    found = list(verdict.failures())
    return found if name is None else next(check for check in found if check.name == name)
