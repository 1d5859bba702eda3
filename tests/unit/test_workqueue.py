"""The queue of keys: each once, none twice at a time, delayed ones not before their time."""

from __future__ import annotations

import threading
import time

from rehearsal.workqueue import WorkQueue


def test_a_key_that_is_asked_for_many_times_is_worked_on_once():
    queue, seen, done = WorkQueue(), [], threading.Event()
    for _ in range(5):
        queue.add(("ns", "a"))
    queue.add(("ns", "last"), 0.05)
    queue.start(lambda key: (seen.append(key), done.set() if key[1] == "last" else None), 1, "test")
    assert done.wait(5)
    assert seen == [("ns", "a"), ("ns", "last")]


def test_a_key_is_never_worked_on_by_two_at_a_time_and_is_seen_again_afterwards():
    queue, running, most, count, done = WorkQueue(), [], [], [0], threading.Event()

    def work(key):
        running.append(key)
        most.append(len(running))
        if count[0] == 0:
            queue.add(key)
        time.sleep(0.05)
        running.remove(key)
        count[0] += 1
        if count[0] == 2:
            done.set()

    queue.add(("ns", "a"))
    queue.start(work, 4, "test")
    assert done.wait(5)
    assert max(most) == 1


def test_an_earlier_time_wins_over_a_later_one():
    queue, done = WorkQueue(), threading.Event()
    queue.add(("ns", "a"), 3600)
    queue.add(("ns", "a"), 0.01)
    queue.start(lambda key: done.set(), 1, "test")
    assert done.wait(5)


def test_work_that_raises_does_not_end_the_worker():
    queue, done = WorkQueue(), threading.Event()

    def work(key):
        if key[1] == "bad":
            raise ValueError("bad object")
        done.set()

    queue.add(("ns", "bad"))
    queue.add(("ns", "good"), 0.02)
    queue.start(work, 1, "test")
    assert done.wait(5)
