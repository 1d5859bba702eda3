"""The rehearsal's azure-native plugin: there is no simulated Azure yet, so nothing of Azure can be rehearsed."""

from __future__ import annotations

from rehearsal.plugins.refusing import RefusingProvider
from rehearsal.plugins.servicer import main


class AzureNative(RefusingProvider):
    """Stands where the official plugin would, so that a rehearsal can never reach Azure."""

    version = "3.29.0"
    sentence = "a rehearsal has no Azure yet and never talks to the real one; deploy this stack outside the rehearsal"


if __name__ == "__main__":
    main(AzureNative)
