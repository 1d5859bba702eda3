"""Does the cluster's API server answer at all? Asked before anything is registered, so that the answer is one sentence."""

from __future__ import annotations

import re
from typing import Final

import requests
import urllib3
from requests.utils import get_environ_proxies

from sdg.settings.kubeconfig import ApiServer
from sdg.this_host import is_loopback

TIMEOUT: Final = 4.0  # seconds; a healthy API server answers in a few milliseconds, a distant one in well under a second


def problem(server: ApiServer) -> str | None:
    """Why the API server cannot be used, in one sentence; None when it answers.

    Any HTTP answer is good enough: whether the credentials are, and whether the cluster fits, is the cluster gate's to say.
    """
    if server.proxy and server.proxy.partition("://")[0] not in {"http", "https"}:
        return None  # kubectl speaks SOCKS as well, we don't: nothing can be said before the gate asks
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        _ask(server)
    except requests.ConnectTimeout:
        return _sentence(server, f"no connection within {TIMEOUT:.0f} s")
    except requests.Timeout:
        return _sentence(server, f"no answer within {TIMEOUT:.0f} s")
    except (requests.RequestException, ValueError) as error:  # ValueError: no URL at all
        return _sentence(server, _cause(error))
    return None


def _ask(server: ApiServer) -> None:
    """Sends the API server no credential, not even one that its URL holds, so whose certificate it shows doesn't matter yet."""
    with requests.Session() as session:
        session.trust_env = False  # ~/.netrc
        session.auth = _anonymous
        proxies = _proxies(server)
        session.get(f"{server.url}/version", timeout=TIMEOUT, allow_redirects=False, verify=False, proxies=proxies)


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _proxies(server: ApiServer) -> dict[str, str]:
    """The proxy that kubectl would use: that of the kubeconfig, else that of the environment, which is never asked for this host."""
    if server.proxy:
        return {"http": server.proxy, "https": server.proxy}
    return {} if is_loopback(server.url) else dict(get_environ_proxies(server.url))


def _sentence(server: ApiServer, cause: str) -> str:
    proxy = f" through the proxy {_shown(server.proxy)}" if server.proxy else ""
    return f"The cluster's API server at {_shown(server.url)} does not answer{proxy} ({cause})."


def _shown(url: str) -> str:
    """The URL without the user and password that it may hold."""
    return re.sub(r"//[^/]*@", "//", url)


def _cause(error: BaseException) -> str:
    """The innermost cause: what wraps it names objects of the HTTP library only."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        inner = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
    return type(error).__name__
