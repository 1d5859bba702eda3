"""MicroK8s' kubeconfig under a stack's own names."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import yaml

from sdg.kube.kubeconfig_entries import current, one_context
from sdg.this_host import is_loopback


class KubeconfigUnreadableError(ValueError):
    """What MicroK8s printed is no kubeconfig; the sentence shows nothing of it."""


def renamed(text: str, name: str, host: str | None) -> str:
    """The kubeconfig's current context alone, with cluster, user and context called `name`.

    Args:
        text: what `microk8s config` printed.
        host: address of the host if it is another one: it replaces a server on the loopback address.

    Raises:
        KubeconfigUnreadableError: the text is none, or names no server.
    """
    try:
        document = yaml.safe_load(text)
        cluster, user = current(document)
        server = _reachable(str(cluster["server"]), host)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        # their messages may quote credentials
        raise KubeconfigUnreadableError("`microk8s config` printed no kubeconfig with a current context and its server") from None
    return one_context(name, {**cluster, "server": server}, user)


def _reachable(server: str, host: str | None) -> str:
    url = urlsplit(server)
    if host is None or not is_loopback(server):
        return server
    address = f"[{host}]" if ":" in host else host
    return urlunsplit(url._replace(netloc=address if url.port is None else f"{address}:{url.port}"))
