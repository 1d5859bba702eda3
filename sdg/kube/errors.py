"""What can go wrong on the way into a cluster."""

from __future__ import annotations


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
