"""A destroy that has to wait says for what, ends at once when it is interrupted, and goes on from there."""

from __future__ import annotations

ENDED = 2.0  # seconds that Ctrl-C may take
DESTROY = ("pulumi", "destroy", "--yes", "--skip-preview", "--suppress-progress", "--non-interactive", "--stack", "rehearsal")
HELD = "kai-resource-reservation"  # Helm keeps it, so nobody but the last resource of a destroy waits for it
HOLD = '{"metadata":{"finalizers":["example.com/hold"]}}'


def test_what_holds_a_destroy_up_is_named_live_and_ctrl_c_ends_the_wait(stack, updates, until):
    done = stack.up()
    assert done, done.ending
    stack.kubectl("--namespace", HELD, "create", "configmap", "held")
    stack.kubectl("--namespace", HELD, "patch", "configmap", "held", "--type=merge", "--patch", HOLD)

    live = updates.start(command=DESTROY)
    line = live.line(rf"remains: waiting for Namespace/{HELD}: being deleted; .*example\.com/hold in 1 resource instances", 120)
    assert "(expected: gone)" in line.text
    assert live.interrupt() < ENDED
    until(lambda: not live.left(), 8.0)
    assert [resource["urn"].rpartition("::")[2] for resource in stack.resources() if resource["type"].endswith(":Remains")] == ["remains"]

    stack.kubectl("--namespace", HELD, "patch", "configmap", "held", "--type=merge", "--patch", '{"metadata":{"finalizers":null}}')
    again = stack.run(*DESTROY)
    assert again, again.output
    assert stack.resources() == []
