"""Rules: NIMs, and the workload beside them, have places on the cluster's nodes, and keep them whatever the scheduler picks."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from policy.rules.cluster_fits_inference import INFERENCE
from sdg.catalog.fit import Fit, Group, Pod, Pool, fit

NIMS: Final = "nim-operator"
FACTS: Final = ("pods", "pools")


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges what a component that runs NIMs says of its pods. What is unknown is named by the SDK as not judged."""
    if not _runs_nims(args):
        args.not_applicable("no NIMs")
    missing = [key for key in FACTS if key not in args.props]
    if missing:
        # what cannot be judged is not allowed: else a component that forgets an input would escape the rule
        report(f"{args.name} registers no {' and no '.join(missing)}; a component that runs NIMs must register both as inputs.", None)
        return
    for misfit in _judged(args).misfits:
        report(f"{args.name}: {misfit}", None)


def validate_places(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges whether places depend on the scheduler's choices; that there are places is the other rule's."""
    if not _runs_nims(args) or any(key not in args.props for key in FACTS):
        args.not_applicable("no NIMs")
    risk = _judged(args).risk
    if risk:
        report(f"{args.name}: {risk} Give pods with several GPUs a pool of their own, or have one node more.", None)


def _runs_nims(args: ResourceValidationArgs) -> bool:
    return args.resource_type.startswith(INFERENCE) and args.props.get("provider") == NIMS


def _judged(args: ResourceValidationArgs) -> Fit:
    facts = args.props
    pods, groups = facts["pods"], facts.get("transient") or ()
    return fit([Pod.of(each) for each in pods], [Group.of(each) for each in groups], [Pool.of(each) for each in facts["pools"]])


INFERENCE_FITS_NODES: Final = ResourceValidationPolicy(
    name="inference-fits-nodes",
    description="Checks whether each NIM, and the workload beside them, has a place on the cluster's nodes, one by one.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)

INFERENCE_KEEPS_ITS_PLACES: Final = ResourceValidationPolicy(
    name="inference-keeps-its-places",
    description="Checks whether a NIM or a task has a place only if the scheduler happens to pick the right nodes for the others.",
    validate=validate_places,
    enforcement_level=EnforcementLevel.ADVISORY,
)
