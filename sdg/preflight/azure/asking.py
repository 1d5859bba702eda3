"""Asks ARM everything at once, and keeps what it refused to say beside what it said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from sdg.azure.errors import ArmError

AT_ONCE: Final = 10  # questions: as many connections as the HTTP library keeps, and far fewer than make ARM slow a login down

Json = Mapping[str, Any]
Ask = Callable[[], Json | list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, by the name of the question.

    Attributes:
        said: the answers.
        refused: why there is none.
    """

    said: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, ArmError] = field(default_factory=dict)

    def one(self, question: str) -> Json | None:
        """An answer that is an object; None without it."""
        answer = self.said.get(question)
        return answer if isinstance(answer, Mapping) else None

    def only(self, names: Mapping[str, str]) -> Asked:
        """Some of the questions, under other names.

        Args:
            names: by their new names.
        """
        said = {new: self.said[old] for new, old in names.items() if old in self.said}
        return Asked(said, {new: self.refused[old] for new, old in names.items() if old in self.refused})

    def many(self, question: str) -> list[Json] | None:
        """An answer that is a list; None without it."""
        answer = self.said.get(question)
        return answer if isinstance(answer, list) else None


def ask(questions: Mapping[str, Ask], at_once: int = AT_ONCE) -> Asked:
    """Asks every question, some of them at once.

    Args:
        questions: by name; each asks ARM and raises ArmError.
    """
    if not questions:
        return Asked()
    with ThreadPoolExecutor(min(at_once, len(questions)), thread_name_prefix="arm") as threads:
        results = dict(zip(questions, threads.map(_answer, questions.values()), strict=True))
    refused = {name: result for name, result in results.items() if isinstance(result, ArmError)}
    return Asked({name: result for name, result in results.items() if name not in refused}, refused)


def _answer(question: Ask) -> Json | list[dict[str, Any]] | ArmError:
    try:
        return question()
    except ArmError as error:
        return error
