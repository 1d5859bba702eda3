"""Are the functions that a stack names there, active, and open to its key?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sdg.nvcf.client import Function, NvcfClient, states
from sdg.nvcf.errors import NvcfError, NvcfNotFoundError
from sdg.nvcf.reference import API, FunctionReference
from sdg.preflight.model import Finding

_WAIT = "Wait until it is, or deploy it again at https://nvcf.ngc.nvidia.com/functions."


def findings(named: Mapping[str, FunctionReference], key: str, api: Callable[[str], str]) -> list[Finding]:
    """What is wrong with the key, or with some of the functions.

    Args:
        named: functions by their names in the catalog.
        key: for NVIDIA Cloud Functions.
        api: where a web API is asked, see `Mirror.api`.
    """
    try:
        with NvcfClient(api(API), key) as client:
            return list(_judged(named, client))
    except NvcfError as error:
        seen = f"NVIDIA Cloud Functions cannot be asked with the stack's key: {error}."
        if error.passing:
            return [Finding("inference-unanswered", seen, error.remedy)]
        return [Finding("nvcf", seen, error.remedy)]


def _judged(named: Mapping[str, FunctionReference], client: NvcfClient) -> Iterator[Finding]:
    listed = client.functions()
    for name, reference in named.items():
        if reference.function is None:
            continue  # a URL that doesn't tell
        found = states(listed, reference) or _shared(client, reference)
        called = f"{name} ({reference.function}{f'/{reference.version}' if reference.version else ''})"
        if not found:
            none = "has no function at all" if not listed else f"has {len({each.id for each in listed})} others"
            seen = f"The function {called} is not there for the stack's key: its organisation {none}."
            yield Finding("nvcf", seen, NvcfNotFoundError.remedy)
        elif not any(each.is_active for each in found):
            status = ", ".join(dict.fromkeys(each.status for each in found))
            yield Finding("nvcf", f"The function {called} is {status}, and only ACTIVE ones answer.", _WAIT)


def _shared(client: NvcfClient, reference: FunctionReference) -> tuple[Function, ...]:
    """Versions of a function that another organisation shares: the list has its own alone."""
    try:
        return states(client.versions(str(reference.function)), reference)
    except NvcfNotFoundError:
        return ()
