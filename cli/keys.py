"""`sdg backup keys` and `sdg restore keys`: what retained data needs, out of a stack's state into a file, and back into a cluster."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cli.connection import api as api_of
from cli.pulumi import Engine
from sdg.keys import marker, vault
from sdg.keys.contents import data_of, fingerprint, manifest
from sdg.kube.api import KubernetesApi
from sdg.kube.connection import Connection
from sdg.kube.errors import KubeError, ObjectNotFoundError
from sdg.kube.objects import Ref, collection
from sdg.osmo.retained import promised
from sdg.platform.layout import OURS
from sdg.secrecy import unwrapped

PASSPHRASE: Final = "SDG_BACKUP_PASSPHRASE"  # noqa: S105 - a variable's name
HOLDER: Final = "dynamic/keys:Backup"

Ask = Callable[[str], str]
Say = Callable[[str], None]


class KeysError(RuntimeError):
    """Keys cannot be backed up or restored; the sentence says why."""


def backup(engine: Engine, out: Path, ask: Ask, say: Say) -> None:
    """Writes the keys of a deployed stack to a new file, and notes in its cluster that they were.

    Args:
        ask: asks for a new passphrase, where the environment holds none.

    Raises:
        KeysError, VaultError: there is nothing to back up, or the file or the passphrase will not do.
        PulumiError: there is no such stack.
        KubeError: the cluster does not answer, so that destroy would not know of the backup.
    """
    if out.exists():  # before a passphrase is asked for
        raise vault.VaultError(f"{out} exists, and a backup never replaces another file; choose another name")
    held = held_keys(json.loads(engine.ask("stack", "export", "--show-secrets")), engine.stack)
    api = KubernetesApi.connect(Connection.of(held["connection"]))
    noted = marker.read(api)
    passphrase = _passphrase(ask)
    if problem := vault.passphrase_problem(passphrase):
        raise KeysError(problem)
    made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    vault.write(out, vault.Backup(engine.stack, made, held["lasting"], held["passing"]), passphrase)
    say(f"wrote {out}: {', '.join([*held['lasting'], *held['passing']])}")
    note = marker.Marker(fingerprint(held["lasting"]), made, str(out.resolve()), socket.gethostname())
    try:
        marker.write(api, note)
    except KubeError as error:
        raise KeysError(f"{out} is whole, but the cluster could not be told of it ({error}), so destroy would ask again") from error
    instead = f", in place of {noted}" if noted else ""
    say(f"noted in {marker.REF}{instead}")
    say("keep the file and its passphrase apart, and neither of them on this cluster")


def restore(engine: Engine, file: Path, ask: Ask, say: Say, *, any_stack: bool = False) -> None:
    """Puts the keys of a file into the stack's cluster, where the next update takes them over.

    Args:
        any_stack: whether a file of another stack will do.

    Raises:
        KeysError: the file is of another stack, or the cluster holds other keys; nothing was changed then.
        VaultError: the file does not open.
        KubeError: the cluster does not answer.
    """
    kept = vault.read(file, _passphrase(ask))
    if kept.stack != engine.stack and not any_stack:
        raise KeysError(f"{file} is of stack {kept.stack}, not of {engine.stack}; to use it all the same, add --any-stack")
    api = api_of(engine)
    if api is None:
        raise KeysError(f"stack {engine.stack} has no cluster yet; run `pulumi up --stack {engine.stack}` first")
    restore_into(api, kept, say)
    say(f"now run `pulumi up --stack {engine.stack}`, which takes them over")


def restore_into(api: KubernetesApi, kept: vault.Backup, say: Say) -> None:
    """Makes what is missing. Raises KeysError when any object holds other keys; nothing was changed then."""
    wanted = {Ref.parse(name): data for name, data in kept.lasting.items()}
    there = {ref: found for ref in wanted if (found := _read(api, ref)) is not None}
    others = [str(ref) for ref, found in there.items() if data_of(ref, found) != wanted[ref]]
    if others:
        raise KeysError(
            f"the cluster holds other keys than the backup in {', '.join(others)}; nothing was changed. What its data was made with is "
            "there already, as it seems; if it is not, delete these objects first."
        )
    for ref in there:
        say(f"{ref} is there already")
    missing = [ref for ref in wanted if ref not in there]
    for namespace in sorted({ref.namespace for ref in missing}):
        _ensure_namespace(api, namespace, say)
    for ref in missing:
        api.post(collection(ref.kind, ref.namespace), manifest(ref, wanted[ref]))
        say(f"made {ref}{_holding(ref)}")
    for name in kept.passing:
        say(f"left out {name}: the next update makes another one")


def held_keys(revealed: Mapping[str, Any], stack: str) -> dict[str, Any]:
    """`connection`, `lasting` and `passing` of the one resource that holds the keys, from an export with secrets shown.

    Raises:
        KeysError: the state has no such resource.
    """
    for resource in revealed.get("deployment", {}).get("resources") or []:
        if resource["type"].endswith(HOLDER):
            outputs = resource["outputs"]
            lasting = unwrapped(outputs["lasting"])
            if lasting:
                return {"connection": unwrapped(outputs["connection"]), "lasting": lasting, "passing": unwrapped(outputs["passing"])}
    raise KeysError(f"the state of stack {stack} holds no keys; they are backed up after `pulumi up --stack {stack}` has ended")


def _passphrase(ask: Ask) -> str:
    return os.environ.get(PASSPHRASE) or ask(f"Passphrase of the backup (or set {PASSPHRASE})")


def _read(api: KubernetesApi, ref: Ref) -> Mapping[str, Any] | None:
    try:
        return api.get(ref.path)
    except ObjectNotFoundError:
        return None


def _ensure_namespace(api: KubernetesApi, name: str, say: Say) -> None:
    ref = Ref("Namespace", "", name)
    if _read(api, ref) is None:
        metadata = {"name": name, "labels": dict(OURS)}
        api.post(collection("Namespace"), {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        say(f"made {ref}")


def _holding(ref: Ref) -> str:
    promise = promised(ref)
    return f": {promise.holds}" if promise else ""
