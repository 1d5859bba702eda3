"""Rule: the inference provider can run on the cluster."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

from sdg.catalog.compatibility import refusal

INFERENCE: Final = "sdg:inference:"


def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judges one resource by its inputs. An unknown one is named by the SDK as not judged, since reading it raises."""
    if not args.resource_type.startswith(INFERENCE):
        args.not_applicable("no inference component")
    missing = [key for key in ("cluster", "provider") if key not in args.props]
    if missing:
        # what cannot be judged is not allowed: else a component that forgets an input would escape the rule
        report(f"{args.name} registers no {' and no '.join(missing)}; every inference component must register both as inputs.", None)
        return
    sentence = refusal(args.props["cluster"], args.props["provider"])
    if sentence is not None:
        report(sentence, None)


CLUSTER_FITS_INFERENCE: Final = ResourceValidationPolicy(
    name="cluster-fits-inference",
    description="Checks whether the inference provider can run on the chosen cluster.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)
