"""The workflows that verify an installation, as text for OSMO."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import yaml

from sdg.spec.model import parse

VERIFY_HELLO = "verify-hello"
VERIFY_GPU = "verify-gpu"


def render(name: str, image: Callable[[str], str] = str, platform: str | None = None) -> str:
    """The spec of a verification workflow.

    Args:
        name: VERIFY_HELLO or VERIFY_GPU.
        image: maps an image reference to the one to use, such as a mirror's.
        platform: the pool's platform to ask for; None leaves the pool's default.

    Raises:
        SpecError: what the mapping made of it is no valid spec.
    """
    document = yaml.safe_load(resources.files("sdg.spec").joinpath("workflows", f"{name}.yaml").read_text(encoding="utf-8"))
    workflow = document["workflow"]
    for task in workflow["tasks"]:
        task["image"] = image(task["image"])
    if platform:
        for resource in workflow["resources"].values():
            resource["platform"] = platform
    text: str = yaml.safe_dump(document, sort_keys=False)
    parse(text)
    return text
