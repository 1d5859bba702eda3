"""The state directory: private files, and ports that stay the same."""

from __future__ import annotations

import json
import socket
import stat

from rehearsal.state import PORTS, StateDir, choose_ports, is_free, read_json, write_private


def test_ports_differ_are_free_and_stay_the_same(tmp_path):
    first = choose_ports(tmp_path / "ports.json")
    assert sorted(first) == sorted(PORTS)
    assert len(set(first.values())) == len(PORTS)
    assert all(map(is_free, first.values()))
    assert choose_ports(tmp_path / "ports.json") == first


def test_a_port_that_something_else_took_is_replaced_and_the_others_are_kept(tmp_path):
    first = choose_ports(tmp_path / "ports.json")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["osmo"]))
        other.listen()
        second = choose_ports(tmp_path / "ports.json")
    assert [name for name in PORTS if first[name] != second[name]] == ["osmo"]


def test_a_port_that_our_own_process_holds_is_kept(tmp_path):
    first = choose_ports(tmp_path / "ports.json")
    with socket.socket() as own:
        own.bind(("127.0.0.1", first["etcd"]))
        own.listen()
        assert choose_ports(tmp_path / "ports.json", in_use=["etcd"]) == first


def test_a_port_file_that_was_cut_off_is_written_anew(tmp_path):
    (tmp_path / "ports.json").write_text('{"etcd": 2')
    chosen = choose_ports(tmp_path / "ports.json")
    assert json.loads((tmp_path / "ports.json").read_text()) == chosen


def test_private_files_are_readable_by_their_owner_alone_even_when_they_replace_others(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_the_state_directory_is_private(tmp_path):
    state = StateDir(tmp_path / "state")
    state.prepare()
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700


def test_there_are_no_services_before_the_first_start(tmp_path):
    assert StateDir(tmp_path / "none").service_urls() == {}


def test_json_that_is_not_an_object_reads_as_empty(tmp_path):
    (tmp_path / "list.json").write_text("[1]")
    assert read_json(tmp_path / "list.json") == {}
