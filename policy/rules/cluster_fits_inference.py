"""Rules: the inference provider can run on the cluster, and beside the others of the stack."""

from __future__ import annotations

from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from sdg.catalog.compatibility import combination_refusal, refusal

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


def validate_stack(args: StackValidationArgs, report: ReportViolation) -> None:
    """Judges the providers of a stack together; a component without its facts is the other rule's."""
    said = [resource.props for resource in args.resources if resource.resource_type.startswith(INFERENCE)]
    together = [(props["cluster"], props["provider"]) for props in said if "cluster" in props and "provider" in props]
    if len(together) < 2:  # noqa: PLR2004 - alone, a provider is judged by itself
        args.not_applicable("no two inference components")
    for cluster in dict.fromkeys(cluster for cluster, _ in together):
        sentence = combination_refusal(cluster, [provider for place, provider in together if place == cluster])
        if sentence is not None:
            report(sentence, None)


CLUSTER_FITS_INFERENCE: Final = ResourceValidationPolicy(
    name="cluster-fits-inference",
    description="Checks whether the inference provider can run on the chosen cluster.",
    validate=validate,
    enforcement_level=EnforcementLevel.MANDATORY,
)

PROVIDERS_COMBINE: Final = StackValidationPolicy(
    name="inference-providers-combine",
    description="Checks whether the inference providers of a stack can be used beside each other on its cluster.",
    validate=validate_stack,
    enforcement_level=EnforcementLevel.MANDATORY,
)
