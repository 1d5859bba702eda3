"""Tools: what is built, under which key, and what is said when that fails."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from rehearsal import toolchain, tools
from rehearsal.families import FAMILIES, Family, family
from rehearsal.toolchain import CommandFailed
from rehearsal.tools import ToolMissing, Tools


@pytest.fixture
def module(tmp_path):
    """A family in a folder of its own, that no PATH and no cache has."""
    directory = tmp_path / "demo"
    directory.mkdir()
    (directory / "go.mod").write_text("module sdg/tools/demo\n\ngo 1.20\n\nrequire example.org/demo v1.2.3\n")
    (directory / "go.sum").write_text("")
    packages = {"demo": "example.org/demo"}
    return Family("demo", "example.org/demo", packages, minutes=1, stamps=("main.version={version}",), directory=str(directory))


@pytest.fixture
def fake_go(tmp_path, monkeypatch):
    """A Go that writes a script as the binary, and the number of its calls."""
    go, calls = tmp_path / "go", tmp_path / "calls"
    go.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nwhile [ "$1" != -o ]; do shift; done\nprintf "#!/bin/sh\\n" > "$2"\n')
    go.chmod(0o755)
    monkeypatch.setattr(toolchain, "go", lambda cache, say: go)
    return calls


def fresh(item):
    """The same family without what it has cached about its files."""
    return dataclasses.replace(item)


def test_every_program_of_a_rehearsal_is_built_by_exactly_one_family():
    names = [name for item in FAMILIES for name in item.packages]
    assert sorted(names) == ["etcd", "helm", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "pulumi"]


@pytest.mark.parametrize("item", FAMILIES, ids=lambda item: item.name)
def test_every_family_builds_what_its_go_mod_declares_as_tools(item):
    text = (item.source / "go.mod").read_text()
    assert [package for package in item.packages.values() if package not in text] == []
    assert item.version.startswith("v")


def test_every_staging_module_of_kubernetes_is_replaced_by_the_release_that_belongs_to_it():
    minor = family("kubernetes").version.removeprefix("v1.")
    lines = [line for line in (family("kubernetes").source / "go.mod").read_text().splitlines() if line.startswith("replace ")]
    assert len(lines) == 33
    assert [line for line in lines if not line.endswith(f" v0.{minor}")] == []


def test_versions_are_stamped_into_the_binaries():
    assert "component-base/version.gitVersion=v1.36.3" in family("kubernetes").link_flags
    assert "gitMajor=1" in family("kubernetes").link_flags
    assert "version.Version=v3.259.0" in family("pulumi").link_flags


def test_the_key_changes_with_go_mod_go_sum_and_flags_and_with_nothing_else(module):
    key = module.key
    assert fresh(module).key == key
    (module.source / "notes.txt").write_text("not part of the build")
    assert fresh(module).key == key
    (module.source / "go.sum").write_text("example.org/demo v1.2.3 h1:x\n")
    assert fresh(module).key != key
    assert dataclasses.replace(module, stamps=()).key != fresh(module).key


def test_what_is_built_once_is_not_built_again(module, fake_go, tmp_path):
    said = []
    for _ in range(2):
        tools.build(said.append, [module], tmp_path / "cache")
    assert len(fake_go.read_text().splitlines()) == 1
    assert [line.split(" (")[0].split(" in ")[0] for line in said] == ["building demo v1.2.3", "built demo v1.2.3"]


def test_two_clones_that_build_at_the_same_time_build_once_and_the_other_says_that_it_waits(module, fake_go, tmp_path):
    said = [[], []]
    holding, released = threading.Event(), threading.Event()

    def hold(line):
        said[0].append(line)
        holding.set()
        assert released.wait(5)

    def wait(line):
        said[1].append(line)
        released.set()

    first = threading.Thread(target=tools.build, args=(hold, [module], tmp_path / "cache"))
    first.start()
    assert holding.wait(5)
    tools.build(wait, [fresh(module)], tmp_path / "cache")
    first.join()
    assert said[1] == ["waiting for another build of demo"]
    assert len(fake_go.read_text().splitlines()) == 1


def test_a_build_asks_go_for_no_version_control_stamp(module, fake_go, tmp_path):
    tools.build(lambda line: None, [module], tmp_path / "cache")
    assert "-buildvcs=false" in fake_go.read_text()


def test_a_failed_build_names_the_command_its_last_lines_and_the_remedy_and_leaves_nothing(module, tmp_path, monkeypatch):
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'no required module provides package' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(toolchain, "go", lambda cache, say: go)
    with pytest.raises(CommandFailed) as caught:
        tools.build(lambda line: None, [module], tmp_path / "cache")
    assert f"{go} build" in str(caught.value)
    assert "no required module provides package" in str(caught.value)
    assert "What to do: Check that the Go module proxy is reachable" in str(caught.value)
    assert [path.name for path in (tmp_path / "cache" / "tools").iterdir() if path.is_dir()] == []


def test_a_missing_program_says_how_to_build_it():
    with pytest.raises(ToolMissing, match=r"kwok is not there\. Build what is missing with `python -m rehearsal\.tools`"):
        Tools({}).path("kwok")


@pytest.mark.parametrize(("version", "used"), [("v3.259.0", True), ("v3.260.1", True), ("v3.100.0", False), ("garbage", False)])
def test_a_program_on_path_is_used_when_it_is_new_enough(tmp_path, monkeypatch, version, used):
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "pulumi"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{Path(shutil.which('sh') or '/bin/sh').parent}")
    found = Tools.locate(tmp_path / "cache").paths.get("pulumi")
    assert found == (program if used else None)


def test_the_cache_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tools.cache_directory() == tmp_path / "sdg"


def test_the_newest_go_that_any_family_asks_for_is_required():
    assert str(toolchain.required()) == "1.26.8"
