"""Runs the program under mocks, in a process of its own: `python -m cli.graph_alone STACKFILE`. Prints which modules of SDKs it loaded.

Nothing is known that a provider would compute, as in the preview of a first update; no engine runs, and nothing is asked of anybody.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from pulumi.runtime import config, mocks

from cli.project import PROJECT, ROOT

SDKS: Final = ("pulumi", "pulumi_azure_native", "pulumi_command", "pulumi_kubernetes")
NOBODY: Final = "00000000-0000-0000-0000-000000000001"
KUBECONFIG: Final = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "aks",
    "clusters": [{"name": "aks", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": "aks"}}],
    "users": [{"name": "aks", "user": {"token": "none"}}],
}
_CREDENTIALS: Final = {"kubeconfigs": [{"name": "aks", "value": base64.b64encode(json.dumps(KUBECONFIG).encode()).decode()}]}
ANSWERED: Final[Mapping[str, Mapping[str, Any]]] = {
    "getClientConfig": {"clientId": NOBODY, "objectId": NOBODY, "subscriptionId": NOBODY, "tenantId": NOBODY},
    "listDatabaseKeys": {"primaryKey": "none", "secondaryKey": "none"},
    "listManagedClusterAdminCredentials": _CREDENTIALS,
    "listManagedClusterUserCredentials": _CREDENTIALS,
    "listStorageAccountKeys": {"keys": [{"keyName": "key1", "value": "none"}]},
    "readStackResourceOutputs": {"outputs": {}},
}
"""What functions of the SDKs answer, by name."""
ACCOUNT: Final = {"ARM_SUBSCRIPTION_ID": NOBODY, "ARM_TENANT_ID": NOBODY}


class Answers(mocks.Mocks):
    """Answers as providers do before they made anything.

    Attributes:
        resources: registered so far.
    """

    def __init__(self) -> None:
        self.resources = 0

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources += 1
        return f"{args.name}-id", {**args.inputs, **_identity(args.inputs)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {**ANSWERED[args.token.rpartition(":")[2]]}, []


def _identity(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """ARM takes a list of identities, and answers with a map of them."""
    given = inputs.get("identity")
    if not isinstance(given, Mapping):
        return {}
    return {"identity": {**given, "userAssignedIdentities": {each: {} for each in given.get("userAssignedIdentities") or ()}}}


def run(file: Path) -> int:
    """Runs the program with a stack's file; returns the number of its resources."""
    said = yaml.safe_load(file.read_text())["config"]
    config.set_all_config({key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()})
    asyncio.set_event_loop(asyncio.new_event_loop())
    answers = Answers()
    mocks.set_mocks(answers, project=PROJECT, stack="azure", preview=True)
    pulumi.runtime.test(_program)()  # type: ignore[no-untyped-call]
    return answers.resources


def _program() -> None:
    # what it exports belongs to a stack, and there is none; whether the stack would be deployed is not asked
    setattr(pulumi, "export", lambda _name, _value: None)  # noqa: B010
    stack = __import__("sdg.preflight.stack", fromlist=["problems"])
    setattr(stack, "problems", lambda _subject: ())  # noqa: B010
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def main(arguments: list[str]) -> int:
    os.environ.update(ACCOUNT)
    os.chdir(ROOT)
    resources = run(Path(arguments[0]))
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] in SDKS)
    print(json.dumps({"resources": resources, "modules": loaded}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
