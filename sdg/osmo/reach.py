"""Reaching OSMO inside its cluster, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sdg.kube import portforward
from sdg.kube.connection import Connection
from sdg.osmo.client import OsmoClient


@contextmanager
def forwarded(connection: Mapping[str, Any], namespace: str, service: str, port: int) -> Iterator[str]:
    """The base URL at which a Service answers while the block lasts.

    `connection` is the property of that name: {"kubeconfig": text, "context": name or None}. Raises ForwardError or
    KubectlMissingError (`sdg.kube.errors`).
    """
    with portforward.forwarded(Connection.of(connection), portforward.Target(namespace, service, int(port))) as base_url:
        yield base_url


@contextmanager
def client(connection: Mapping[str, Any], namespace: str, service: str, port: int, user: str = "admin") -> Iterator[OsmoClient]:
    """A client of the OSMO gateway behind a Service, while the block lasts."""
    with forwarded(connection, namespace, service, port) as base_url, OsmoClient(base_url, user) as osmo:
        yield osmo
