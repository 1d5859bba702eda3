"""The snap: installed by a stack, marked as that stack's, and removed by no other.

The mark is the snap's own configuration, `snap get microk8s sdg.stack`, which disappears with the installation that it speaks of. A file in
the user's state folder stands in for it while the installation is under way, since snapd goes on with one whose client was killed.
"""

from __future__ import annotations

from typing import Final

from sdg.microk8s.script import Step, step

MARK: Final = "sdg.stack"
MEMBER: Final = "sdg.member"
"""The snap's own note of the user that a stack added to its group."""
BEGUN: Final = "${XDG_STATE_HOME:-$HOME/.local/state}/sdg/microk8s.begun"
"""That file, as a shell knows it."""
STRICT: Final = "-strict/"

OWNERSHIP: Final = (
    f'begun="{BEGUN}"\n'
    """\
installed() { snap list microk8s >/dev/null 2>&1; }
owner() { sudo -n snap get microk8s "$mark" 2>/dev/null || true; }
ours() { [ "$(owner)" = "$stack" ] || [ "$(cat "$begun" 2>/dev/null)" = "$stack" ]; }
"""
)
_INSTALL: Final = """\
command -v snap >/dev/null || fail 'snap is missing on this host: install snapd (sudo apt-get install snapd), then try again.'
sudo -n true || fail 'sudo asks for a password on this host, and nobody is there to type it: allow this user sudo without one.'
if [ -e "$begun" ]; then sudo -n snap watch '--last=install?' >/dev/null 2>&1 || true; fi
if ! installed; then
  mkdir -p "${begun%/*}"
  printf '%s\\n' "$stack" >"$begun"
  sudo -n snap install microk8s ${classic:+"$classic"} --channel="$channel"
elif ! ours; then
  found=$(owner)
  fail "MicroK8s is installed on this host already, by ${found:-something other than a stack of this program}, not by $stack." \\
    'To use it as it is, set sdg:cluster.adopt to true: destroy then leaves it. To have this stack install its own,' \\
    'first remove the one that is there: sudo snap remove microk8s.'
fi
[ "$(owner)" = "$stack" ] || sudo -n snap set microk8s "$mark=$stack"
rm -f "$begun"
"""
# a cut-off name ends in an ellipsis
_FOLLOW: Final = """\
tracked=$(snap list microk8s | while read -r name _ _ tracking _; do [ "$name" != microk8s ] || printf '%s' "$tracking"; done)
case "$channel" in "${tracked%…}"*) exit 0 ;; esac
minor() { rest=${1#*.}; rest=${rest%%[!0-9]*}; printf '%s' "${rest:-0}"; }
from=$(minor "$tracked") to=$(minor "$channel")
[ "$to" -ge "$from" ] || fail "MicroK8s cannot go back from $tracked to $channel: set sdg:cluster.channel to $tracked or a newer one."
[ "$to" -le $((from + 1)) ] || fail "MicroK8s moves by one minor version at a time, and $tracked to $channel is more:" \\
  "set sdg:cluster.channel to the one that follows $tracked first."
sudo -n snap refresh microk8s --channel="$channel"
"""
_REMOVE: Final = """\
if ! installed; then rm -f "$begun"; exit 0; fi
if ours; then
  sudo -n snap remove microk8s --purge
  rm -f "$begun"
else
  printf '%s\\n' "MicroK8s stays on this host: it is not marked as installed by $stack." >&2
fi
"""
_DISOWN: Final = """\
command -v snap >/dev/null && installed || fail 'There is no MicroK8s on this host to adopt.' \\
  'Set sdg:cluster.adopt to false, and the stack installs one.'
[ "$(owner)" != "$stack" ] || sudo -n snap unset microk8s "$mark" "$member"
rm -f "$begun"
"""


def installed(stack: str, channel: str) -> Step:
    """MicroK8s from a channel; refuses one that something else installed.

    Args:
        stack: who installs, as the mark says it.
        channel: such as "1.31/stable".
    """
    classic = "" if STRICT in channel else "--classic"
    return step(
        OWNERSHIP + _INSTALL + _FOLLOW,
        delete=OWNERSHIP + _REMOVE,
        stack=stack,
        mark=MARK,
        channel=channel,
        classic=classic,
    )


def adopted(stack: str, cluster: str) -> Step:
    """MicroK8s as it is found. A stack that installed it and now adopts it gives up the mark, so that nothing of it removes it any more."""
    return step(OWNERSHIP + _DISOWN, triggers=(cluster,), stack=stack, mark=MARK, member=MEMBER)


def group(channel: str) -> str:
    """The group whose members may call `microk8s` without sudo."""
    return "snap_microk8s" if STRICT in channel else "microk8s"
