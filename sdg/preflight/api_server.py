"""Does the cluster's API server answer at all? Asked before anything is registered, so that the answer is one sentence."""

from __future__ import annotations

from typing import Final

import requests
import urllib3

TIMEOUT: Final = 4.0  # seconds; a healthy API server answers in a few milliseconds, a distant one in well under a second


def problem(server: str) -> str | None:
    """Why the API server cannot be used, in one sentence; None when it answers.

    Any HTTP answer is good enough: whether the credentials are, and whether the cluster fits, is the cluster gate's to say.
    """
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        # no credential is sent, so whose certificate this is doesn't matter yet
        requests.get(f"{server}/version", timeout=TIMEOUT, allow_redirects=False, verify=False)  # noqa: S501
    except requests.ConnectTimeout:
        return _sentence(server, f"no connection within {TIMEOUT:.0f} s")
    except requests.Timeout:
        return _sentence(server, f"no answer within {TIMEOUT:.0f} s")
    except requests.RequestException as error:
        return _sentence(server, _cause(error))
    return None


def _sentence(server: str, cause: str) -> str:
    return (
        f"The cluster's API server at {server} does not answer ({cause}). "
        "Start the cluster, or correct sdg:cluster.kubeconfig and sdg:cluster.context."
    )


def _cause(error: BaseException) -> str:
    """The innermost cause: what wraps it names objects of the HTTP library only."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return inner.strerror.lower()
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        inner = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
    return type(error).__name__
