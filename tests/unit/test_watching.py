"""List and watch: every object is told, also what changed while nobody watched."""

from __future__ import annotations

import threading

import pytest

from rehearsal.api import SECRETS, ApiError
from rehearsal.watching import Watcher


def secret(name, version="1", **data):
    return {"metadata": {"namespace": "ns", "name": name, "uid": name, "resourceVersion": version}, "data": data}


class ScriptedApi:
    """Answers lists and watches from a script, and holds the last watch open."""

    def __init__(self, lists, watches):
        self.lists, self.watches, self.versions = list(lists), list(watches), []

    def list(self, _resource):
        return {"metadata": {"resourceVersion": "10"}, "items": self.lists.pop(0)}

    def watch(self, _resource, version):
        self.versions.append(version)
        if not self.watches:
            threading.Event().wait()
        for event in self.watches.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


def told(api, count, handlers=()):
    """The first `count` changes that a watcher tells."""
    seen, done = [], threading.Event()

    def collect(change, item):
        seen.append((change, item["metadata"]["name"]))
        if len(seen) == count:
            done.set()

    Watcher(api, SECRETS, (*handlers, collect)).start()
    assert done.wait(5)
    return seen


def test_what_exists_is_told_first_and_then_each_change():
    api = ScriptedApi(
        [[secret("a")]], [[{"type": "MODIFIED", "object": secret("a", "11")}, {"type": "ADDED", "object": secret("b", "12")}]]
    )
    assert told(api, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("ADDED", "b")]


def test_a_watch_that_is_too_old_lists_again_and_tells_what_vanished_meanwhile():
    api = ScriptedApi([[secret("a"), secret("b")], [secret("b"), secret("c")]], [[ApiError(410, "Expired", "too old")]])
    assert told(api, 5) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a"), ("MODIFIED", "b"), ("ADDED", "c")]


def test_a_watch_that_ends_goes_on_from_the_last_version_that_it_was_told():
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "20"}}}
    api = ScriptedApi([[]], [[bookmark], [{"type": "ADDED", "object": secret("a", "21")}]])
    assert told(api, 1) == [("ADDED", "a")]
    assert api.versions[:2] == ["10", "20"]


def test_a_handler_that_raises_neither_ends_the_watch_nor_keeps_the_others_from_knowing():
    def broken(_change, _item):
        raise ValueError("bad object")

    assert told(ScriptedApi([[secret("a"), secret("b")]], []), 2, handlers=(broken,)) == [("ADDED", "a"), ("ADDED", "b")]


@pytest.mark.parametrize("error", [ApiError(0, "Unreachable", "refused"), ValueError("half a line")])
def test_a_broken_connection_is_tried_again(error):
    api = ScriptedApi([[], []], [[error], [{"type": "ADDED", "object": secret("a", "11")}]])
    assert told(api, 1) == [("ADDED", "a")]


def test_contents_of_secrets_are_not_kept():
    watcher = Watcher(ScriptedApi([[secret("a", password="planted")]], []), SECRETS, ())
    watcher.start()
    assert watcher.synced.wait(5)
    assert "planted" not in repr(watcher)
