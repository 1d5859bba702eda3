"""The Command stand-in answers as the official provider was recorded to, call by call, with every command really run on a virtual host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rehearsal.host import fence
from rehearsal.plugins.command.provider import CommandProvider
from rehearsal.plugins.command.servicer import CommandServicer
from rehearsal.plugins.recordings import Call, Recordings, ask, serving

DATA = Path(__file__).parents[1] / "data" / "command-captures"
RECORDINGS = Recordings.load(DATA)

Answers = Mapping[tuple[str, int], Mapping[str, Any]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What the stand-in answered when every run was replayed, each by a provider of its own, on one virtual host."""
    host = tmp_path_factory.mktemp("captures") / "host"
    fence.prepare(host)
    given: dict[tuple[str, int], Mapping[str, Any]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(fence.HOST_VARIABLE, str(host))
        for run, calls in RECORDINGS.runs.items():
            with serving(CommandServicer(CommandProvider())) as stub:
                for position, call in enumerate(calls):
                    answer = ask(stub, call, lambda text: text.replace('"dir": "/"', f'"dir": "{host / "home"}"'))
                    given[run, position] = json.loads(_as_recorded(json.dumps(answer), host))
        yield given


def _as_recorded(text: str, host: Path) -> str:
    """The answer with the places of the recording: the command with a `dir` of its own ran in `/`, the others in the program's folder."""
    home = str(host / "home")
    return text.replace(f'"dir": "{home}"', '"dir": "/"').replace(home, "<program>")


def _calls() -> Iterator[object]:
    for run, calls in RECORDINGS.runs.items():
        for position, call in enumerate(calls):
            yield pytest.param(run, position, call, id=f"{run}: {call.name}")


@pytest.mark.parametrize(("run", "position", "call"), list(_calls()))
def test_the_stand_in_answers_as_recorded(answers: Answers, run: str, position: int, call: Call) -> None:
    assert RECORDINGS.answered(call, answers[run, position]) == RECORDINGS.expected(call)


def test_every_recorded_run_is_replayed(answers: Answers) -> None:
    assert {run for run, _ in answers} == set(RECORDINGS.runs)
    assert len(RECORDINGS.runs) == 10


def test_an_id_is_the_name_and_eight_random_digits_as_recorded(answers: Answers) -> None:
    created = [(call, answers[run, at]) for run, calls in RECORDINGS.runs.items() for at, call in enumerate(calls) if _is_create(call)]
    for call, answer in created:
        shape = re.compile(re.escape(str(call.request["name"])) + "[0-9a-f]{8}")
        assert shape.fullmatch(str((call.response or {})["id"]))
        assert shape.fullmatch(answer["id"])


def _is_create(call: Call) -> bool:
    return call.method.endswith("/Create") and call.error is None
