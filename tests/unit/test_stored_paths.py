"""The state of every stack holds dotted paths of provider classes: moving one breaks `destroy` of stacks that exist."""

import base64
import importlib
import pkgutil

import dill
import pytest
from pulumi.dynamic import ResourceProvider

import components
import sdg

STORED = [
    "components.cluster.azure.data_lock.DataLockProvider",
    "components.cluster.azure.stable_subscription.StableSubscriptionProvider",
    "components.cluster.kubeconfig_entry.KubeconfigEntryProvider",
    "components.cluster.stable_name.StableNameProvider",
    "components.forward.ForwardProvider",
    "components.generated.GeneratedSecretProvider",
    "components.inference.nim_operator.gone.NimsGoneProvider",
    "components.key_backup.KeyBackupProvider",
    "components.osmo.drain.DrainProvider",
    "components.osmo.adopted.AdoptedProvider",
    "components.osmo.backend_token.BackendTokenProvider",
    "components.osmo.database.DatabaseProvider",
    "components.osmo.release_line.ReleaseLineProvider",
    "components.osmo.token.OperatorTokenProvider",
    "components.ownership.OwnershipProvider",
    "components.remains.RemainsProvider",
    "components.platform.runtime_class.RuntimeClassProvider",
    "sdg.gates.access.AccessRecord",
    "sdg.gates.cluster.ClusterRecord",
    "sdg.gates.downloads.DownloadsRecord",
    "sdg.gates.inference.InferenceRecord",
    "sdg.gates.kai.KaiRecord",
    "sdg.gates.osmo.OsmoRecord",
    "sdg.gates.resource.VerdictProvider",
    "sdg.gates.service.ServiceRecord",
    "sdg.gates.smoke.SmokeRecord",
]

BASES = {
    "components.at_destroy.AtDestroyProvider",
    "components.cluster.given_once.GivenOnceProvider",
    "components.provider.ClusterProvider",
    "sdg.gates.resource.RecordProvider",
}


@pytest.mark.parametrize("path", STORED)
def test_a_stored_provider_is_found_where_it_always_was(path):
    module, _, name = path.rpartition(".")
    provider = getattr(importlib.import_module(module), name)()
    assert type(provider).__module__ == module


@pytest.mark.parametrize("path", STORED)
def test_the_state_holds_a_providers_name_and_nothing_of_its_code(path):
    module, _, name = path.rpartition(".")
    provider = getattr(importlib.import_module(module), name)()
    stored = base64.b64encode(dill.dumps(provider, protocol=4, recurse=True))
    assert len(stored) < 150


def test_every_provider_of_the_product_is_listed():
    for package in (components, sdg):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found = {f"{cls.__module__}.{cls.__name__}" for cls in _below(ResourceProvider)}
    ours = {path for path in found if path.startswith(("components.", "sdg."))}
    assert ours - BASES == set(STORED)


def _below(cls):
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)
