"""What is built from Go modules: one family per `tools/<family>/go.mod`, as data.

Families cannot share a go.mod: their dependencies disagree on versions when joined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

MODULES = Path(__file__).resolve().parent.parent / "tools"
# no VCS stamp: a clone without git metadata (or with foreign ownership) must build the same binary
BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")
STRIP = "-s -w"


@dataclass(frozen=True)
class Found:
    """A tool that may be taken from PATH instead of being built.

    Attributes:
        ask: arguments that make it print its version.
        pattern: finds the version in what it prints; group 1.
        minimum: the oldest version that will do.
    """

    ask: tuple[str, ...]
    pattern: str
    minimum: str


@dataclass(frozen=True)
class Family:
    """Binaries that are built together from one go.mod.

    Attributes:
        name: names the cache directory.
        module: module whose version the binaries carry.
        packages: binary name → Go package.
        stamps: link-time variables (`-X`); `{version}`, `{major}`, `{minor}` are those of `module`.
        minutes: how long a cold build takes on two cores.
        directory: folder of `tools/` that holds the go.mod; the family's name unless given.
        on_path: when the one on PATH may be used instead.
    """

    name: str
    module: str
    packages: Mapping[str, str]
    minutes: float
    stamps: tuple[str, ...] = ()
    directory: str = ""
    on_path: Found | None = None

    @property
    def source(self) -> Path:
        """The directory of the family's go.mod."""
        return MODULES / (self.directory or self.name)

    @cached_property
    def version(self) -> str:
        """Version of the family's module as pinned in its go.mod, with the leading v."""
        pinned = re.search(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", (self.source / "go.mod").read_text(), re.MULTILINE)
        if pinned is None:
            raise LookupError(f"{self.source / 'go.mod'} does not require {self.module}.")
        return pinned[1]

    @property
    def link_flags(self) -> str:
        """The value of `-ldflags`."""
        major, minor = self.version.removeprefix("v").split(".")[:2]
        stamps = (stamp.format(version=self.version, major=major, minor=minor) for stamp in self.stamps)
        return " ".join([STRIP, *(f"-X {stamp}" for stamp in stamps)])

    @cached_property
    def key(self) -> str:
        """Cache key: changes with everything that the binaries depend on and with nothing else."""
        parts = [
            (self.source / "go.mod").read_text(),
            (self.source / "go.sum").read_text(),
            *BUILD_FLAGS,
            self.link_flags,
            *(f"{binary}={package}" for binary, package in sorted(self.packages.items())),
        ]
        return sha256("\0".join(parts).encode()).hexdigest()[:12]


_KUBERNETES_STAMPS = tuple(
    f"k8s.io/component-base/version.{variable}" for variable in ("gitVersion={version}", "gitMajor={major}", "gitMinor={minor}")
)

# in the order of the build: what others wait for first
FAMILIES: tuple[Family, ...] = (
    Family(
        name="pulumi",
        module="github.com/pulumi/pulumi/pkg/v3",
        packages={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        stamps=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",),
        minutes=3.5,
        on_path=Found(("version",), r"^v?(\d+\.\d+\.\d+)", "3.259.0"),
    ),
    Family(name="helm", module="helm.sh/helm/v3", packages={"helm": "helm.sh/helm/v3/cmd/helm"}, minutes=1.5),
    Family(name="etcd", module="go.etcd.io/etcd/server/v3", packages={"etcd": "go.etcd.io/etcd/server/v3"}, minutes=0.5),
    Family(name="kwok", module="sigs.k8s.io/kwok", packages={"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, minutes=1.5),
    Family(
        name="kubernetes",
        module="k8s.io/kubernetes",
        packages={name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")},
        stamps=_KUBERNETES_STAMPS,
        minutes=4.5,
    ),
    Family(
        name="kubectl",
        module="k8s.io/kubernetes",
        packages={"kubectl": "k8s.io/kubernetes/cmd/kubectl"},
        stamps=_KUBERNETES_STAMPS,
        minutes=1,
        directory="kubernetes",
        on_path=Found(("version", "--client", "--output=json"), r'"gitVersion":\s*"v(\d+\.\d+\.\d+)', "1.30.0"),
    ),
)


def family(name: str) -> Family:
    """The family of that name."""
    return next(known for known in FAMILIES if known.name == name)
