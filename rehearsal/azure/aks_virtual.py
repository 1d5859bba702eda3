"""The rehearsal's virtual cluster as AKS' control plane: started and taken away by the daemon itself."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from rehearsal.api import Api
from rehearsal.azure.aks_credentials import Server
from rehearsal.cluster import VirtualCluster
from rehearsal.pki import Pki
from rehearsal.state import StateDir, read_json
from rehearsal.tools import Tools


@dataclass(frozen=True, slots=True)
class VirtualAks:
    """The cluster of one state directory."""

    state: StateDir

    def start(self) -> None:
        """Brings it up without nodes; raises as `VirtualCluster.start` does."""
        VirtualCluster(self.state, Tools.locate()).start((), storage_class=False, daemon=False)

    def wipe(self) -> None:
        """Takes it away with everything in it."""
        VirtualCluster(self.state, Tools.locate()).wipe(daemon=False)

    def api(self) -> Api:
        """Its API."""
        return Api.of_kubeconfig(self.state.kubeconfig, Pki(self.state.pki).authority)

    def kubelet_port(self) -> int:
        """The port of its kubelets."""
        return int(str(read_json(self.state.ports)["kubelet"]))

    def server(self) -> Server:
        """How it is reached."""
        config = yaml.safe_load(self.state.kubeconfig.read_text())
        pki = Pki(self.state.pki)
        return Server(config["clusters"][0]["cluster"]["server"], pki.authority.read_bytes(), pki.token())
