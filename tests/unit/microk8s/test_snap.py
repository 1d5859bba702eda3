"""The snap on a host: installed, marked, followed, removed by its own stack alone."""

import pytest

from sdg.microk8s import snap

STACK, CHANNEL = "sdg/lab", "1.31/stable"


def installed(channel=CHANNEL, stack=STACK):
    return snap.installed(stack, channel)


def test_a_bare_host_gets_the_channel_and_the_mark(host):
    host.do(installed().create)
    assert host.changes() == ["snap install microk8s --classic --channel=1.31/stable", "snap set microk8s sdg.stack=sdg/lab"]
    assert host.says("sdg.stack") == STACK


def test_a_second_update_changes_nothing(host):
    host.do(installed().create)
    host.changes()
    host.do(installed().update)
    host.do(installed().create)
    assert host.changes() == []


def test_a_strict_channel_is_installed_without_classic(host):
    host.do(installed("1.31-strict/stable").create)
    assert host.changes()[0] == "snap install microk8s --channel=1.31-strict/stable"
    assert (snap.group("1.31-strict/stable"), snap.group(CHANNEL)) == ("snap_microk8s", "microk8s")


def test_what_something_else_installed_is_neither_taken_nor_removed(host):
    host.has(channel="1.31/stable\n")
    said = host.refuses(installed().create)
    assert "sdg:cluster.adopt" in said
    assert "something other than a stack of this program" in said
    host.do(installed().delete)
    assert host.changes() == []
    assert host.says("channel")


def test_what_another_stack_installed_is_named_and_left(host):
    host.do(installed(stack="sdg/other").create)
    host.changes()
    assert "installed on this host already, by sdg/other, not by sdg/lab" in host.refuses(installed().create)
    assert "stays on this host" in host.run(installed().delete).stderr
    assert host.changes() == []


def test_an_update_that_was_killed_between_installation_and_mark_goes_on(host):
    host.has(killed="")
    assert host.run(installed().create).returncode == 143
    assert host.says("sdg.stack") is None
    host.lacks("killed")
    host.changes()
    host.do(installed().create)
    assert host.changes() == ["snap set microk8s sdg.stack=sdg/lab"]


def test_what_a_killed_update_began_is_removed_too(host):
    host.has(killed="")
    host.run(installed().create)
    host.do(installed().delete)
    assert host.says("channel") is None


def test_a_failed_installation_says_snaps_own_words_and_can_be_repeated(host):
    host.has(broken="")
    assert "cannot perform the following tasks" in host.refuses(installed().create)
    host.lacks("broken")
    host.do(installed().create)
    assert host.says("sdg.stack") == STACK


def test_an_installation_after_a_begun_one_that_came_to_nothing_is_not_taken_for_ours(host):
    host.do(installed().create)
    host.do(installed().delete)
    host.has(channel="1.31/stable\n")
    assert "sdg:cluster.adopt" in host.refuses(installed().create)


def test_removal_purges_and_is_done_once(host):
    host.do(installed().create)
    host.changes()
    host.do(installed().delete)
    host.do(installed().delete)
    assert host.changes() == ["snap remove microk8s --purge"]


def test_another_channel_is_followed(host):
    host.do(installed().create)
    host.changes()
    host.do(installed("1.32/stable").update)
    assert host.changes() == ["snap refresh microk8s --channel=1.32/stable"]


@pytest.mark.parametrize(
    ("channel", "sentence"), [("1.30/stable", "cannot go back from 1.31/stable"), ("1.33/stable", "one minor version at a time")]
)
def test_a_channel_that_the_cluster_would_not_survive_is_refused(host, channel, sentence):
    host.do(installed().create)
    host.changes()
    assert sentence in host.refuses(installed(channel).update)
    assert host.changes() == []


def test_a_channel_whose_name_is_cut_off_in_the_list_is_known(host):
    host.do(installed("1.31-strict/candidate").create)
    host.has(channel="1.31-strict/cand…\n")
    host.changes()
    host.do(installed("1.31-strict/candidate").update)
    assert host.changes() == []


def test_a_password_for_sudo_is_said_as_that(host):
    host.has(locked="", channel="1.31/stable\n")
    assert "sudo asks for a password" in host.refuses(installed().create)


def test_adoption_leaves_what_is_there(host):
    host.has(channel="1.31/stable\n")
    host.do(snap.adopted(STACK, "workstation").create)
    assert host.changes() == []


def test_what_a_stack_installed_and_then_adopted_is_not_removed_by_it(host):
    host.do(installed().create)
    host.do(snap.adopted(STACK, "workstation").create)
    host.do(installed().delete)
    assert host.says("channel") == CHANNEL


def test_nothing_to_adopt_is_an_error(host):
    assert "no MicroK8s on this host to adopt" in host.refuses(snap.adopted(STACK, "workstation").create)
