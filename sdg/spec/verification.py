"""The verification workflows, as OSMO specs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class VerificationWorkflow:
    """A workflow that has to end COMPLETED.

    Attributes:
        name: the workflow's name in its spec.
        spec: YAML text as OSMO takes it.
    """

    name: str
    spec: str

    def as_input(self) -> dict[str, str]:
        return {"name": self.name, "spec": self.spec}


def verify_hello(image: str) -> VerificationWorkflow:
    """Needs about 2 CPUs and 2 GiB on one node, OSMO's sidecar included."""
    return VerificationWorkflow("verify-hello", _filled("verify-hello.yaml", image=image))


def verify_gpu(image: str, platform: str) -> VerificationWorkflow:
    """Needs about 3 CPUs, 5 GiB and one GPU on one node of the platform, OSMO's sidecar included."""
    return VerificationWorkflow("verify-gpu", _filled("verify-gpu.yaml", image=image, platform=platform))


def _filled(file: str, **values: str) -> str:
    """OSMO's own template syntax, filled here: what was submitted can be read in the stack's state."""
    text = (_FOLDER / file).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace("{{ " + name + " }}", value)
    return text
