"""OSMO workflow specs: rendered, validated and read for what they need before OSMO sees them."""

from sdg.spec.model import WorkflowSpec, parse
from sdg.spec.problem import SpecError
from sdg.spec.verify import VERIFY_GPU, VERIFY_HELLO

__all__ = ["VERIFY_GPU", "VERIFY_HELLO", "SpecError", "WorkflowSpec", "parse"]
