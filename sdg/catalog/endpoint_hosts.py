"""What a host in a workflow spec stands for (`endpoint_hosts.yaml`)."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Annotated

from pydantic import Field, PositiveInt

from sdg.catalog.documents import CatalogModel, read

Host = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")]


class NimHosts(CatalogModel):
    """Hosts of NIM services: `<name>.<namespace>.<domain>`, at one port, without TLS."""

    namespace: str
    domain: Host
    port: PositiveInt

    @property
    def suffix(self) -> str:
        """What follows a service's name."""
        return f".{self.namespace}.{self.domain}"

    def url(self, name: str) -> str:
        """Base URL of a service for clients of OpenAI's API."""
        return f"http://{name}{self.suffix}:{self.port}/v1"


class NvcfHosts(CatalogModel):
    """Hosts of NVIDIA Cloud Functions."""

    api: Host
    invocation: Host
    grpc: Host


class EndpointHosts(CatalogModel):
    """The whole document; its comments say what each key means."""

    nim: NimHosts
    nvcf: NvcfHosts
    foundry: frozenset[Host]
    hosted: frozenset[Host]
    never: frozenset[Host]
    packages: frozenset[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]]
    other_purposes: frozenset[str]
    no_references: frozenset[str]

    def never_serves(self, host: str) -> bool:
        """Whether a host, in lower case, is known to serve something else than models."""
        return is_below(host, self.never) or not self.packages.isdisjoint(host.split("."))


@cache
def endpoint_hosts() -> EndpointHosts:
    """The document.

    Raises:
        pydantic.ValidationError: `endpoint_hosts.yaml` breaks its schema.
    """
    return read("endpoint_hosts.yaml", EndpointHosts)


def is_below(host: str, domains: Collection[str]) -> bool:
    """Whether a host, in lower case, is one of the domains or below one of them."""
    while host:
        if host in domains:
            return True
        host = host.partition(".")[2]
    return False
