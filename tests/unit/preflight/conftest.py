"""A host whose programs are scripts that say what a test wants."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sdg.preflight.model import Subject
from sdg.preflight.stack import problems
from sdg.settings.parse import check

OWNER = "sdg/lab"
GIB = 1024 * 1024  # KiB
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/nvme0n1p2 {total} 1 {free} 5% /\n"
FREE = "        total used free shared buff/cache available\nMem:   {mib}  1 1 1 1 1\nSwap:  0 0 0\n"
LISTEN = 'LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* users:(("{name}",pid=4711,fd=7))\n'


@dataclass
class FakeHost:
    """A folder of programs that is the whole PATH; each prints what it is told, and exits as it is told."""

    bin: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def says(self, program, text="", code=0, script=None):
        path = self.bin / program
        body = script if script is not None else f"cat <<'EOF'\n{text}\nEOF\nexit {code}"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def lacks(self, program):
        (self.bin / program).unlink()

    def has_disk(self, free, snaps=None):
        """GiB free, and GiB free where snaps lie: on the same disk where it is None, and without a folder of their own."""
        home, other = (DF.format(total=1000 * GIB, free=gib * GIB) for gib in (free, free if snaps is None else snaps))
        missing = "echo df: /var/snap: No such file or directory >&2; exit 1" if snaps is None else f"cat <<'EOF'\n{other}EOF"
        self.says("df", script=f"case $2 in\n/var/snap) {missing}\n;;\n/var) cat <<'EOF'\n{other}EOF\n;;\n*) cat <<'EOF'\n{home}EOF\nesac")

    def has_memory(self, mib):
        self.says("free", FREE.format(mib=mib))

    def listens(self, *ports, name):
        self.says("ss", "".join(LISTEN.format(port=port, name=name) for port in ports))

    def has_snapd(self, version):
        self.says("snap", script=f'[ "$1" = version ] && echo "snapd {version}"')

    def has_microk8s(self, mark=""):
        """Installed, and marked as that stack's."""
        owned = f'echo "{mark}"' if mark else "exit 1"
        self.says("snap", script=f'case "$1" in version) echo "snapd 2.71";; list) exit 0;; get) {owned};; esac')

    def found(self, project=None, **sections):
        """What is said, by the check that fails."""
        read = self.sections(forward={"enabled": False}, **sections)
        subject = Subject(read, owner=OWNER, environ=self.environ, project=project or self.home)
        return {finding.check: str(finding) for finding in problems(subject)}

    @staticmethod
    def sections(**sections):
        """Settings of a stack on MicroK8s."""
        read, wrong = check({"cluster": {"kind": "microk8s", "kubeconfig": "kubeconfig", **sections.pop("cluster", {})}, **sections})
        assert wrong == []
        return read


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host that fits: Ubuntu, 64 GB, 16 cores, nobody listens, no MicroK8s, two GPUs with a driver of today."""
    made = FakeHost(tmp_path / "bin", tmp_path / "home")
    for folder in (made.bin, made.home):
        folder.mkdir()
    for name in ("sh", "cat", "head", "sleep"):
        (made.bin / name).symlink_to(shutil.which(name))
    made.says("uname", "Linux")
    made.says("lsb_release", "Ubuntu")
    made.says("sudo", script='[ "$1" = -n ] && shift; exec "$@"')
    made.says("true")
    made.has_disk(800)
    made.says("nproc", "16")
    made.has_memory(64 * 1024)
    made.listens(22, name="sshd")
    made.has_snapd("2.71")
    made.says("nvidia-smi", "570.172.08\n570.172.08")
    made.says("find", script='echo "$2"')
    made.environ = {"PATH": str(made.bin), "HOME": str(made.home)}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return made
