"""Probe: are the models of Hugging Face that NIMs serve where these look for them? Names what Hugging Face refuses, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sdg.gates.checks import Check, Status, Verdict
from sdg.gates.probes.workloads import WorkloadsProbe
from sdg.kube.api import KubernetesReader
from sdg.kube.workload import Workload

_UP: Final = "then run `{restore}`: it starts the download anew"
_ANSWER: Final = re.compile(r"\bHTTP (401|403|404|429): [^;\n]*")
_REMEDIES: Final[Mapping[str, str]] = {
    "401": f"Give a token that is valid: `pulumi config set --secret sdg:hfToken`, {_UP}.",
    "403": "Log in to https://huggingface.co/{model} as the token's user and accept the terms there, or give the token of a user who may "
    f"read it: `pulumi config set --secret sdg:hfToken`; {_UP}.",
    "404": "The catalog of NIMs names a model that Hugging Face does not have, or does not show to the token's user: give the token of a "
    f"user who may read it, `pulumi config set --secret sdg:hfToken`, {_UP}.",
    "429": "Nothing has to be done while the Job tries again. If it goes on, wait some minutes, or give a token of an account with a higher "
    f"limit: `pulumi config set --secret sdg:hfToken`, {_UP}.",
}
_PASSING: Final = "429"  # the one that time cures
_SHARED: Final = re.compile(r"(?i)access ?mode|MULTI_NODE|ReadWriteMany")
_SHARED_REMEDY: Final = (
    "Models are kept on volumes that many nodes write to: name a StorageClass that gives ReadWriteMany, "
    "`pulumi config set --path sdg:inference.storageClass NAME`, then run `{restore}`."
)


@dataclass(frozen=True, slots=True)
class Download:
    """One Job that downloads a model.

    Attributes:
        nim: name of the NIM that serves it.
        model: as Hugging Face calls it.
    """

    nim: str
    model: str
    job: Workload

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Download:
        """Reads an entry of the gate's input `downloads`."""
        return cls(str(entry["nim"]), str(entry["model"]), Workload("Job", str(entry["namespace"]), str(entry["job"])))


@dataclass(slots=True)
class DownloadsProbe:
    """Looks at the Jobs. What one of them was refused is kept in mind: a Job that was given up has no pod left that says it.

    Attributes:
        restore: the `pulumi up` that starts anew what did not complete.
    """

    api: KubernetesReader
    downloads: Sequence[Download]
    restore: str
    _refused: dict[str, str] = field(default_factory=dict)

    def look(self) -> Verdict:
        workloads = WorkloadsProbe(self.api, [each.job for each in self.downloads], restore=self.restore)
        pairs = zip(self.downloads, workloads.look(), strict=True)
        return Verdict(tuple(self._judged(download, check) for download, check in pairs))

    def _judged(self, download: Download, check: Check) -> Check:
        subject = f"{download.model} for NIM {download.nim}"
        named = replace(check, name="model-downloaded", subject=subject)
        if check.status is Status.PASSED:
            return named
        if answer := _ANSWER.search(check.observed):
            self._refused[download.nim] = answer[0]
        if refused := self._refused.get(download.nim, ""):
            status = refused.removeprefix("HTTP ")[:3]
            seen = check.observed if refused in check.observed else f"{check.observed}; before that: {refused}"
            remedy = _REMEDIES[status].format(model=download.model, restore=self.restore)
            return replace(named, observed=seen, remedy=remedy, final=check.final or status != _PASSING, stuck=True)
        if "claim" in check.observed and _SHARED.search(check.observed):
            return replace(named, remedy=_SHARED_REMEDY.format(restore=self.restore))
        return named
