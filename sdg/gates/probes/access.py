"""Looks whether whoever updates may do in a cluster what an update does there."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from sdg.gates.checks import Check, Status, Verdict, judge
from sdg.kube.api import Json
from sdg.kube.errors import RefusedError

REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# with all of an update's rights come these two; not asked with `*`, which who decides by assignments elsewhere may not understand
NEEDED: Final = (("", "namespaces"), ("rbac.authorization.k8s.io", "clusterroles"))


class Asking(Protocol):
    """Who answers: the API in a stack, a dictionary in a test."""

    def post(self, path: str, document: Json) -> Json:
        """Creates an object; raises RefusedError or UnreachableError."""
        ...


@dataclass(frozen=True, slots=True)
class AccessProbe:
    """Asks the API server what this login may do there.

    Attributes:
        who: in words.
        remedy: for when it stays so.
    """

    api: Asking
    who: str
    remedy: str

    def look(self) -> Verdict:
        return Verdict(tuple(self._may(group, resource) for group, resource in NEEDED))

    def _may(self, group: str, resource: str) -> Check:
        wanted = {"verb": "create", "group": group, "resource": resource}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": wanted}}
        name, expected = f"create {resource}", f"{self.who} may"
        try:
            status = self.api.post(REVIEWS, review).get("status") or {}
        except RefusedError as error:
            if error.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise
            return Check("access", name, Status.FAILED, str(error), expected, self.remedy)
        said = str(status.get("reason") or "") or "no reason"
        return judge("access", name, bool(status.get("allowed")), observed=f"refused: {said}", expected=expected, remedy=self.remedy)
