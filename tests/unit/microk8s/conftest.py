"""A host for the commands of MicroK8s: they are run by a real shell, against programs that keep their state in files."""

import shutil
import subprocess
from pathlib import Path

import pytest

# each line of `calls` is one call; `sudo` says so, and refuses without -n
PROGRAMS = {
    "sudo": """
[ "$1" = -n ] || exit 9
shift
[ ! -e "$STATE/locked" ] || { echo 'sudo: a password is required' >&2; exit 1; }
AS_ROOT=yes exec "$@"
""",
    "snap": """
echo "snap $*" >>"$STATE/calls"
case "$1" in
list)
  [ -e "$STATE/channel" ] || { echo 'error: no matching snaps installed' >&2; exit 1; }
  echo 'Name      Version  Rev   Tracking     Publisher   Notes'
  echo "microk8s  v1.31.1  7300  $(cat "$STATE/channel")  canonical   classic"
  exit ;;
esac
[ "$AS_ROOT" = yes ] || { echo 'error: access denied' >&2; exit 1; }
case "$1" in
install)
  [ ! -e "$STATE/broken" ] || { echo 'error: cannot perform the following tasks' >&2; exit 1; }
  for word; do case "$word" in --channel=*) echo "${word#*=}" >"$STATE/channel" ;; esac; done
  [ ! -e "$STATE/killed" ] || exit 143 ;;
refresh) for word; do case "$word" in --channel=*) echo "${word#*=}" >"$STATE/channel" ;; esac; done ;;
get) cat "$STATE/$3" ;;
set) echo "${3#*=}" >"$STATE/${3%%=*}" ;;
unset) shift 2 && for key; do rm -f "$STATE/$key"; done ;;
remove) rm -f "$STATE/channel" "$STATE/sdg.stack" "$STATE/sdg.member" "$STATE/addons" ;;
esac
""",
    "microk8s": """
echo "microk8s $*" >>"$STATE/calls"
[ "$AS_ROOT" = yes ] || { echo 'Insufficient permissions to access MicroK8s.'; exit 1; }
case "$1" in
status)
  [ ! -e "$STATE/stopped" ] && [ ! -e "$STATE/down" ] || {
    echo 'microk8s is not running. Use microk8s inspect for a deeper inspection.'
    exit
  }
  printf 'microk8s is running\\naddons:\\n'
  for addon in $(cat "$STATE/addons"); do echo "core/$addon: enabled"; done
  for addon in dns rbac minio; do grep -qx "$addon" "$STATE/addons" || echo "core/$addon: disabled"; done ;;
start) rm -f "$STATE/stopped" ;;
enable)
  [ "$2" = nvidia ] || { shift; printf '%s\\n' "$@" >>"$STATE/addons"; exit; }
  while [ $# -gt 0 ]; do [ "$1" != --gpu-operator-values ] || cp "$2" "$STATE/values"; shift; done
  [ -e "$STATE/broken" ] || touch "$STATE/operator" ;;
disable) rm -f "$STATE/operator" ;;
helm3)
  case "$2" in
  status) [ -e "$STATE/operator" ] ;;
  list) [ ! -e "$STATE/operator" ] || echo gpu-operator ;;
  esac ;;
kubectl) [ "$2" != get ] || cat "$STATE/default-class" ;;
config) echo "kubeconfig $2" ;;
esac
""",
    "nvidia-smi": """
[ -e "$STATE/driver" ] || { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9; }
cat "$STATE/driver"
""",
    "gpasswd": 'echo "gpasswd $*" >>"$STATE/calls"',
    "usermod": 'echo "usermod $*" >>"$STATE/calls"',
    "id": 'case "$1" in -un) echo ana ;; -nG) cat "$STATE/groups" ;; -u) cat "$STATE/uid" ;; esac',
}
TOOLS = ("cat", "cp", "grep", "mkdir", "mktemp", "rm", "touch", "true", "sh")


class Host:
    """A host whose programs are the ones above."""

    def __init__(self, folder: Path):
        self.state, self.bin, self.home = folder / "state", folder / "bin", folder / "home"
        for part in (self.state, self.bin, self.home):
            part.mkdir()
        for name, text in PROGRAMS.items():
            (self.bin / name).write_text(f"#!{shutil.which('sh')}\n{text}")
            (self.bin / name).chmod(0o755)
        for name in TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        self.has(addons="ha-cluster\nhelm3\n", groups="ana adm\n", uid="1000\n", **{"default-class": ""})

    def has(self, **files):
        for name, text in files.items():
            (self.state / name).write_text(text)

    def lacks(self, *names):
        for name in names:
            (self.state / name).unlink(missing_ok=True)

    def says(self, name):
        path = self.state / name
        return path.read_text().strip() if path.exists() else None

    def run(self, command):
        environment = {"PATH": str(self.bin), "HOME": str(self.home), "STATE": str(self.state), "TMPDIR": str(self.home), "AS_ROOT": ""}
        return subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)

    def do(self, command):
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, command):
        done = self.run(command)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def changes(self):
        """The calls so far that change something, in order; forgets them."""
        calls = (self.says("calls") or "").splitlines()
        self.lacks("calls")
        looks = ("snap list", "snap get", "snap watch", "microk8s status", "microk8s helm3", "microk8s kubectl get")
        return [call for call in calls if not call.startswith(looks)]


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)
