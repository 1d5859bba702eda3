"""Feeds specs that coverage breeds to the renderer and the validator (`make fuzz`).

Whatever comes in, a spec is rendered or refused with named problems, within the bounds, and every problem's line is one of the file's.
Arguments are libFuzzer's, such as `-max_total_time=60` and a folder of inputs to start from.
"""

from __future__ import annotations

import sys
import time

import atheris

with atheris.instrument_imports(include=["sdg.spec"]):
    from sdg.spec.discover import discover
    from sdg.spec.problem import SpecError
    from sdg.spec.render import render
    from sdg.spec.validate import validate
    from sdg.spec.values import Values

LONGEST_SECONDS = 30.0
HEADS = ("", "workflow:\n  name: ", "default-values:\n  a: 1\nworkflow:\n  tasks:\n  - name: ", "workflow: ")


def one_input(data: bytes) -> None:
    """One spec, with what a submission sets."""
    provider = atheris.FuzzedDataProvider(data)
    head = provider.PickValueInList(list(HEADS))
    values = Values({"a": provider.ConsumeUnicodeNoSurrogates(8)}, {"b": provider.ConsumeUnicodeNoSurrogates(8)})
    profile = provider.PickValueInList(["6.3", "6.4"])
    text = head + provider.ConsumeUnicodeNoSurrogates(provider.remaining_bytes())
    start = time.monotonic()
    try:
        rendered = render(text, values)
        problems = validate(rendered, profile)
        discover(rendered)
    except SpecError as error:
        problems = error.problems
        if not problems:
            raise AssertionError("a refusal without a problem") from error
    lines = text.count("\n") + text.count("\r") + 2
    wrong = [problem for problem in problems if not problem.message or not 1 <= (problem.line or 1) <= lines]
    if wrong:
        raise AssertionError(wrong[0])
    if time.monotonic() - start > LONGEST_SECONDS:
        raise AssertionError("took too long")


def main() -> None:
    """Runs until a fault or the given time."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
