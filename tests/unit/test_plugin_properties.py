"""Property values survive the way to the engine and back."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.plugins.properties import (
    UNKNOWN,
    Asset,
    Properties,
    Property,
    Secret,
    Unknown,
    contains,
    decode,
    encode,
    mark_secrets,
    revealed,
)

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.just(UNKNOWN),
    st.builds(Asset, text=st.text(min_size=1)),
)
VALUES: st.SearchStrategy[Property] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.builds(Secret, inner)),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES))
def test_what_is_encoded_comes_back_the_same(properties: Properties) -> None:
    assert decode(encode(properties)) == properties


def test_whole_numbers_come_back_whole_and_others_do_not() -> None:
    decoded = decode(encode({"replicas": 3, "ratio": 0.5}))
    assert decoded == {"replicas": 3, "ratio": 0.5}
    assert isinstance(decoded["replicas"], int)


def test_outputs_become_what_they_hold() -> None:
    struct = Struct()
    marked = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    struct.update({"known": {**marked, "value": 1, "secret": True}, "unknown": marked})
    assert decode(struct) == {"known": Secret(1), "unknown": UNKNOWN}


def test_a_secret_never_shows_in_its_representation() -> None:
    assert "hunter2" not in repr({"password": Secret("hunter2")})


def test_revealed_properties_hold_no_secret_at_any_depth() -> None:
    assert not contains(revealed({"a": [{"b": Secret({"c": Secret("d")})}]}), Secret)


def test_an_unknown_inside_a_secret_is_found() -> None:
    assert contains({"a": Secret([UNKNOWN])}, Unknown)


@pytest.mark.parametrize(
    ("inputs", "marked"),
    [
        ({"a": Secret("x")}, {"a": Secret("x"), "b": 1}),
        ({"a": {"c": Secret("x")}}, {"a": Secret("x"), "b": 1}),
        ({"other": Secret("x")}, {"a": "x", "b": 1}),
    ],
)
def test_outputs_are_secret_where_inputs_are(inputs: Properties, marked: Properties) -> None:
    assert mark_secrets({"a": "x", "b": 1}, inputs) == marked


def test_a_secret_in_a_list_makes_the_list_secret() -> None:
    assert mark_secrets({"args": ["a", "b"]}, {"args": ["a", Secret("b")]}) == {"args": Secret(["a", "b"])}


def test_a_secret_in_an_object_leaves_the_rest_of_it_readable() -> None:
    assert mark_secrets({"o": {"k": "v", "p": "q"}}, {"o": {"k": Secret("v")}}) == {"o": {"k": Secret("v"), "p": "q"}}
