"""Reading YAML and JSON documents, with libyaml where there is one: charts' manifests can hold megabytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

Json = Any
"""Any JSON value."""

Object = dict[str, Any]
"""A Kubernetes object as JSON."""

YAMLError = yaml.YAMLError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str | bytes) -> Json:
    """Read one document.

    Raises:
        YAMLError: it is not YAML.
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 -- both loaders are the safe ones


def load_all(text: str) -> Iterator[Json]:
    """Read all documents of a stream.

    Raises:
        YAMLError: one of them is not YAML.
    """
    return yaml.load_all(text, Loader=_LOADER)
