"""Turns what pydantic found into sentences for a person: the key, what is legal, and the value where it can be shown."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic_core import ErrorDetails

from sdg.catalog.key_shapes import key_shape
from sdg.settings.base import Settings
from sdg.settings.schema import Place, keys_of, locate

LONGEST_SHOWN: Final = 60
STRICTEST: Final = "secret"  # as if every key spoke of a credential: then any random text counts as one


class SettingsError(ValueError):
    """All problems of a stack's settings at once, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def sentence(model: type[Settings], detail: ErrorDetails, *, hide_values: bool = False) -> str:
    """One problem in one sentence.

    Args:
        model: the model that joins the top-level keys.
        detail: what pydantic found; its location starts with a top-level key.
        hide_values: the key is stored as a secret, so nothing below it is shown.
    """
    place = locate(model, detail["loc"])
    key = f"sdg:{place.path}"
    match detail["type"]:
        case "missing":
            return f"{key} is required{_explained(place)}."
        case "extra_forbidden":
            return f"{key} is not a key here. {hint(place.label, keys_of(place.model))}"
        case "union_tag_invalid":
            given = "" if hide_values else it_is(detail["input"][place.discriminator])
            return f"{key}.{place.discriminator} must be {one_of(place.tags)}{given}."
        case "union_tag_not_found":
            return f"{key}.{place.discriminator} is required: {one_of(place.tags)}.{_misspelt(place.discriminator, detail['input'])}"
        case kind:
            legal = LEGAL.get(kind, _as_pydantic_says)(detail, place)
            return f"{key} {legal}{'' if hide_values else it_is(detail['input'], place.label)}."


def hint(key: str, known: Iterable[str]) -> str:
    """What the writer of an unknown key may have meant."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), names, n=1)
    return f"Did you mean {names[near[0]]!r}?" if near else f"Known keys: {', '.join(names.values())}."


def shown(value: object, label: str = "") -> str:
    """A value as it may be printed: numbers and short plain text; empty when it is structured, long or like a credential."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if not isinstance(value, str) or len(value) > LONGEST_SHOWN or key_shape(value, label) or key_shape(value, STRICTEST):
        return ""
    return json.dumps(value, ensure_ascii=False)


def it_is(value: object, label: str = "") -> str:
    """The end of a sentence that names the wrong value, where it may be printed."""
    text = shown(value, label)
    return f"; it is {text}" if text else ""


def one_of(names: Iterable[str]) -> str:
    """Legal values as a sentence names them."""
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"


def _misspelt(wanted: str, given: object) -> str:
    near = difflib.get_close_matches(wanted, [str(key) for key in given], n=1) if isinstance(given, Mapping) else []
    return f" {near[0]!r} is not a key here." if near else ""


def _explained(place: Place) -> str:
    """A field's own description, where it has one, as the rest of a sentence."""
    text = place.description.partition(". ")[0].rstrip(".")
    return f": {text[0].lower()}{text[1:]}" if text else ""


Legal = Callable[[ErrorDetails, Place], str]


def _object(_detail: ErrorDetails, place: Place) -> str:
    if place.tags and place.holder is None:
        return f"must be an object whose {place.discriminator} is {one_of(place.tags)}"
    return f"must be an object with some of the keys {', '.join(keys_of(place.model))}"


def _pattern(detail: ErrorDetails, place: Place) -> str:
    examples = " or ".join(json.dumps(example) for example in place.examples)
    return f"must look like {examples}" if examples else f"must match {detail['ctx']['pattern']}"


def _own_check(detail: ErrorDetails, place: Place) -> str:
    # a field's validator says what is legal, a model's says what is wrong
    return f"must be {detail['ctx']['error']}" if place.leaf else f"cannot be: {detail['ctx']['error']}"


def _text(detail: ErrorDetails, _place: Place) -> str:
    return "must be text, in quotes" if isinstance(detail["input"], int | float) else "must be text"


def _as_pydantic_says(detail: ErrorDetails, _place: Place) -> str:
    return f"cannot be: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _whole_number(_detail: ErrorDetails, _place: Place) -> str:
    return "must be a whole number"


def _list(_detail: ErrorDetails, place: Place) -> str:
    examples = " or ".join(json.dumps(example) for example in place.examples if isinstance(example, list))
    return f"must be a list{f', as {examples}' if examples else ''}"


def _entries(detail: ErrorDetails, _place: Place) -> str:
    least = detail["ctx"]["min_length"]
    return f"must hold at least {least} {'entry' if least == 1 else 'entries'}"


def _true_or_false(_detail: ErrorDetails, _place: Place) -> str:
    return "must be true or false"


LEGAL: Final[Mapping[str, Legal]] = {
    "literal_error": lambda detail, _: f"must be {detail['ctx']['expected']}",
    "greater_than_equal": lambda detail, _: f"must be at least {detail['ctx']['ge']}",
    "greater_than": lambda detail, _: f"must be more than {detail['ctx']['gt']}",
    "less_than_equal": lambda detail, _: f"must be at most {detail['ctx']['le']}",
    "string_type": _text,
    "int_type": _whole_number,
    "int_parsing": _whole_number,
    "int_from_float": _whole_number,
    "bool_type": _true_or_false,
    "bool_parsing": _true_or_false,
    "model_type": _object,
    "model_attributes_type": _object,
    "dict_type": lambda _, place: f"must be an object{_explained(place)}",
    "mapping_type": lambda _, place: f"must be an object{_explained(place)}",
    "tuple_type": _list,
    "too_short": _entries,
    "string_pattern_mismatch": _pattern,
    "value_error": _own_check,
}
