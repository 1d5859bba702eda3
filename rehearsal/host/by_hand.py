"""What a person did on the virtual host before the program came: for stacks that adopt a MicroK8s."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rehearsal.host import fence

_INSTALL: Final = """\
set -e
snap list microk8s >/dev/null 2>&1 || sudo -n snap install microk8s --classic --channel={channel}
sudo -n microk8s status --wait-ready --timeout 120 >/dev/null
sudo -n microk8s enable {addons}
"""
_GPUS: Final = """\
printf '%s' '{{"validator": {{"driver": {{"env": [{{"name": "DISABLE_DEV_CHAR_SYMLINK_CREATION", "value": "true"}}]}}}}}}' >values.json
sudo -n microk8s enable nvidia --gpu-operator-driver host --gpu-operator-version {version} --gpu-operator-values values.json
"""


def install_microk8s(folder: Path, channel: str, addons: Sequence[str], gpu_operator: str = "") -> None:
    """Installs MicroK8s with addons on a host, as its owner would.

    Args:
        folder: the host's folder.
        gpu_operator: version of the GPU operator that comes along; none when empty.

    Raises:
        subprocess.CalledProcessError: a command failed.
    """
    command = _INSTALL.format(channel=channel, addons=" ".join(addons)) + (_GPUS.format(version=gpu_operator) if gpu_operator else "")
    subprocess.run(
        fence.arguments(folder, command),
        env=fence.environment(folder, {}),
        cwd=fence.directory(folder, None),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
