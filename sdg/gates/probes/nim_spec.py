"""Whether the NIM operator has made its Deployment of what a NIMService says now.

The conditions of a NIMService carry no generation: right after a change `Ready` still speaks of what was before. So what the operator made
is compared with what is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sdg.catalog.quantities import number
from sdg.kube.api import Json


def lagging(service: Json, deployment: Json) -> str:
    """What the Deployment still lacks, in one sentence's words; empty when it is of the newest spec."""
    wanted, template = service.get("spec") or {}, ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    container = _container(template, service["metadata"]["name"])
    return next(_differences(wanted, deployment.get("spec") or {}, template, container), "")


def _differences(wanted: Json, made: Json, template: Json, container: Json) -> Iterator[str]:
    image = wanted.get("image") or {}
    reference = f"{image.get('repository')}:{image.get('tag')}"
    if container.get("image") != reference:
        yield f"image {container.get('image')}, wanted {reference}"
    for key in ("command", "args"):
        if wanted.get(key) and list(wanted[key]) != list(container.get(key) or []):
            yield f"another {key}"
    yield from (f"variable {name}" for name in _unlike(_variables(wanted), _variables(container)))
    for kind in ("requests", "limits"):
        ours, theirs = ((each.get("resources") or {}).get(kind) or {} for each in (wanted, container))
        yield from (f"{kind} of {name}" for name, value in ours.items() if not _same(value, theirs.get(name)))
    yield from (f"nodeSelector {name}" for name in _unlike(wanted.get("nodeSelector") or {}, template.get("nodeSelector") or {}))
    scaled = (wanted.get("scale") or {}).get("enabled")
    if wanted.get("replicas") is not None and not scaled and int(wanted["replicas"]) != int(made.get("replicas", 1)):
        yield f"{made.get('replicas', 1)} replicas, wanted {wanted['replicas']}"


def _container(template: Json, name: str) -> Json:
    """The NIM's own container: the operator names it so, and others may stand beside it."""
    containers = list(template.get("containers") or [])
    first: Json = next((each for each in containers if each.get("name") == f"{name}-ctr"), containers[0] if containers else {})
    return first


def _variables(holder: Json) -> dict[str, Any]:
    """Variables by name; the API server adds what was left out of a reference, so only the parts that say something count."""
    return {entry["name"]: entry.get("value") or _reference(entry.get("valueFrom") or {}) for entry in holder.get("env") or []}


def _reference(source: Json) -> tuple[str, str]:
    held: Json = source.get("secretKeyRef") or source.get("configMapKeyRef") or {}
    return str(held.get("name") or ""), str(held.get("key") or "")


def _unlike(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    return (name for name, value in wanted.items() if found.get(name) != value)


def _same(wanted: object, found: object) -> bool:
    if found is None or str(wanted) == str(found):
        return found is not None
    try:
        return number(str(wanted)) == number(str(found))
    except ValueError:
        return False
