"""What can go wrong on the way into a cluster."""

from __future__ import annotations


def cause(error: BaseException) -> str:
    """The innermost sentence: HTTP libraries wrap it in object addresses."""
    while (inner := _inner(error)) is not None:
        error = inner
    return str(error) or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None)  # urllib3 keeps it there; elsewhere it may be a text
    return reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__


class KubeError(Exception):
    """A cluster could not be asked."""


class ConnectionInvalidError(KubeError):
    """The kubeconfig cannot be used: not YAML, no such context, no server."""


class UnreachableError(KubeError):
    """Nothing answered at the cluster's address."""


class ObjectNotFoundError(KubeError):
    """The API server knows no such object."""


class RefusedError(KubeError):
    """The API server answered with an error.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class ForwardError(KubeError):
    """`kubectl port-forward` did not come up, in kubectl's own words."""


class KubectlMissingError(KubeError):
    """There is no kubectl on PATH."""
