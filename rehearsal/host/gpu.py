"""The addon `nvidia`: installs the GPU operator's chart, as MicroK8s' own script does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rehearsal.host.calls import Answer, Host, refused

RELEASE: Final = "gpu-operator"
NAMESPACE: Final = "gpu-operator-resources"
REPOSITORY: Final = "https://helm.ngc.nvidia.com/nvidia"
DEFAULT_VERSION: Final = "v24.6.2"
DRIVERS: Final = ("auto", "operator", "host")
_OPTIONS: Final = ("--gpu-operator-driver", "--gpu-operator-version", "--gpu-operator-values", "--gpu-operator-toolkit-version")

Tool = Callable[..., Answer]


@dataclass(frozen=True)
class GpuAddon:
    """The addon on one host.

    Attributes:
        tool: runs `helm` on the cluster.
        enable_addon: enables an addon that this one needs.
    """

    host: Host
    tool: Tool
    enable_addon: Callable[[str], Answer]

    def enable(self, arguments: tuple[str, ...]) -> Answer:
        """Installs the operator. Ends well even when Helm does not, as the real script does: whoever calls must look."""
        chosen = _options(arguments)
        if isinstance(chosen, Answer):
            return chosen
        driver = chosen.get("--gpu-operator-driver", "auto")
        if driver == "auto":
            driver = "host" if self._host_has_driver() else "operator"
        said = [self.enable_addon(name) for name in ("dns", "helm3")]
        version = chosen.get("--gpu-operator-version", DEFAULT_VERSION)
        values = self._values(chosen.get("--gpu-operator-values"))
        said.append(Answer(f'"nvidia" has been added to your repositories\nDeploy NVIDIA GPU operator\nUsing {driver} GPU driver\n'))
        chart = (RELEASE, f"--repo={REPOSITORY}", f"--version={version}")
        helm = ("install", RELEASE, *chart, "--create-namespace", f"--namespace={NAMESPACE}", "-f", "-", *values)
        installed = self.tool("helm", helm, json.dumps(_settings(driver)))
        if installed.code == 0:
            self.host.machine.addons.append("nvidia")
        said += [installed, Answer("Deployed NVIDIA GPU operator\n")]
        return Answer("".join(part.out for part in said), "".join(part.err for part in said))

    def disable(self) -> Answer:
        """Uninstalls the operator, and leaves its namespace and definitions, as the real script does."""
        gone = self.tool("helm", ("uninstall", RELEASE, f"--namespace={NAMESPACE}"))
        if "nvidia" in self.host.machine.addons:
            self.host.machine.addons.remove("nvidia")
        return Answer(f"Disabling NVIDIA support\n{gone.out}NVIDIA support disabled\n", gone.err)

    def _values(self, file: str | None) -> tuple[str, ...]:
        """Helm's option for a file of the host; one that the host does not have keeps a name that nobody has."""
        if file is None:
            return ()
        path = (self.host.folder / "home" / file).resolve()
        inside = path.is_relative_to(self.host.folder.resolve())
        return "--values", str(path) if inside else f"/nonexistent{path}"

    def _host_has_driver(self) -> bool:
        fault = self.host.fault("host.driver")
        return self.host.machine.host.gpu is not None and (fault is None or bool(fault.get("version")))


def _settings(driver: str) -> dict[str, Any]:
    """What the addon tells the chart by itself."""
    return {"driver": {"enabled": driver == "operator"}, "toolkit": {"enabled": True, "env": [_DEFAULT_RUNTIME]}}


_DEFAULT_RUNTIME: Final = {"name": "CONTAINERD_SET_AS_DEFAULT", "value": "1"}


_USAGE: Final = """\
Usage: enable [OPTIONS] [[|force-operator-driver|force-system-driver]]
Try 'enable --help' for help.

"""


def _options(arguments: tuple[str, ...]) -> dict[str, str] | Answer:
    """The addon's options, or why they cannot be used."""
    chosen: dict[str, str] = {}
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while words:
        option = words.pop(0)
        if option not in _OPTIONS:
            return refused(f"{_USAGE}Error: No such option: {option}", 2)
        if not words:
            return refused(f"Error: Option '{option}' requires an argument.", 2)
        chosen[option] = words.pop(0)
    driver = chosen.get("--gpu-operator-driver", "auto")
    if driver not in DRIVERS:
        return refused(f"Error: Invalid value for '--gpu-operator-driver': '{driver}' is not one of 'auto', 'operator', 'host'.", 2)
    return chosen
