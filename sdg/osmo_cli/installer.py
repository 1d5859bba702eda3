"""Installing the client without privileges: what its installer carries is unpacked, and the installer is never run.

The published installer for Linux takes no target: it writes to /usr/local through sudo (source: OSMO's own
`src/cli/packaging/linux/installer.sh`). It carries a tar archive behind a line of its own, with the program at `osmo/osmo`. The one for
macOS is a package that the system's installer has to install.
"""

from __future__ import annotations

import io
import platform
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sdg.catalog.versions import versions
from sdg.charts.digests import Digests, Recorded, refuse_changes, sha256
from sdg.charts.download import download
from sdg.osmo_cli.errors import OsmoCliError
from sdg.settings.mirror import Mirror

NAME: Final = "osmo"
_ARCHIVE: Final = b"\n__ARCHIVE_BELOW__\n"
_PROGRAM: Final = Path(NAME, NAME)


@dataclass(frozen=True, slots=True)
class Installer:
    """The installer of one version for one platform; `url` is where it is published."""

    version: str
    url: str

    @property
    def file_name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def is_package(self) -> bool:
        """Whether only the system's installer can install it."""
        return self.file_name.endswith(".pkg")


def installer(version: str, system: str | None = None, machine: str | None = None) -> Installer:
    """The installer for this machine, or for another one.

    Raises:
        OsmoCliError: none is published for it.
    """
    client = versions().osmo_cli
    wanted = f"{system or platform.system()}-{machine or platform.machine()}"
    if wanted not in client.platforms:
        raise OsmoCliError(
            f"OSMO's client is published for {', '.join(client.platforms)}, and this is {wanted}; use OSMO's UI or API instead."
        )
    return Installer(version, client.installer(version, wanted))


def fetch(wanted: Installer, folder: Path, mirror: Mirror) -> Path:
    """The installer in a folder, fetched if need be, compared with the record there and recorded when it is new.

    Raises:
        DownloadFailedError: it cannot be had.
        DigestChangedError: it is not what was recorded; nothing was overwritten.
        DigestsUnreadableError: the record cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digests = Digests.read(folder)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as staging:
        fetched = Path(staging) / wanted.file_name
        download(mirror.download(wanted.url), fetched)
        recorded = Recorded(name="osmo-cli", version=wanted.version, source=wanted.url, sha256=sha256(fetched))
        refuse_changes(digests, [(wanted.file_name, recorded)])
        fetched.replace(folder / wanted.file_name)
    if wanted.file_name not in digests.files:
        digests.with_files({wanted.file_name: recorded}).write(folder)
    return folder / wanted.file_name


def install(fetched: Path, version: str, folder: Path, target: Path) -> Path:
    """Unpack an installer for Linux below `folder` and link its program into `target`; returns the link.

    Raises:
        OsmoCliError: the installer is built in another way, or `target` holds an `osmo` that is not of this folder.
    """
    link = target / NAME
    if (link.exists() or link.is_symlink()) and not _ours(link, folder):
        raise OsmoCliError(f"{link} is there already and was not installed from here; remove it, or choose another --target.")
    program = _unpacked(fetched, folder / version) / _PROGRAM
    target.mkdir(parents=True, exist_ok=True)
    partial = target / f".{NAME}.partial"
    partial.unlink(missing_ok=True)
    partial.symlink_to(program)
    partial.replace(link)
    return link


def _unpacked(fetched: Path, home: Path) -> Path:
    """The folder with what the installer carries, whole: an older one of the same version gives way to it."""
    _, found, archive = fetched.read_bytes().partition(_ARCHIVE)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=home.parent) as staging:
        whole = Path(staging) / "whole"
        try:
            with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
                tar.extractall(whole, filter="data")
        except tarfile.TarError as error:
            raise _unknown(fetched, str(error) if found else "it carries no archive") from None
        if not (whole / _PROGRAM).is_file():
            raise _unknown(fetched, f"its archive holds no {_PROGRAM}")
        shutil.rmtree(home, ignore_errors=True)
        whole.rename(home)
    return home


def _unknown(fetched: Path, why: str) -> OsmoCliError:
    return OsmoCliError(f"{fetched} is no installer that can be unpacked ({why}); run it yourself: it installs into /usr/local with sudo.")


def _ours(link: Path, folder: Path) -> bool:
    return link.is_symlink() and link.readlink().is_relative_to(folder)
