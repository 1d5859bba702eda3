"""MicroK8s once it is installed: who may call it, that it runs, its addons, its default StorageClass, its kubeconfig."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sdg.microk8s.script import Step, step
from sdg.microk8s.snap import MEMBER

READY_TIMEOUT: Final = 300
"""Seconds that MicroK8s gets to run, after its installation and once more after its addons."""

# `microk8s status` ends well whatever it has found, so that its text must be read
_STATUS: Final = """\
status=$(sudo -n microk8s status --wait-ready --timeout "$timeout" --format short) || true
case "$status" in
*'microk8s is running'*) ;;
*) fail "MicroK8s does not run after $timeout s: ${status:-it said nothing}." 'Start it with: sudo microk8s start.' \\
  'If it does not come up, see why with: sudo microk8s inspect.' ;;
esac
"""
_MISSING: Final = """\
missing=''
for addon in $addons; do
  case "$status" in *"/$addon: enabled"* | *"
$addon: enabled"*) ;; *) missing="$missing $addon" ;; esac
done
"""
# a MicroK8s that was stopped stays so until it is told, beyond a restart of the host too
_START: Final = """\
case "$(sudo -n microk8s status --format short)" in *'microk8s is running'*) ;; *) sudo -n microk8s start >&2 || true ;; esac
"""
_RUNNING: Final = _START + _STATUS + "echo 'MicroK8s runs'\n"
_ENABLE: Final = _STATUS + _MISSING + '[ -z "$missing" ] || sudo -n microk8s enable $missing\n'
_COMPLETE: Final = (
    _STATUS
    + _MISSING
    + """\
[ -z "$missing" ] || fail "MicroK8s lacks addons that the stack needs:$missing." "Enable them with: sudo microk8s enable$missing"
echo "MicroK8s runs with $addons"
"""
)
# who was a member before stays one
_JOIN: Final = """\
user=$(id -un)
case " $(id -nG "$user") " in *" $group "*) exit 0 ;; esac
[ "$(id -u)" != 0 ] || exit 0
sudo -n snap set microk8s "$member=$user"
sudo -n usermod --append --groups "$group" "$user"
"""
_LEAVE: Final = """\
user=$(id -un)
[ "$(sudo -n snap get microk8s "$member" 2>/dev/null)" = "$user" ] || exit 0
case " $(id -nG "$user") " in *" $group "*) sudo -n gpasswd --delete "$user" "$group" >&2 ;; esac
sudo -n snap unset microk8s "$member"
"""
# the filter finds none where no class is the default
_DEFAULT_CLASS: Final = """\
default=$(sudo -n microk8s kubectl get storageclass -o "jsonpath=$defaults")
[ -n "$default" ] || sudo -n microk8s kubectl annotate --overwrite storageclass "$wanted" "$annotation=true"
"""
_IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"


def member(group: str) -> Step:
    """The login user as a member of the group that may call `microk8s`; root needs none. Counts from the next login on.

    A user who was added is noted in the snap's configuration, and taken out again at the end.
    """
    return step(_JOIN, delete=_LEAVE, group=group, member=MEMBER)


def running(triggers: tuple[str, ...]) -> Step:
    """MicroK8s runs, started if it was stopped, or the step fails with what it says."""
    return step(_RUNNING, triggers=triggers, timeout=str(READY_TIMEOUT))


def addons(names: Sequence[str]) -> Step:
    """The addons, in one call that names only those that are off. They stay as long as MicroK8s does."""
    return step(_ENABLE, timeout=str(READY_TIMEOUT), addons=" ".join(names))


def complete(names: Sequence[str], triggers: tuple[str, ...]) -> Step:
    """MicroK8s runs and its addons are on, or the step fails with those that are off and how to turn them on."""
    return step(_COMPLETE, triggers=triggers, timeout=str(READY_TIMEOUT), addons=" ".join(names))


def default_class(name: str) -> Step:
    """A default StorageClass: the one that is, else this one."""
    escaped = _IS_DEFAULT.replace(".", r"\.")
    defaults = f'{{.items[?(@.metadata.annotations.{escaped}=="true")].metadata.name}}'
    return step(_DEFAULT_CLASS, defaults=defaults, annotation=_IS_DEFAULT, wanted=name)


def kubeconfig(*, here: bool) -> Step:
    """Prints the administrator's kubeconfig.

    Args:
        here: whether it is used on MicroK8s' own host. It names the loopback address then, which no network takes away.
    """
    return step('sudo -n microk8s config ${option:+"$option"}\n', secret=True, option="--use-loopback" if here else "")
