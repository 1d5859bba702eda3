"""What may go wrong and is said in one sentence; anything else is a defect of ours and shows its traceback."""

from __future__ import annotations

from typing import Final

from cli.derived import NotRehearsable
from cli.faults import FaultError
from cli.init import InitError
from cli.keys import KeysError
from cli.prices import NotOnAzureError
from cli.project import NotAFolderError
from cli.pulumi import PulumiError
from cli.recover import AtWorkError
from cli.secrecy import SecretInPlainError
from cli.smoke import NoClusterError
from cli.stack_file import StackFileError
from cli.workload import SpecMissingError
from rehearsal.cluster import StartFailed
from rehearsal.fence import FenceError
from rehearsal.processes import ProcessEnded
from rehearsal.tools import ToolMissing
from sdg.azure.prices import PricesError
from sdg.catalog.vm_sizes import UnknownSize
from sdg.catalog.workloads import ContainerOnly, UnknownWorkload
from sdg.charts.digests import DigestChangedError, DigestsUnreadableError
from sdg.charts.download import DownloadFailedError
from sdg.charts.pull import PullFailedError
from sdg.forward.errors import ForwardTimeoutError, PortTaken
from sdg.keys.vault import VaultError
from sdg.kube.errors import KubeError
from sdg.osmo.errors import OsmoError
from sdg.osmo_cli.errors import OsmoCliError
from sdg.settings.errors import SettingsError
from sdg.settings.kubeconfig import KubeconfigError
from sdg.workload.clone import FetchFailedError

EXPECTED: Final = (
    AtWorkError,
    ContainerOnly,
    DigestChangedError,
    DigestsUnreadableError,
    DownloadFailedError,
    StartFailed,
    FaultError,
    FetchFailedError,
    FenceError,
    ForwardTimeoutError,
    InitError,
    KeysError,
    KubeError,
    KubeconfigError,
    NoClusterError,
    NotAFolderError,
    NotOnAzureError,
    NotRehearsable,
    OsmoCliError,
    OsmoError,
    PortTaken,
    PricesError,
    ProcessEnded,
    PullFailedError,
    PulumiError,
    SecretInPlainError,
    SettingsError,
    SpecMissingError,
    StackFileError,
    ToolMissing,
    UnknownSize,
    UnknownWorkload,
    VaultError,
)
