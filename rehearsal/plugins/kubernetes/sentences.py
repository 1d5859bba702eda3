"""The official provider's sentences, word for word: what users search the web for, and what scripts match."""

from __future__ import annotations

from rehearsal.plugins.kubernetes.api import ApiError
from rehearsal.plugins.kubernetes.documents import Object
from rehearsal.plugins.kubernetes.readiness import Readiness

_CONFLICTS = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)
_EXISTS = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""
_NO_SUCH_KIND = "the apiVersion for this resource does not exist. Verify that any required CRDs have been created"
_INCOMPLETE = "failed to fully initialize or become live"


def refusal(manager: str, error: ApiError) -> str:
    """Return the API server's sentence, and for a conflict between field managers what to do about it."""
    if not error.conflict:
        return str(error)
    return (
        f"Server-Side Apply field conflict detected. See {_CONFLICTS} for troubleshooting help.\n"
        f'The resource managed by field manager "{manager}" had an apply conflict: {error}'
    )


def not_created(urn: str, manager: str, error: ApiError) -> str:
    """Say that an object was refused."""
    hint = _EXISTS if error.exists else ""
    return f'resource "{urn}" was not successfully created by the Kubernetes API server: {refusal(manager, error)}{hint}'


def kind_missing_on_create(urn: str, inputs: Object, error: Exception) -> str:
    """Say that the cluster does not know the kind of an object."""
    kind = f"{inputs.get('apiVersion')}/{inputs.get('kind')}"
    return f'creation of resource "{urn}" with kind {kind} failed because the Kubernetes API server reported that {_NO_SUCH_KIND}: {error}'


def kind_missing_on_update(urn: str, error: Exception) -> str:
    """Say that the cluster no longer knows the kind of an object."""
    return f'update of resource "{urn}" failed because the Kubernetes API server reported that {_NO_SUCH_KIND}: {error}'


def created_but_not_live(urn: str, error: Exception) -> str:
    """Say that an object exists but did not become ready."""
    return f'resource "{urn}" was successfully created, but the Kubernetes API server reported that it {_INCOMPLETE}: {error}'


def not_live(name: str, error: Exception | str) -> str:
    """Say that a changed object did not become ready."""
    return f'the Kubernetes API server reported that "{name}" {_INCOMPLETE}: {error}'


def not_updated(urn: str, sentence: str) -> str:
    """Say that an object could not be changed."""
    return f'update of resource "{urn}" failed because the Kubernetes API server reported that it {_INCOMPLETE}: {sentence}'


def not_ready(readiness: Readiness) -> str:
    """Say what a look at an object found missing."""
    return readiness.failed or "; ".join(readiness.reasons) or readiness.waiting_for
