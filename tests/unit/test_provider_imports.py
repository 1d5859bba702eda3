"""What the dynamic provider's threads import at the same time."""

from __future__ import annotations

import subprocess
import sys

CONFIGURED = """
import sys
from pulumi.dynamic import Config, ConfigureRequest
from sdg.gates.cluster import ClusterRecord
ClusterRecord().configure(ConfigureRequest(Config({}, "sdg")))
before = set(sys.modules)
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
try:
    KubernetesApi.connect(Connection("current-context: none"))
except Exception:
    pass
print(*sorted(set(sys.modules) - before))
"""


def test_a_gate_imports_no_package_once_it_works_beside_providers_that_are_still_being_loaded():
    run = subprocess.run([sys.executable, "-c", CONFIGURED], check=True, capture_output=True, text=True)
    packages = {name for name in run.stdout.split() if "." in name}
    assert not packages, f"another thread may see these half loaded: {sorted(packages)}"
