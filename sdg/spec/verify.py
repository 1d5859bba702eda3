"""The workflows that verify an installation, as text for OSMO."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Final

import yaml

from sdg.spec.model import parse

VERIFY_HELLO = "verify-hello"
VERIFY_GPU = "verify-gpu"


_MIB: Final = {"Ki": 1 / 1024, "Mi": 1.0, "Gi": 1024.0, "Ti": 1024.0**2}


def requested(name: str) -> tuple[int, float]:
    """CPUs and MiB that a verification workflow's largest profile asks for, without what OSMO adds."""
    profiles = parse(_text(name)).workflow.resources.values()
    memory = [profile.memory or "0Mi" for profile in profiles]
    return max(profile.cpu or 1 for profile in profiles), max(float(size[:-2]) * _MIB[size[-2:]] for size in memory)


def render(name: str, image: Callable[[str], str] = str, platform: str | None = None) -> str:
    """The spec of a verification workflow.

    Args:
        name: VERIFY_HELLO or VERIFY_GPU.
        image: maps an image reference to the one to use, such as a mirror's.
        platform: the pool's platform to ask for; None leaves the pool's default.

    Raises:
        SpecError: what the mapping made of it is no valid spec.
    """
    document = yaml.safe_load(_text(name))
    workflow = document["workflow"]
    for task in workflow["tasks"]:
        task["image"] = image(task["image"])
    if platform:
        for resource in workflow["resources"].values():
            resource["platform"] = platform
    text: str = yaml.safe_dump(document, sort_keys=False)
    parse(text)
    return text


def _text(name: str) -> str:
    return resources.files("sdg.spec").joinpath("workflows", f"{name}.yaml").read_text(encoding="utf-8")
