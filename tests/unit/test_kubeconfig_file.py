"""The stack's entry in a kubeconfig that belongs to the user."""

import json
import os
import threading

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.cluster.kubeconfig_entry import KubeconfigEntryProvider
from sdg.kube import kubeconfig_file
from sdg.kube.kubeconfig_file import Entry, KubeconfigConflictError, holds, merge, remove
from sdg.kube.kubeconfig_text import SECTIONS, document_of, with_current, with_entry, without_entry
from sdg.microk8s.kubeconfig import KubeconfigUnreadableError, renamed

TEXT = """\
# mine, by hand
apiVersion: v1
kind: Config
clusters:
- cluster:
    server: https://a.example.com:6443   # the office
  name: a
# people
contexts:
  - name: a
    context: {cluster: a, user: ana}

users:
- name: ana
  user:
    token: planted-token-of-ana
# the end
preferences: {}
current-context: a
"""
FLOW = json.dumps(yaml.safe_load(TEXT))
ANCHORED = TEXT.replace("- name: ana\n  user:", "- &ana\n  name: ana\n  user:") + "extensions: [*ana]\n"
BARE = "apiVersion: v1\nkind: Config\nclusters:\ncontexts: null\nusers: []\ncurrent-context: ''"
ENTRY = Entry(
    "workstation", "sdg/lab", {"server": "https://127.0.0.1:16443", "certificate-authority-data": "Q0E="}, {"token": "planted-token"}
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "kube" / "config"
    path.parent.mkdir()
    return path


def contexts(path):
    return {entry["name"]: entry["context"] for entry in yaml.safe_load(path.read_text())["contexts"]}


@pytest.mark.parametrize("text", [TEXT, FLOW, ANCHORED, BARE, "", "apiVersion: v1\n", "{}", "# nothing yet\n"], ids=str.__len__)
def test_an_entry_comes_and_goes_and_everything_else_keeps_its_meaning(file, text):
    file.write_text(text)
    before = document_of(text)
    assert merge(file, ENTRY)
    assert holds(file, ENTRY)
    during = document_of(file.read_text())
    for section in SECTIONS:
        assert during[section][1:] == (before.get(section) or [])
    assert during["current-context"] == (before.get("current-context") or "workstation")
    remove(file, "workstation", "sdg/lab")
    after = document_of(file.read_text()) if file.exists() else {}
    filled = {key: value for key, value in after.items() if value}
    assert filled.get("users") == (before.get("users") or None)
    assert {key: value for key, value in before.items() if value and key not in ("apiVersion", "kind")}.items() <= filled.items()


@pytest.mark.parametrize("text", [TEXT, FLOW])
def test_what_somebody_wrote_by_hand_keeps_its_bytes(file, text):
    file.write_text(text)
    merge(file, ENTRY)
    merge(file, ENTRY)
    remove(file, "workstation", "sdg/lab")
    assert file.read_text() == text


def test_comments_stay_where_they_are(file):
    file.write_text(TEXT)
    merge(file, ENTRY)
    written = file.read_text()
    assert [line for line in TEXT.splitlines() if line not in written.splitlines()] == []


def test_a_file_that_is_not_there_is_made_for_its_user_alone_and_removed_when_nothing_is_left(tmp_path):
    path = tmp_path / "new" / "config"
    merge(path, ENTRY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text())["current-context"] == "workstation"
    remove(path, "workstation", "sdg/lab")
    assert not path.exists()
    remove(path, "workstation", "sdg/lab")


def test_a_file_that_others_could_read_is_closed_to_them(file):
    file.write_text(TEXT)
    file.chmod(0o644)
    merge(file, ENTRY)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_one(tmp_path, file):
    file.write_text(TEXT)
    link = tmp_path / "link"
    link.symlink_to(file)
    merge(link, ENTRY)
    assert link.is_symlink()
    assert "workstation" in contexts(file)


def test_new_credentials_replace_old_ones_and_a_chosen_namespace_stays(file):
    file.write_text(TEXT)
    merge(file, ENTRY)
    document = yaml.safe_load(file.read_text())
    document["contexts"][0]["context"]["namespace"] = "osmo-minimal"
    file.write_text(yaml.safe_dump(document))
    assert holds(file, ENTRY)
    renewed = Entry("workstation", "sdg/lab", ENTRY.cluster, {"token": "another"})
    assert not holds(file, renewed)
    merge(file, renewed)
    assert holds(file, renewed)
    assert contexts(file)["workstation"]["namespace"] == "osmo-minimal"
    assert "planted-token\n" not in file.read_text()


def test_another_clusters_context_of_that_name_is_never_overwritten(file):
    foreign = TEXT.replace("name: a\n", "name: workstation\n").replace("cluster: a,", "cluster: workstation,")
    file.write_text(foreign)
    with pytest.raises(
        KubeconfigConflictError, match=r"'workstation' under clusters, contexts.*another cluster.*sdg:cluster.name"
    ) as refused:
        merge(file, ENTRY)
    assert "planted" not in str(refused.value)
    assert file.read_text() == foreign
    remove(file, "workstation", "sdg/lab")
    assert file.read_text() == foreign


@pytest.mark.parametrize("section", ["clusters", "users"])
def test_a_cluster_or_user_of_that_name_is_never_overwritten(file, section):
    text = with_entry(TEXT, section, {"name": "workstation", section.removesuffix("s"): {"server": "https://elsewhere"}})
    file.write_text(text)
    with pytest.raises(KubeconfigConflictError):
        merge(file, ENTRY)
    assert file.read_text() == text


@pytest.mark.parametrize(
    "cluster", [{"server": "https://127.0.0.1:16443"}, {"server": "https://10.0.0.5:16443", "certificate-authority-data": "Q0E="}]
)
def test_somebodys_own_context_for_the_same_cluster_is_left_and_will_do(file, cluster):
    theirs = with_entry(TEXT, "clusters", {"name": "microk8s-cluster", "cluster": cluster})
    theirs = with_entry(theirs, "contexts", {"name": "workstation", "context": {"cluster": "microk8s-cluster", "user": "ana"}})
    file.write_text(theirs)
    assert not merge(file, ENTRY)
    assert kubeconfig_file.has_stand_in(file, ENTRY)
    remove(file, "workstation", "sdg/lab")
    assert file.read_text() == theirs


def test_another_stacks_entry_is_not_removed(file):
    merge(file, ENTRY)
    remove(file, "workstation", "sdg/other")
    assert holds(file, ENTRY)


def test_a_current_context_that_is_removed_is_none_any_more(file):
    file.write_text(with_current(TEXT, ""))
    merge(file, ENTRY)
    assert yaml.safe_load(file.read_text())["current-context"] == "workstation"
    remove(file, "workstation", "sdg/lab")
    assert yaml.safe_load(file.read_text())["current-context"] == ""


@pytest.mark.parametrize("text", ["- no\n- mapping\n", "clusters: 5\n", "a: [planted-token-of-ana\n", "clusters: [text]\n"])
def test_what_is_no_kubeconfig_is_left_and_not_quoted(file, text):
    file.write_text(text)
    with pytest.raises(KubeconfigConflictError) as refused:
        merge(file, ENTRY)
    assert "planted" not in str(refused.value)
    assert file.read_text() == text
    assert not holds(file, ENTRY)


def test_a_file_that_may_not_be_written_is_said(file, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(KubeconfigConflictError, match="cannot be used: Permission denied"):
        merge(file, ENTRY)


def test_the_lock_of_a_kubectl_at_work_is_waited_for(file):
    file.write_text(TEXT)
    lock = file.with_name("config.lock")
    lock.touch()
    threading.Timer(0.3, lock.unlink).start()
    merge(file, ENTRY)
    assert not lock.exists()


def test_a_lock_that_nobody_gives_back_is_named(file, monkeypatch):
    monkeypatch.setattr(kubeconfig_file, "_LOCK_TIMEOUT", 0.1)
    file.with_name("config.lock").touch()
    with pytest.raises(KubeconfigConflictError, match=r"locked by .*config\.lock"):
        merge(file, ENTRY)


def test_the_lock_of_a_killed_update_is_taken_over(file):
    file.with_name("config.lock").write_text("4194305")  # above the highest process id
    assert merge(file, ENTRY)


def test_two_stacks_at_once_lose_nothing(file):
    file.write_text(TEXT)
    names = [f"cluster-{index}" for index in range(8)]
    threads = [threading.Thread(target=merge, args=(file, Entry(name, "sdg/lab", {"server": name}, {"token": name}))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(contexts(file)) == {"a", *names}


NAMES = st.lists(st.sampled_from(["a", "b", "c", "workstation", "x-1"]), unique=True, max_size=4)


@settings(max_examples=150, deadline=None)
@given(names=NAMES, flow=st.booleans(), indent=st.sampled_from([2, 4]), name=st.sampled_from(["workstation", "b", "new"]))
def test_whatever_the_layout_only_the_named_entry_changes(names, flow, indent, name):
    entries = [
        {"name": each, "cluster": {"server": f"https://{each}", "extensions": [{"name": "m", "extension": {"k": "v-1 - 2"}}]}}
        for each in names
    ]
    text = yaml.safe_dump({"clusters": entries, "current-context": ""}, default_flow_style=flow, indent=indent)
    new = {"name": name, "cluster": {"server": "https://new: - [x]"}}
    added = with_entry(text, "clusters", new)
    assert document_of(added)["clusters"] == [new, *(entry for entry in entries if entry["name"] != name)]
    gone = without_entry(added, "clusters", name)
    assert document_of(gone)["clusters"] == [entry for entry in entries if entry["name"] != name]


# the resource


CONNECTION = {"kubeconfig": renamed(TEXT, "workstation", None), "context": "workstation"}


@pytest.fixture
def props(file):
    return {"name": "workstation", "owner": "sdg/lab", "path": str(file), "connection": CONNECTION}


@pytest.fixture
def provider():
    return KubeconfigEntryProvider()


def test_the_resource_makes_keeps_and_removes_its_entry(provider, props, file):
    made = provider.create(props)
    assert "workstation" in contexts(file)
    assert provider.read(made.id, made.outs).id == made.id
    assert not provider.diff(made.id, made.outs, props).changes
    provider.delete(made.id, made.outs)
    assert not file.exists()


def test_an_entry_that_went_missing_shows_as_drift(provider, props, file):
    made = provider.create(props)
    file.unlink()
    assert provider.read(made.id, made.outs).id == ""


def test_somewhere_else_nothing_is_missed_changed_or_removed(provider, props, file):
    outs = {**provider.create(props).outs, "host": "another"}
    assert provider.diff("workstation", outs, {**props, "path": "/elsewhere"}).changes is False
    assert provider.read("workstation", outs).id == "workstation"
    provider.delete("workstation", outs)
    assert "workstation" in contexts(file)


def test_another_file_name_or_owner_is_another_entry_and_credentials_are_not(provider, props):
    outs = provider.create(props).outs
    for key in ("path", "name", "owner"):
        assert provider.diff("workstation", outs, {**props, key: "other"}).replaces == [key]
    renewed = provider.diff("workstation", outs, {**props, "connection": {**CONNECTION, "context": "x"}})
    assert renewed.changes
    assert renewed.replaces == []


# MicroK8s' own kubeconfig


def test_a_kubeconfig_keeps_one_context_under_the_stacks_name():
    document = yaml.safe_load(renamed(TEXT, "workstation", None))
    assert [document[section][0]["name"] for section in SECTIONS] == ["workstation"] * 3
    assert document["current-context"] == "workstation"
    assert document["users"][0]["user"] == {"token": "planted-token-of-ana"}


@pytest.mark.parametrize(
    ("server", "host", "expected"),
    [
        ("https://127.0.0.1:16443", "gpu-box.example.com", "https://gpu-box.example.com:16443"),
        ("https://localhost:16443", "10.0.0.5", "https://10.0.0.5:16443"),
        ("https://[::1]:16443", "fd00::5", "https://[fd00::5]:16443"),
        ("https://192.168.1.5:16443", "gpu-box.example.com", "https://192.168.1.5:16443"),
        ("https://127.0.0.1:16443", None, "https://127.0.0.1:16443"),
    ],
)
def test_a_remote_clusters_loopback_address_becomes_the_hosts(server, host, expected):
    text = TEXT.replace("https://a.example.com:6443", server)
    assert yaml.safe_load(renamed(text, "w", host))["clusters"][0]["cluster"]["server"] == expected


@pytest.mark.parametrize("text", ["", "planted: [", "planted", TEXT.replace("current-context: a", "current-context: b"), "a: planted"])
def test_what_is_no_kubeconfig_is_said_without_quoting_it(text):
    with pytest.raises(KubeconfigUnreadableError) as refused:
        renamed(text, "w", None)
    assert "planted" not in str(refused.value)
