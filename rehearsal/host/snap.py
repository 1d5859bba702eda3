"""`snap`: installs MicroK8s on the host, follows its channels, removes it.

The words are those of snapd 2.6x (its `cmd/snap/error.go` and the store's answers).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rehearsal.host.calls import Answer, Call, Host, refused, unknown
from rehearsal.host.machine import Machine, Snap

NAME: Final = "microk8s"
TRACKS: Final = ("1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34")
RISKS: Final = ("stable", "candidate", "beta", "edge")
DEFAULT: Final = "1.32/stable"  # what the track `latest` leads to
FIRST_REVISION: Final = 7000
_KNOWN: Final = ("version", "list", "info", "install", "refresh", "remove", "watch", "get", "set", "unset", "saved")
_CHANGES: Final = {"install", "refresh", "remove", "get", "set", "unset", "watch"}


@dataclass(frozen=True)
class Snapd:
    """snapd, as far as MicroK8s needs it.

    Attributes:
        started: MicroK8s is to come up.
        removed: its cluster is to go, with everything in it.
    """

    host: Host
    started: Callable[[], None]
    removed: Callable[[], None]

    def answer(self, call: Call) -> Answer:
        """What `snap` says and does."""
        verb, *rest = call.arguments or ("",)
        names = [argument for argument in rest if not argument.startswith("-")]
        if verb not in _KNOWN:
            return refused(f"error: unknown command \"{verb}\", see 'snap help'.") if verb else unknown(call, _KNOWN)
        if verb in _CHANGES and not call.root:
            return refused("error: access denied (try with sudo)")
        actions: dict[str, Callable[[], Answer]] = {
            "version": self._version,
            "list": lambda: self._list(names),
            "info": lambda: self._info(names),
            "install": lambda: self._install(call, names),
            "refresh": lambda: self._refresh(call, names),
            "remove": lambda: self._remove(names, purge="--purge" in rest),
            "watch": Answer,
            "get": lambda: self._get(names),
            "set": lambda: self._set(names),
            "unset": lambda: self._unset(names),
            "saved": self._saved,
        }
        return actions[verb]()

    @property
    def _machine(self) -> Machine:
        return self.host.machine

    def _version(self) -> Answer:
        return Answer("snap    2.71\nsnapd   2.71\nseries  16\nubuntu  24.04\nkernel  6.8.0-79-generic\n")

    def _list(self, names: list[str]) -> Answer:
        if not self._machine.snaps:
            return (
                refused("error: no matching snaps installed")
                if names
                else refused("No snaps are installed yet. Try 'snap install hello-world'.", 0)
            )
        if set(names) - set(self._machine.snaps):
            return refused("error: no matching snaps installed")
        rows = [("Name", "Version", "Rev", "Tracking", "Publisher", "Notes")]
        rows += [
            (name, version(snap), revision(snap), snap.channel, "canonical✓", _notes(snap)) for name, snap in self._machine.snaps.items()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return Answer(
            "".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)
        )

    def _info(self, names: list[str]) -> Answer:
        if names != [NAME]:
            return refused(f'warning: no snap found for "{" ".join(names)}"')
        channels = "".join(f"  {track}/{risk}:  v{track}.1 classic\n" for track in TRACKS for risk in RISKS)
        return Answer(
            f"name:      {NAME}\nsummary:   Kubernetes for workstations and appliances\npublisher: Canonical✓\nchannels:\n{channels}"
        )

    def _install(self, call: Call, names: list[str]) -> Answer:
        channel = call.value("--channel", DEFAULT)
        if answered := self._cannot_install(call, names, channel):
            return answered
        self._machine.snaps[NAME] = Snap(channel)
        self._machine.addons = ["ha-cluster", "helm", "helm3"]
        self.host.keep()
        self.host.links()
        self.started()
        return Answer(f"{NAME} ({channel}) {version(self._machine.snaps[NAME])} from Canonical✓ installed\n")

    def _cannot_install(self, call: Call, names: list[str], channel: str) -> Answer | None:
        if names != [NAME]:
            return refused(f'error: snap "{" ".join(names)}" not found')
        if NAME in self._machine.snaps:
            return refused(f"snap \"{NAME}\" is already installed, see 'snap help refresh'", 0)
        fault = self.host.fault("host.snap")
        wrong = _not_available(channel, "install")
        if not wrong and "--classic" not in call.arguments and "-strict" not in channel:
            wrong = _CLASSIC
        if not wrong and fault is not None:
            wrong = f"error: {fault.get('message', _DOWNLOAD_FAILED)}"
        return refused(wrong) if wrong else None

    def _refresh(self, call: Call, names: list[str]) -> Answer:
        channel = call.value("--channel")
        if names and (names != [NAME] or NAME not in self._machine.snaps):
            return refused(f'error: snap "{" ".join(names)}" is not installed')
        if not names or channel in {"", self._machine.snaps[NAME].channel}:
            return refused(f'snap "{NAME}" has no updates available' if names else "All snaps up to date.", 0)
        if wrong := _not_available(channel, "refresh"):
            return refused(wrong)
        self._machine.snaps[NAME].channel = channel
        self.host.keep()
        return Answer(f"{NAME} ({channel}) {version(self._machine.snaps[NAME])} from Canonical✓ refreshed\n")

    def _remove(self, names: list[str], *, purge: bool) -> Answer:
        if names != [NAME] or NAME not in self._machine.snaps:
            return refused(f'snap "{" ".join(names)}" is not installed', 0)
        self.removed()
        self._machine.forget_microk8s()
        if not purge:
            self._machine.snapshots.append(NAME)
        self.host.keep()
        self.host.links()
        return Answer(f"{NAME} removed\n" if purge else f"{NAME} removed (snap data snapshot saved)\n")

    def _get(self, names: list[str]) -> Answer:
        if not names or names[0] not in self._machine.snaps:
            return refused(f'error: snap "{names[0] if names else ""}" is not installed')
        config = self._machine.snaps[names[0]].config
        if len(names) == 1:
            return refused(f'error: snap "{names[0]}" has no configuration') if not config else Answer(_table(config))
        if names[1] not in config:
            return refused(f'error: snap "{names[0]}" has no "{names[1]}" configuration option')
        return Answer(f"{config[names[1]]}\n")

    def _set(self, names: list[str]) -> Answer:
        if not names or names[0] not in self._machine.snaps:
            return refused(f'error: cannot set configuration: snap "{names[0] if names else ""}" is not installed')
        for assignment in names[1:]:
            key, equals, value = assignment.partition("=")
            if not equals:
                return refused(f'error: invalid configuration: "{assignment}" (want key=value)')
            self._machine.snaps[names[0]].config[key] = value
        self.host.keep()
        return Answer()

    def _unset(self, names: list[str]) -> Answer:
        if not names or names[0] not in self._machine.snaps:
            return refused(f'error: cannot unset configuration: snap "{names[0] if names else ""}" is not installed')
        for key in names[1:]:
            self._machine.snaps[names[0]].config.pop(key, None)
        self.host.keep()
        return Answer()

    def _saved(self) -> Answer:
        rows = "".join(f"{index + 1}    {name}\n" for index, name in enumerate(self._machine.snapshots))
        return Answer(f"Set  Snap\n{rows}") if rows else refused("No snapshots found.", 0)


def version(snap: Snap) -> str:
    """Version of MicroK8s on a channel. The virtual cluster's own is another one, the same on every channel."""
    return f"v{snap.channel.partition('/')[0].removesuffix('-strict')}.1"


def revision(snap: Snap) -> str:
    """Revision of the snap on a channel."""
    return str(FIRST_REVISION + 100 * TRACKS.index(snap.channel.partition("/")[0].removesuffix("-strict")))


def _notes(snap: Snap) -> str:
    return "-" if "-strict" in snap.channel else "classic"


def _not_available(channel: str, action: str) -> str:
    track, _, risk = channel.partition("/")
    if track.removesuffix("-strict") in TRACKS and risk in RISKS:
        return ""
    table = "\n".join(f"  {known}/{risk or 'stable'}  snap {action} --channel={known}/{risk or 'stable'} {NAME}" for known in TRACKS)
    words = f'error: snap "{NAME}" is not available on {channel} but is available to install on the following\n       tracks:'
    warning = "Please be mindful that different tracks may include different features. Get more\ninformation with 'snap info microk8s'."
    return "\n\n".join([words, textwrap.indent(table, " " * 5), textwrap.indent(warning, " " * 7)])


def _table(config: dict[str, str]) -> str:
    return "Key  Value\n" + "".join(f"{key}  {value}\n" for key, value in config.items())


_CLASSIC: Final = """\
error: This revision of snap "microk8s" was published using classic confinement and thus may perform
       arbitrary system changes outside of the security sandbox that snaps are usually confined to,
       which may put your system at risk.

       If you understand and want to proceed repeat the command including --classic."""
_DOWNLOAD_FAILED: Final = 'cannot perform the following tasks:\n- Download snap "microk8s" (unexpected EOF)'
