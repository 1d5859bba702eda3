"""Can any node of a pool satisfy a task? The pool's assertions, and the table that tells why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rehearsal.services.osmo.configuration import Assertion
from rehearsal.services.osmo.errors import ErrorCode, OsmoError
from rehearsal.services.osmo.quantities import parse
from rehearsal.services.osmo.resource_views import exposed
from rehearsal.services.osmo.resources import NodeResources
from rehearsal.services.osmo.templates import fill

_UNIT = re.compile(r"\d+(?:\.\d+)?\s*([A-Za-z]*)")
_UNITS = frozenset({"", "K", "M", "G", "T", "P", "E", "k", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"})
_COMPARE = {
    "LE": lambda left, right: left <= right,
    "LT": lambda left, right: left < right,
    "GE": lambda left, right: left >= right,
    "GT": lambda left, right: left > right,
    "EQ": lambda left, right: left == right,
    "NE": lambda left, right: left != right,
}
_COLUMNS = ("node", "pool/platform", "storage", "cpu", "memory", "gpu", "cuda-driver", "reason")
_GAP = "   "


@dataclass(frozen=True, slots=True)
class Request:
    """What one task asks for, with the pool's defaults filled in."""

    task: str
    pool: str
    platform: str
    cpu: int
    memory: str
    storage: str
    gpu: int

    def variables(self) -> dict[str, str]:
        """The tokens that assertions use; CPU and GPU are written as the service writes them."""
        return {
            "USER_CPU": str(float(self.cpu)),
            "USER_GPU": str(float(self.gpu)),
            "USER_MEMORY": self.memory,
            "USER_STORAGE": self.storage,
        }


def check_unit(field: str, value: str) -> None:
    """Refuses a memory or storage amount whose unit Kubernetes does not know."""
    found = _UNIT.fullmatch(value.strip())
    unit = found[1] if found else value
    if unit not in _UNITS:
        raise OsmoError(ErrorCode.RESOURCE, f"Resource {field} field has invalid unit: {unit}")


def check_capacity(request: Request, assertions: Sequence[Assertion], nodes: Sequence[NodeResources], workflow: str) -> None:
    """Refuses a task that no node of its platform satisfies."""
    fitting = [node for node in nodes if request.platform in node.platforms.get(request.pool, [])]
    if not fitting:
        raise OsmoError(ErrorCode.RESOURCE, f"There are no resources in platform {request.platform} and pool {request.pool}!")
    reasons = [_first_failure(request, assertions, node) for node in fitting]
    if all(reasons):
        table = _table(request, [(node, reason) for node, reason in zip(fitting, reasons, strict=True) if reason])
        raise OsmoError(
            ErrorCode.RESOURCE,
            f'Resource validation failed for task: {request.task}\n{table}\nPlease check available resources with "osmo resource list".',
            workflow_id=workflow,
        )


def _first_failure(request: Request, assertions: Sequence[Assertion], node: NodeResources) -> str | None:
    free = node.free_for_tasks(request.pool, request.platform)
    variables = request.variables() | {
        "K8_CPU": str(free.cpu),
        "K8_MEMORY": f"{free.memory}Ki",
        "K8_STORAGE": str(free.storage),
        "K8_GPU": str(free.gpu),
    }
    for assertion in assertions:
        left, right = fill(assertion.left_operand, variables), fill(assertion.right_operand, variables)
        if not _holds(assertion.operator, left, right):
            return f"Assertion failed for task {request.task}: {fill(assertion.assert_message, variables)}"
    return None


def _holds(operator: str, left: str, right: str) -> bool:
    compare = _COMPARE.get(operator)
    try:
        return compare is not None and bool(compare(_number(left), _number(right)))
    except (ValueError, InvalidOperation):
        return operator == "EQ" and left == right


def _number(text: str) -> Decimal:
    return Decimal(str(parse(text)))


def _table(request: Request, rows: Sequence[tuple[NodeResources, str]]) -> str:
    cells = [_COLUMNS, *(_row(exposed(node, {request.pool: [request.platform]}), reason) for node, reason in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_COLUMNS))]
    lines = [_GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
    # the rule ends where the rows do
    return "\n".join([lines[0], "=" * len(lines[0]), *(line.rstrip() for line in lines[1:])])


def _row(fields: Mapping[str, object], reason: str) -> tuple[str, ...]:
    values = [str(fields[column]) for column in ("node", "pool/platform", "storage", "cpu", "memory", "gpu")]
    return (*values, "-", reason)
