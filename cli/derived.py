"""A rehearsal's stack file: the project's own, changed by nothing but what its user could set as well."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cli.stack_file import is_secret
from rehearsal.nodes import NodeGroup
from rehearsal.services.internet import doors
from rehearsal.state import CONTEXT, is_free
from sdg.catalog.versions import ChartFile, RepositoryChart, versions
from sdg.catalog.vm_sizes import vm_size
from sdg.settings.forward import Forward
from sdg.settings.model import NAMESPACE

Config = dict[str, Any]
MICROK8S: Final = "microk8s"
AZURE: Final = "azure"
KINDS: Final = ("existing", MICROK8S, AZURE)
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# keys with dots between them; behind a key, the indices of a list, and keys that have dots themselves: a["b.c"]
_PATH: Final = re.compile(r"""[^.\[\]]+(\.[^.\[\]]+|\[\d+\]|\["[^"]+"\])*""")
_STEP: Final = re.compile(r"""\["(?P<quoted>[^"]+)"\]|\[(?P<index>\d+)\]|(?P<key>[^.\[\]]+)""")


class NotRehearsable(ValueError):
    """A stack cannot be rehearsed as it was asked for; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """What only the rehearsal knows.

    Attributes:
        kubeconfig: the one that the stack reads, or adds its cluster to.
        charts: address of the chart repository.
        nodes: machines of the cluster, where somebody chose them.
        apis: addresses of Azure's web APIs, by those that they have themselves.
        internet: address of what else is asked on the internet; empty where nothing answers for it.
        address: public address that the simulated Azure sees this host at.
    """

    kubeconfig: Path
    charts: str
    nodes: tuple[NodeGroup, ...] = ()
    apis: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    internet: str = ""


@dataclass(frozen=True)
class Changes:
    """What somebody wants otherwise than the stack file says, below `sdg:`.

    Attributes:
        sections: whole sections, by key.
        values: single values, by path, such as `osmo.profile` and `cluster.gpuPools[0].spot`.
    """

    sections: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


def kind_of(config: Mapping[str, Any]) -> str:
    """The kind of a stack's cluster.

    Raises:
        NotRehearsable: it has none that can be rehearsed.
    """
    cluster = config.get(f"{NAMESPACE}:cluster")
    kind = cluster.get("kind") if isinstance(cluster, Mapping) else None
    if kind not in KINDS:
        raise NotRehearsable(f"a cluster of kind {kind!r} cannot be rehearsed; {', '.join(KINDS[:-1])} and {KINDS[-1]} can")
    return str(kind)


def derived(config: Mapping[str, Any], changes: Changes, place: Place) -> Config:
    """The config of a rehearsed stack; without what is encrypted, which only the stack's own passphrase opens."""
    found: Config = {key: value for key, value in copy.deepcopy(dict(config)).items() if not is_secret(value)}
    found |= {f"{NAMESPACE}:{key}": section for key, section in changes.sections.items()}
    for path, value in changes.values.items():
        _set(found, path, value)
    cluster, kind = _section(found, "cluster"), kind_of(found)
    apis = {**(place.apis if kind == AZURE else {}), **_models(found, place.internet)}
    found[f"{NAMESPACE}:mirror"] = {**_section(found, "mirror"), **_mirror(place.charts), **({"apis": apis} if apis else {})}
    if kind == AZURE:
        _allow(cluster, place.address)
        return found
    cluster["kubeconfig"] = str(place.kubeconfig)
    if kind == "existing":
        cluster["context"] = CONTEXT
    if place.nodes:
        _plan_nodes(cluster, place.nodes)
    return found


def free_ports(config: Mapping[str, Any]) -> dict[str, int]:
    """The forwards' ports by path, each the next free one where the stack's own is held: on this machine, that is no finding."""
    forward = config.get(f"{NAMESPACE}:forward") or {}
    found: dict[str, int] = {}
    for key, default in (("port", Forward().port), ("uiPort", Forward().ui_port)):
        first = int(forward.get(key, default))
        found[f"forward.{key}"] = next(port for port in range(first, first + 1000) if port not in found.values() and is_free(port))
    return found


def parse_value(assignment: str) -> tuple[str, Any]:
    """Path and value of `osmo.profile=6.4`; the value is what `pulumi config set --path` would make of it.

    Raises:
        NotRehearsable: it is no assignment.
    """
    path, equals, text = assignment.partition("=")
    path = path.removeprefix(f"{NAMESPACE}:")
    if not equals or not _PATH.fullmatch(path):
        raise NotRehearsable(f"{assignment!r} is not PATH=VALUE, such as osmo.profile=6.4")
    if text in {"true", "false"}:
        return path, text == "true"
    whole = text.removeprefix("-").isdecimal() and str(int(text)) == text
    return path, int(text) if whole else text


def _set(config: Config, path: str, value: Any) -> None:  # noqa: ANN401 -- whatever a stack file may hold
    first, *rest = _steps(path)
    place: Any = config
    step: str | int = f"{NAMESPACE}:{first}"
    for following in rest:
        place = _entered(place, step, [] if isinstance(following, int) else {}, path)
        step = following
    _entered(place, step, value, path)
    place[step] = value


def _steps(path: str) -> list[str | int]:
    """Keys and indices of `cluster.gpuPools[0].spot`."""
    return [int(step["index"]) if step["index"] else step["quoted"] or step["key"] for step in _STEP.finditer(path)]


def _entered(place: Any, step: str | int, fresh: Any, path: str) -> Any:  # noqa: ANN401 -- whatever a stack file may hold
    """What is at a key or an index, made where there is nothing yet; the index after the last makes a list longer."""
    if isinstance(place, list) and isinstance(step, int):
        if step > len(place):
            raise NotRehearsable(f"{path} asks for entry {step} of a list that has {len(place)}; entries are added one after the other")
        if step == len(place):
            place.append(fresh)
    elif isinstance(place, dict) and isinstance(step, str):
        place.setdefault(step, fresh)
    else:
        raise NotRehearsable(f"{path} is no path of the stack: {step!r} is asked of {place!r}")
    return place[step]


def _section(config: Config, key: str) -> Config:
    section: Config = config.setdefault(f"{NAMESPACE}:{key}", {})
    return section


def _plan_nodes(cluster: Config, nodes: Iterable[NodeGroup]) -> None:
    """What the user of such machines would say of them; what the stack says itself, stays."""
    groups = list(nodes)
    gpus = [(gpu.count if (gpu := vm_size(group.size).gpu) else 0, group.count) for group in groups]
    total = sum(each * count for each, count in gpus)
    if not total or "gpus" in cluster:
        return
    cluster["gpus"] = total
    cluster.setdefault("gpusPerNode", max(each for each, _ in gpus))
    if any(each == 0 for each, _ in gpus):
        cluster.setdefault("minNodes", sum(count for _, count in gpus))
        cluster.setdefault("dedicatedGpuNodes", True)


def _allow(cluster: Config, address: str) -> None:
    """Lets this host reach the API server, as whoever deploys from it would have to."""
    ranges = [str(each) for each in cluster.get("allowedRanges") or []]
    if address and not any(ip_address(address) in ip_network(each, strict=False) for each in ranges):
        cluster["allowedRanges"] = [*ranges, f"{address}/32"]


def functions(config: Mapping[str, Any]) -> dict[str, str]:
    """Ids of NVIDIA's functions by the names that the stack has for them."""
    named = {name: _ID.search(str(said)) for server in _servers(config, "nvcf") for name, said in (server.get("functions") or {}).items()}
    return {name: found[0].lower() for name, found in named.items() if found}


def _models(config: Config, internet: str) -> dict[str, str]:
    """Who is asked for models, or for what they need; endpoints that the stack names itself among them.

    Also where it serves none yet: what is set in a rehearsal later must not ask the real ones.
    """
    if not internet:
        return {}
    endpoints = [endpoint for server in _servers(config, "external") for endpoint in (server.get("endpoints") or {}).values()]
    return doors.apis(internet, {str(endpoint.get("url")): str(endpoint.get("model")) for endpoint in endpoints})


def _servers(config: Mapping[str, Any], provider: str = "") -> Iterator[Mapping[str, Any]]:
    """What the stack says of those who serve models, of one provider or of all."""
    inference = config.get(f"{NAMESPACE}:inference") or {}
    for server in (inference, *(inference.get("also") or [])):
        if server.get("provider", "none") != "none" and provider in {"", server["provider"]}:
            yield server


def _mirror(server: str) -> dict[str, dict[str, str]]:
    """The rehearsal's server in place of everybody who publishes a chart: it serves the same paths."""
    charts = versions().charts.values()
    repositories = {_publisher(chart.repository) for chart in charts if isinstance(chart, RepositoryChart)}
    downloads = {_publisher(chart.file_url) for chart in charts if isinstance(chart, ChartFile)}
    return {"charts": dict.fromkeys(sorted(repositories), server), "downloads": dict.fromkeys(sorted(downloads), server)}


def _publisher(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
