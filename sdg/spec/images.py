"""Images of a spec's tasks, and the registries that they come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sdg.spec.tasks import Task, scalar

DOCKER_HUB: Final = "docker.io"
_HUB_ALIASES: Final = {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}


def images_of(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Every image as the spec writes it, sorted."""
    return tuple(sorted({image for task in tasks if (image := scalar(task.body.get("image")).strip())}))


def registry(image: str) -> str:
    """The host that an image is pulled from: `ubuntu`, `osrf/ros:humble` and `docker.io/library/ubuntu` are all Docker Hub's."""
    first, slash, _ = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return DOCKER_HUB
    host = first.lower()
    return DOCKER_HUB if host in _HUB_ALIASES else host


def registries_of(images: Iterable[str]) -> tuple[str, ...]:
    """The registries of several images, sorted."""
    return tuple(sorted({registry(image) for image in images}))
