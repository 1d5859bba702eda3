"""The preflight of a stack's endpoints, as every preview and update asks it: the network once per update, all questions at once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, cast

from pydantic import BaseModel

from sdg.catalog.nims import PRIVATE_REGISTRY, nims
from sdg.inference.pools import Host
from sdg.nvcf.reference import FunctionReference
from sdg.preflight.cache import once_per_update
from sdg.preflight.inference import cluster as clusters
from sdg.preflight.inference import elsewhere, functions, hub, registry
from sdg.preflight.model import Finding, Subject
from sdg.settings.inference import Inference, NoInference, Nvcf, servers
from sdg.settings.mirror import Mirror
from sdg.settings.smoke import Smoke
from sdg.this_host import in_ci

AT_ONCE: Final = 8
_SECRETS: Final = ("ngcApiKey", "nvcfApiKey", "hfToken", "externalApiKey")
_SECTIONS: Final = ("cluster", "inference", "workload", "smoke", "mirror")
Question = Callable[[], Iterable[Finding]]


def findings(subject: Subject, host: Host | None = None) -> Iterator[Finding]:
    """Everything that stands in the way of a stack's endpoints and of its workload.

    Args:
        host: what the machine of a MicroK8s said of itself, where it was asked.
    """
    inference, cluster = subject.sections.get("inference"), subject.sections.get("cluster")
    if inference is None or cluster is None:
        return
    answered = _once(subject, "cluster", partial(_of_cluster, subject, host))
    yield from answered
    questions = list(_questions(subject, inference))
    if not questions:
        return
    if in_ci(subject.environ):
        yield Finding(
            "inference-not-in-ci", "CI is set, so nobody is asked whether keys, images, models and functions are as the stack needs them."
        )
        return
    yield from _together(_once(subject, "network", partial(_all, questions)))


def _of_cluster(subject: Subject, host: Host | None) -> Iterator[Finding]:
    inference, cluster = subject.sections["inference"], subject.sections["cluster"]
    wanted = clusters.Wanted(cluster, inference, subject.inference, subject.workload, subject.sections.get("smoke") or Smoke())
    seen = clusters.look(subject.kubeconfig) if subject.kubeconfig is not None and wanted else None
    yield from clusters.places(wanted, seen, host)
    if seen is not None:
        yield from clusters.storage(wanted, seen)


def _questions(subject: Subject, inference: Inference) -> Iterator[Question]:
    """What is to be asked over the network; a key that is missing is an error of its own."""
    if isinstance(inference, NoInference):
        return
    mirror, plan, given = subject.sections.get("mirror") or Mirror(), subject.inference, subject.secrets
    used: dict[str, list[str]] = {}
    for endpoint in plan.of("nim-operator"):
        nim = nims()[endpoint.name]
        used.setdefault(mirror.image(nim.image), []).append(endpoint.name)
        if nim.hugging_face and (token := given.get("hfToken")):
            yield partial(hub.findings, nim.hugging_face.model, endpoint.name, token, mirror.api)
    for image, names in used.items():
        if (key := given.get("ngcApiKey")) and image.startswith(f"{PRIVATE_REGISTRY}/"):
            yield partial(registry.findings, image, ", ".join(names), key, mirror.api)
    if (named := _functions(inference, {endpoint.name for endpoint in plan.of("nvcf")})) and (key := given.get("nvcfApiKey")):
        yield partial(functions.findings, named, key, mirror.api)
    for endpoint in plan.of("external"):
        yield partial(elsewhere.findings, endpoint, given.get(endpoint.key) if endpoint.key else None, mirror.api)


def _functions(inference: Inference, planned: set[str]) -> dict[str, FunctionReference]:
    settings = next((server for server in servers(inference) if isinstance(server, Nvcf)), None)
    return {name: FunctionReference.of(said) for name, said in settings.functions.items() if name in planned} if settings else {}


def _all(questions: list[Question]) -> Iterator[Finding]:
    with ThreadPoolExecutor(min(AT_ONCE, len(questions)), thread_name_prefix="endpoints") as threads:
        for answered in threads.map(lambda question: list(question()), questions):
            yield from answered


def _once(subject: Subject, part: str, ask: Callable[[], Iterable[Finding]]) -> list[Finding]:
    answer = once_per_update(_asked(subject, part), lambda: {"findings": json.dumps([dataclasses.asdict(one) for one in ask()])})
    return [Finding(**fields) for fields in json.loads(answer["findings"])]


def _asked(subject: Subject, part: str) -> str:
    """What the answers depend on; of secrets a digest, since this becomes part of a file's name."""
    given = cast("Mapping[str, BaseModel]", subject.sections)
    said = [given[key].model_dump_json() for key in _SECTIONS if key in given]
    keys = hashlib.sha256("\n".join(subject.secrets.get(name, "") for name in _SECRETS).encode()).hexdigest()
    cluster = hashlib.sha256((subject.kubeconfig or "").encode()).hexdigest()
    text = subject.workload.text if subject.workload else ""
    return "\n".join(["endpoints", part, subject.owner, keys, cluster, str(subject.inference), text, *said])


def _together(found: Iterable[Finding]) -> Iterator[Finding]:
    """The same remedy for several images or models said once: a key that has expired is one thing to mend."""
    by_remedy: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        by_remedy.setdefault((finding.check, finding.remedy), []).append(finding)
    for (check, remedy), same in by_remedy.items():
        first, *others = same
        more = f" Likewise for {len(others)} more." if others else ""
        yield Finding(check, f"{first.seen}{more}", remedy)
