"""Commands of a rehearsal stay on its virtual host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rehearsal.host import confine, fence
from rehearsal.host.command_lines import CommandRefused
from sdg.microk8s import gpu, running, snap
from sdg.microk8s.script import Step, over_ssh

needs_landlock = pytest.mark.skipif(not confine.available(), reason="the kernel has no Landlock")

STEPS = (
    snap.installed("org/project/stack", "1.31/stable"),
    snap.adopted("org/project/stack", "lab"),
    gpu.driver(550),
    gpu.operator("host", "v24.9.2", stack="sdg/lab", cluster="lab"),
    running.member("microk8s"),
    running.addons(["dns", "hostpath-storage"]),
    running.complete(["dns"], ("lab",)),
    running.default_class("microk8s-hostpath"),
    running.kubeconfig(here=True),
)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    fence.prepare(tmp_path / "host")
    return tmp_path / "host"


def _run(host: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        fence.arguments(host, command),
        env=fence.environment(host, {}),
        cwd=fence.directory(host, None),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def _stand_in(host: Path, name: str, text: str) -> None:
    program = host / "bin" / name
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o700)


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("/usr/bin/snap list", "/usr/bin/snap"),
        ("exec /snap/bin/microk8s status", "/snap/bin/microk8s"),
        ("cat /etc/passwd", "/etc/passwd"),
        ("echo x >/etc/motd", "/etc/motd"),
        ("echo x >>'/etc'/motd", "/etc/motd"),
        ("cat <<EOF >/root/x\nit's\nEOF", "/root/x"),
        ('"/usr"/bin/snap list', "/usr/bin/snap"),
        ("sh -c 'cat \"/etc/shadow\"'", "/etc/shadow"),
        ("sudo -n sh -c 'rm -rf /var/lib'", "/var/lib"),
        ("df $(cat /etc/fstab)", "/etc/fstab"),
        ("rm -rf /", "/"),
        ("rm -rf /*", "/*"),
        ("cd / && ls", "/"),
        ("cd ../../other", ".."),
        ("ls ~root/.ssh", "~root"),
        ("if true; then /bin/ls; fi", "/bin/ls"),
        ("x=/usr/bin; $x/snap", "/usr/bin"),
        ("PATH=$HOME:$PATH snap", "PATH="),
        ("export PATH=here", "PATH="),
        ("env -i snap", "env -i"),
        ("env -u PATH snap", "env -u PATH"),
        ("command -p ls", "command -p"),
        ("unset PATH; ls", "unset PATH"),
        ("sudo snap install microk8s", "sudo"),
        ("sudo --non-interactive snap list", "sudo"),
    ],
)
def test_a_command_line_that_names_a_place_outside_is_refused(host: Path, command: str, word: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        fence.refuse_escapes(host, command)
    assert word in str(refused.value)


@pytest.mark.parametrize(
    "command",
    [
        "snap list microk8s >/dev/null 2>&1 || true",
        'sudo -n snap install microk8s --classic --channel="1.31/stable"',
        "sudo -n -u nobody true",
        'mkdir -p "$HOME/.kube" && cat >"$HOME"/.kube/config',
        "echo $((kilobytes / 1024)) | awk '{print $1 / 1024}'",
        "sed -e 's/a/b/' -n -e '/name/p' file",
        'kubectl patch x --type=json -p \'[{"op": "add", "path": "/spec/x"}]\'',
        "echo https://example.com/etc/x a/b/c 1..3 v1...v2 ~ ~/x",
        'minor() { rest=${1#*.}; rest=${rest%%[!0-9]*}; printf "%s" "${rest:-0}"; }',
        "echo 'a file called /spec is no place of a machine'",
    ],
)
def test_an_ordinary_command_line_passes(host: Path, command: str) -> None:
    fence.refuse_escapes(host, command)


def test_a_place_inside_the_host_passes(host: Path) -> None:
    fence.refuse_escapes(host, f"cat {host}/home/x")
    with pytest.raises(CommandRefused):
        fence.refuse_escapes(host, f"cat {host}/../x")


def test_a_stand_in_answers_for_its_own_arguments_but_not_for_where_its_output_goes(host: Path) -> None:
    _stand_in(host, "df", "echo 1")
    fence.refuse_escapes(host, "df -Pk /var/snap")
    with pytest.raises(CommandRefused):
        fence.refuse_escapes(host, "df -Pk /var/snap >/var/x")


@pytest.mark.parametrize("step", STEPS)
def test_what_the_program_runs_for_microk8s_passes_here_and_over_ssh(host: Path, step: Step) -> None:
    for command in (step.create, step.update, step.delete):
        fence.refuse_escapes(host, command)
        fence.refuse_escapes(host, over_ssh(command))


def test_commands_find_the_hosts_programs_and_nothing_else(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "snap").write_text("#!/bin/sh\necho the real one\n", encoding="utf-8")
    (outside / "snap").chmod(0o700)
    monkeypatch.setenv("PATH", f"{outside}:{os.environ['PATH']}")
    assert "not found" in _run(host, "snap list").stderr
    _stand_in(host, "snap", "echo the stand-in")
    assert _run(host, "snap list").stdout == "the stand-in\n"


def test_a_command_gets_nothing_of_this_process_environment(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/someone/.kube/config")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "secret")
    names = {line.partition("=")[0] for line in _run(host, "env").stdout.splitlines()}
    assert names == {"HOME", "LANG", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "SDG_REHEARSAL_HOST", "TMPDIR"}


@pytest.mark.parametrize("name", ["PATH", "HOME", "TMPDIR", "SDG_REHEARSAL_HOST", "LD_PRELOAD", "BASH_ENV", "ENV", "PYTHONPATH"])
def test_a_variable_that_would_move_the_fence_is_refused(host: Path, name: str) -> None:
    with pytest.raises(CommandRefused, match=name):
        fence.environment(host, {name: "x"})


@pytest.mark.parametrize("directory", ["/", "/tmp", "..", "a/../../.."])
def test_a_directory_outside_home_is_refused(host: Path, directory: str) -> None:
    with pytest.raises(CommandRefused, match="outside"):
        fence.directory(host, directory)


def test_a_link_out_of_home_is_no_way_out(host: Path, tmp_path: Path) -> None:
    (host / "home" / "link").symlink_to(tmp_path)
    with pytest.raises(CommandRefused, match="outside"):
        fence.directory(host, "link")


@pytest.mark.parametrize(
    "interpreter", [["python3", "-c"], ["/usr/bin/python3"], ["/opt/bash"], ["./sh"], ["bash", "/etc/profile"], ["env", "sh"]]
)
def test_an_interpreter_that_is_no_shell_is_refused(host: Path, interpreter: list[str]) -> None:
    with pytest.raises(CommandRefused, match="interpreter"):
        fence.arguments(host, "true", interpreter)


def test_preparing_again_keeps_what_is_there(host: Path) -> None:
    _stand_in(host, "snap", "echo mine")
    (host / "bin" / "sh").unlink()
    (host / "bin" / "sh").symlink_to("/gone")
    fence.prepare(host)
    assert _run(host, "snap; sh -c 'echo shell'").stdout == "mine\nshell\n"


def test_there_is_no_host_before_it_is_prepared(tmp_path: Path, host: Path) -> None:
    assert fence.existing({}) is None
    assert fence.existing({fence.HOST_VARIABLE: "relative"}) is None
    assert fence.existing({fence.HOST_VARIABLE: str(tmp_path / "nothing")}) is None
    assert fence.existing({fence.HOST_VARIABLE: str(host)}) == host.resolve()


@needs_landlock
def test_a_place_that_a_command_puts_together_itself_is_held_by_the_kernel(host: Path, tmp_path: Path) -> None:
    written = tmp_path / "written"
    wrote = _run(host, f"p=$(echo {str(written).replace('/', ':')} | tr : '\\057'); echo x >$p")
    assert "Permission denied" in wrote.stderr
    assert not written.exists()
    ran = _run(host, "p=$(echo _usr_bin_uname | tr _ '\\057'); $p")
    assert (ran.returncode, ran.stdout) == (126, "")


@needs_landlock
def test_a_command_cannot_change_what_the_next_one_runs(host: Path) -> None:
    _run(host, 'd=$(dirname "$HOME"); rm -f "$d/bin/sh"; echo x >"$d/bin/snap"; echo "{}" >"$d/fence.json"')
    assert (host / "bin" / "sh").exists()
    assert not (host / "bin" / "snap").exists()
    assert (host / "fence.json").read_text() != "{}\n"


@needs_landlock
def test_what_the_host_is_told_may_be_run_and_written_by_its_stand_ins(host: Path, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho x >" + str(tmp_path / "cache" / "x"), encoding="utf-8")
    tool.chmod(0o700)
    (tmp_path / "cache").mkdir()
    _stand_in(host, "snap", f"exec {tool}")
    assert _run(host, "snap").returncode == 126
    fence.prepare(host, may_run=[tool], may_write=[tmp_path / "cache"])
    assert _run(host, "snap").returncode == 0
    assert (tmp_path / "cache" / "x").exists()
