"""Whether the program of a NIM can start, and with which words it ends when it can't. Pure: everything that it sees is given."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rehearsal.api import Object
from rehearsal.nims import pods
from rehearsal.nims.downloads import cache, tree_of
from rehearsal.nims.images import Image, hub_model
from rehearsal.podstatus import Crash

STORE: Final = "/model-store"
KILLED: Final = 137  # exit code of a container that took more memory than it may
SCHEME: Final = "hf://"
NGC_MODEL: Final = "ngc"
"""Folder below NIM_CACHE_PATH that an image fetches its model into."""
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Seen:
    """What the program finds.

    Attributes:
        folders: of the volume that its model store is on.
        vram_gib: memory of one GPU of its node; None where the node doesn't say.
        key: whether it gets an NGC key.
    """

    folders: Mapping[str, float]
    vram_gib: float | None
    key: bool


@dataclass(frozen=True, slots=True)
class Model:
    """The model that a program serves.

    Attributes:
        name: on Hugging Face; empty for one of NGC.
        folder: path in the container where it looks for it.
    """

    name: str
    folder: str


def model(pod: Object, image: Image) -> Model | None:
    """The model that a program is told to serve; None when it is told of none."""
    item = pods.container(pod)
    given = pods.variables(item)
    match image.source:
        case "ngc":
            return Model("", posixpath.join(given.get("NIM_CACHE_PATH") or STORE, NGC_MODEL))
        case "arguments":
            name = next((word for word in pods.words(item) if "/" in word and not word.startswith(("-", "/"))), "")
            return Model(name, posixpath.join(cache(given), tree_of(name))) if name else None
        case "model":
            path = given.get("NIM_MODEL_PATH", "")
            if not path.startswith(SCHEME):
                return Model("", path) if path else None
            name = path.removeprefix(SCHEME).partition(":")[0]
            # unlike the Hub's own client, this image looks in HF_HOME itself
            return Model(name, posixpath.join(given.get("HF_HOME") or STORE, tree_of(name)))


def ending(pod: Object, image: Image, seen: Seen) -> Crash | None:
    """How the program ends when it starts; None when it can serve its model."""
    return next(_refusals(pod, image, seen), None)


def is_offline(pod: Object) -> bool:
    """Whether the program fetches nothing."""
    return pods.variables(pods.container(pod)).get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def _refusals(pod: Object, image: Image, seen: Seen) -> Iterator[Crash]:
    """In the order in which it would notice."""
    item = pods.container(pod)
    wanted = model(pod, image)
    if wanted is None:
        yield Crash(message="no model was given: set NIM_MODEL_PATH" if image.source == "model" else "no model was given: vllm serve MODEL")
        return
    yield from _of_container(item, image)
    yield from _of_store(pod, image, wanted, seen)
    yield from _of_memory(pod, image, wanted, seen)


def _of_container(item: Object, image: Image) -> Iterator[Crash]:
    given = pods.variables(item)
    if image.source == "arguments" and not pods.words(item):
        yield Crash(message="no command was given: vllm serve MODEL --omni")
    if image.cache == "subfolder" and posixpath.normpath(given.get("NIM_CACHE_PATH") or STORE) == STORE:
        yield Crash(message="OSError: [Errno 30] Read-only file system: (a folder beside NIM_CACHE_PATH, which is /model-store)")
    if image.memory_gib and pods.memory_limit(item) < image.memory_gib * GIB:
        yield Crash(exit_code=KILLED, message="OOMKilled: the container took more memory than its limit")


def _of_store(pod: Object, image: Image, wanted: Model, seen: Seen) -> Iterator[Crash]:
    mount = pods.mount_of(pod, "/dev/shm")  # noqa: S108 - a path in the container
    size = (pods.volume(pod, mount["name"]).get("emptyDir") or {}).get("sizeLimit") if mount else None
    if image.shared_memory and not size:
        yield Crash(message="OSError: [Errno 28] No space left on device: '/dev/shm'")
    place = pods.place(pod, wanted.folder)
    present = place is not None and place.path in seen.folders
    if is_offline(pod) and not present:
        yield Crash(
            message=f"huggingface_hub.errors.LocalEntryNotFoundError: {wanted.folder}/snapshots is not there, and HF_HUB_OFFLINE is set: "
            f"{wanted.name or wanted.folder} cannot be loaded"
        )
    if image.source == "ngc" and not present and not seen.key:
        yield Crash(message="NGC_API_KEY is not set: the model cannot be fetched")
    if image.source == "arguments" and place is None:
        yield Crash(exit_code=KILLED, message="The node was low on resource: ephemeral-storage. The model was fetched into the container")


def _of_memory(pod: Object, image: Image, wanted: Model, seen: Seen) -> Iterator[Crash]:
    """A model that doesn't fit its GPUs."""
    item = pods.container(pod)
    count, given, known = pods.gpus(item), pods.variables(item), hub_model(wanted.name)
    if count < 1:
        yield Crash(message="RuntimeError: No CUDA GPUs are available")
    need = max(image.vram_gib, known.vram_gib)
    if seen.vram_gib is not None and need > seen.vram_gib * count:
        have = f"{count} x {seen.vram_gib:.0f} GiB"
        yield Crash(message=f"torch.OutOfMemoryError: CUDA out of memory: the weights need about {need:.0f} GiB, and there are {have}")
    for name in (*known.needs, *(known.needs_alone if count == 1 else ())):
        if not given.get(name):
            yield Crash(message=f"torch.OutOfMemoryError: CUDA out of memory while the engine started, without {name}")
