"""OSMO workflow specs: the ones that verify an installation, rendered and validated before OSMO sees them."""

from sdg.spec.model import WorkflowSpec, parse
from sdg.spec.problem import SpecError
from sdg.spec.verify import VERIFY_GPU, VERIFY_HELLO, render

__all__ = ["VERIFY_GPU", "VERIFY_HELLO", "SpecError", "WorkflowSpec", "parse", "render"]
