"""GPUs on a host: its driver, and the operator that offers them to pods."""

from __future__ import annotations

import json
from typing import Final

from sdg.catalog.gpu_driver import DriverOwner, driver_values
from sdg.microk8s.script import Step, step
from sdg.microk8s.snap import MARK, OWNERSHIP
from sdg.platform.layout import GPU_OPERATOR_CRDS, GPU_OPERATOR_RELEASE, OURS

ADDON: Final = "nvidia"
NAMESPACE: Final = "gpu-operator-resources"
"""Where the addon installs the operator's release; it cannot be told another place."""

_DRIVER: Final = """\
remedy="Install a newer one (sudo ubuntu-drivers install) and restart, or set sdg:platform.gpuOperator.driver to operator."
command -v nvidia-smi >/dev/null || fail "The host has no GPU driver: nvidia-smi is missing. Needed is version $minimum or newer. $remedy"
found=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader) || fail "The GPU driver does not answer: $found" \\
  "Needed is version $minimum or newer. $remedy"
[ -n "$found" ] || fail "nvidia-smi lists no GPU on this host. Set sdg:cluster.gpus to 0, or see what became of the GPUs with: lspci"
for version in $found; do
  case "${version%%.*}" in *[!0-9]* | '') fail "nvidia-smi names no driver version, but: $found" ;; esac
  [ "${version%%.*}" -ge "$minimum" ] || fail "The host's GPU driver is $version; needed is $minimum or newer. $remedy"
  echo "GPU driver $version"
done
"""
# the addon succeeds whatever Helm says, and its own status follows only once the operator has met a GPU
_FOUND: Final = """\
known() { sudo -n microk8s helm3 status "$release" --namespace "$namespace" >/dev/null 2>&1; }
deployed() { [ -n "$(sudo -n microk8s helm3 list --namespace "$namespace" --deployed --short --filter "$release")" ]; }
"""
_ENABLE: Final = """\
if deployed; then exit 0; fi
! known || sudo -n microk8s disable "$addon"
# made while no GPUs were planned: the operator brings its own, and the API server lets nobody change a handler
sudo -n microk8s kubectl delete runtimeclass --selector "$ours" --ignore-not-found
file=$(mktemp)
trap 'rm -f "$file"' EXIT
printf '%s' "$values" >"$file"
sudo -n microk8s enable "$addon" --gpu-operator-driver "$driver" --gpu-operator-version "$version" --gpu-operator-values "$file"
deployed || fail "The addon $addon was enabled, and no GPU operator was installed: what Helm said about it stands above."
"""
# the addon leaves its namespace and its kinds. A MicroK8s that the stack adopts by now keeps its GPUs
_DISABLE: Final = """\
ours || exit 0
if known; then sudo -n microk8s disable "$addon"; fi
sudo -n microk8s kubectl delete namespace "$namespace" --ignore-not-found
sudo -n microk8s kubectl delete customresourcedefinition $definitions --ignore-not-found
"""


def driver(minimum: int) -> Step:
    """The host's GPU driver is there and new enough.

    Args:
        minimum: oldest major version that will do.
    """
    return step(_DRIVER, minimum=str(minimum))


def operator(owner: DriverOwner, version: str, *, stack: str, cluster: str) -> Step:
    """The GPU operator, by MicroK8s' addon. A change of owner or version takes it down and installs it again: the addon changes nothing.

    Args:
        owner: who owns the GPU driver; the chart gets every value that follows from it.
        version: of the operator's chart.
        stack: whose mark MicroK8s must have for the operator to be taken down.
        cluster: the cluster's stable name.
    """
    values = json.dumps(driver_values(owner))
    return step(
        _FOUND + _ENABLE,
        delete=OWNERSHIP + _FOUND + _DISABLE,
        triggers=(cluster, owner, version, values),
        addon=ADDON,
        namespace=NAMESPACE,
        release=GPU_OPERATOR_RELEASE,
        definitions=" ".join(GPU_OPERATOR_CRDS),
        stack=stack,
        mark=MARK,
        driver=owner,
        version=version,
        values=values,
        ours=",".join(f"{key}={value}" for key, value in OURS.items()),
    )
