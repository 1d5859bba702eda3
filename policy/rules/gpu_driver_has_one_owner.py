"""Rule: the GPU operator's values leave the driver to the host or to the operator, and to nobody else."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from sdg.catalog.gpu_driver import CHART, hybrid

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
LEGAL: Final = "Set sdg:platform.gpuOperator.driver to 'host' or to 'operator': every related value follows."


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges a release by its values. An unknown one is named by the SDK as not judged, since reading it raises."""
    if args.resource_type != RELEASE:
        args.not_applicable("no Helm release")
    # a package or a registry's reference has the chart's name in its last segment
    if not args.props.get("chart", "").rpartition("/")[2].startswith(CHART):
        args.not_applicable("another chart")
    sentence = hybrid(args.props.get("values") or {})
    if sentence is not None:
        report(f"{args.name}: {sentence}. {LEGAL}", None)


GPU_DRIVER_HAS_ONE_OWNER: Final = ResourceValidationPolicy(
    name="gpu-driver-has-one-owner",
    description="Checks whether the GPU operator's values mix a driver of the host with one of the operator.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
