"""The keys of a stack in one place of its state, and what makes destroy ask for their backup before it leaves data behind.

The provider's dotted path is stored in the state of every stack: do not move it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi.dynamic import Resource

from components.at_destroy import AtDestroyProvider, Properties
from components.cluster.base import ClusterHandle
from components.retention import Retention
from sdg.gates.destroying import UNTOUCHED, DestroyRefused, answering
from sdg.gates.redact import Redactor
from sdg.gates.waiting import say
from sdg.keys import marker
from sdg.keys.contents import fingerprint
from sdg.kube.errors import KubeError


class KeyBackupProvider(AtDestroyProvider):
    """Keeps destroy from leaving data behind whose keys nobody has."""

    name = "key-backup"

    def delete(self, _id: str, props: Properties) -> None:
        """Looks whether these very keys were backed up, where data stays that needs them.

        Raises:
            DestroyRefused: they were not, or the cluster that knows does not answer.
        """
        kept = _kept(props)
        if not kept:
            return
        speak = Redactor.knowing(props["connection"]).speaking(say)
        api = answering(props, UNTOUCHED)
        if api is None:
            speak("keys: the cluster does not answer; what is in it is forgotten, as was asked for")
            return
        try:
            noted = marker.read(api)
        except KubeError as error:
            raise DestroyRefused(f"whether the keys were backed up cannot be read ({error}), {UNTOUCHED}; destroy again.") from None
        if noted is None or noted.fingerprint != props["fingerprint"]:
            raise DestroyRefused(_missing(kept, noted, str(props["stack"])))
        speak(f"keys: backed up to {noted}")


def _kept(props: Properties) -> str:
    """What outlives the stack and cannot be read without its keys; empty when all of it goes. Older states do not name the database."""
    if props["data"] == "retain":
        return "keeps its data (sdg:data is retain)"
    return "leaves its database outside the cluster (sdg:osmo.database.kind is external)" if props.get("database") == "external" else ""


def _missing(kept: str, noted: marker.Marker | None, stack: str) -> str:
    why = f"the last backup ({noted}) holds other keys" if noted else "its keys were not backed up"
    command = f"`sdg backup keys --stack {stack} --out FILE`"
    return (
        f"stack {stack} {kept}, and {why}, {UNTOUCHED}. Without them the database cannot be read. "
        f"Run {command} and keep the file elsewhere, then destroy again."
    )


class KeyBackup(Resource, module="keys", name="Backup"):
    """Holds the stack's keys, encrypted, for `sdg backup keys`.

    Args:
        data: what destroy does with data in the cluster.
        database: where OSMO's database is; one outside stays whatever destroy does.
        after: everything that must still be there when destroy asks for the backup.
    """

    def __init__(
        self, name: str, retention: Retention, *, data: str, database: str, cluster: ClusterHandle, after: Sequence[pulumi.Resource]
    ) -> None:
        lasting, passing = (pulumi.Output.secret(keys) for keys in (retention.lasting, retention.passing))
        asked = {
            "connection": cluster.connection,
            "stack": pulumi.get_stack(),
            "data": data,
            "database": database,
            "lasting": lasting,
            "passing": passing,
            "fingerprint": pulumi.Output.unsecret(lasting.apply(fingerprint)),
        }
        secret = pulumi.ResourceOptions(depends_on=list(after), additional_secret_outputs=["connection", "lasting", "passing"])
        super().__init__(KeyBackupProvider(), name, asked, secret)
