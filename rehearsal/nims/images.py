"""What images of NIM services do when they start (`images.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict

FILE: Final = Path(__file__).with_name("images.yaml")
NGC: Final = "nvcr.io"


class Fact(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Image(Fact):
    """One image; the comments of `images.yaml` say what each key means."""

    served: str
    lists: bool = True
    health: tuple[str, ...] = ("/v1/health/ready", "/v1/health/live")
    chat: bool = False
    sees: bool = False
    draws: bool = False
    edits: bool = False
    infers: bool = False
    source: Literal["ngc", "model", "arguments"]
    cache: Literal["", "subfolder"] = ""
    registry: str = NGC
    memory_gib: float = 0
    vram_gib: float = 0
    shared_memory: bool = False
    pull_minutes: float
    fetch_minutes: float = 0
    load_minutes: float


class HubModel(Fact):
    """One model on Hugging Face; the comments of `images.yaml` say what each key means."""

    size_gb: float
    vram_gib: float = 0
    minutes: float
    sees: bool = False
    needs: tuple[str, ...] = ()
    needs_alone: tuple[str, ...] = ()


class Facts(Fact):
    """The whole file."""

    images: Mapping[str, Image]
    models: Mapping[str, HubModel]


@cache
def facts() -> Facts:
    """What the file says.

    Raises:
        pydantic.ValidationError: it is not as it must be.
    """
    return Facts.model_validate(yaml.safe_load(FILE.read_text()))


def hub_model(name: str) -> HubModel:
    """A model of the Hub; one that the file doesn't know is small and needs nothing."""
    return facts().models.get(name) or HubModel(size_gb=1, minutes=1)


def repository(reference: str) -> str:
    """An image's repository without registry, tag and digest: `nim/nvidia/model-free-nim`."""
    name = reference.partition("@")[0]
    host, slash, rest = name.partition("/")
    path = rest if slash and ("." in host or ":" in host or host == "localhost") else name
    return path.rpartition(":")[0] if ":" in path else path


def image(reference: str) -> Image:
    """What an image does. One that the file doesn't know is a NIM that fetches a model of its own name and chats."""
    name = repository(reference)
    for known, found in facts().images.items():
        if name == known or name.endswith(f"/{known}"):
            return found
    served = name.partition("nim/")[2] or name
    return Image(served=served, chat=True, source="ngc", pull_minutes=6, fetch_minutes=5, load_minutes=5)
