"""The provider: what the engine asks, in plain values, to the simulated Azure; secrets stay here and are marked again on the way back."""

# ruff: noqa: ARG002 -- the protocol passes what a call may not need

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from rehearsal.plugins.azure_native.client import Client, Refused
from rehearsal.plugins.host import EngineLog
from rehearsal.plugins.properties import UNKNOWN, UNKNOWN_TEXT, Properties, Property, Secret, Unknown, mark_secrets, revealed
from rehearsal.plugins.provider import (
    Autonaming,
    Call,
    Change,
    Checked,
    Configuration,
    Difference,
    Live,
    PartialFailure,
    Provider,
    ProviderError,
)

_RANDOM_NAME = "__createBeforeDelete"
_CHANGES = {
    ("ADD", False): Change.ADD,
    ("ADD", True): Change.ADD_REPLACE,
    ("DELETE", False): Change.DELETE,
    ("DELETE", True): Change.DELETE_REPLACE,
    ("UPDATE", False): Change.UPDATE,
    ("UPDATE", True): Change.UPDATE_REPLACE,
}
_SETTINGS = {"subscription": ("subscriptionId", "ARM_SUBSCRIPTION_ID"), "location": ("location", "ARM_LOCATION")}
"""What is handed on: the provider's own setting, else its variable."""


class AzureNativeProvider(Provider):
    """The stand-in for the official azure-native provider. Without a simulated Azure it refuses everything."""

    version = "3.29.0"
    accepts_autonaming = True

    def __init__(self, log: EngineLog | None = None) -> None:
        super().__init__(log)
        self._client = Client(os.environ)
        self._settings: dict[str, str] = {}

    def diff_config(self, call: Call, olds: Properties, news: Properties) -> Difference:
        """Settings never replace anything; the official provider says so too."""
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        return Difference(bool(changed), properties=changed)

    def configure(self, configuration: Configuration) -> None:
        """Take subscription and region."""
        given = {key.rpartition(":")[2]: value for key, value in configuration.variables.items()}
        for name, (setting, variable) in _SETTINGS.items():
            if found := given.get(setting) or os.environ.get(variable):
                self._settings[name] = found

    def check(self, call: Call, olds: Properties, news: Properties, seed: bytes, autonaming: Autonaming) -> Checked:
        """Complete inputs and validate them."""
        naming = {
            "name": call.name or call.urn.rpartition("::")[2],
            "seed": seed.hex(),
            "proposed": autonaming.proposed,
            "enforced": autonaming.enforced,
            "disabled": autonaming.disabled,
        }
        answer = self._ask(call, "check", inputs=news, olds=olds, naming=naming)
        failures = [(str(path), str(reason)) for path, reason in answer["failures"]]
        return Checked(_secret_again(answer["inputs"], news), failures)

    def diff(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Difference:
        """Compare inputs with inputs. A replacement deletes first, unless the name was made up and another one can be."""
        changes = self._ask(call, "diff", inputs=news, olds=old_inputs)["changes"]
        detailed = {str(one["path"]): _CHANGES[one["how"], one["replaces"]] for one in changes}
        replaces = [path for path, change in detailed.items() if change.replaces]
        return Difference(
            bool(detailed),
            detailed=detailed,
            replaces=replaces,
            properties=sorted({path.partition(".")[0].partition("[")[0] for path in detailed}),
            delete_before_replace=bool(replaces) and revealed(old_inputs).get(_RANDOM_NAME) is not True,
            removed_inputs=frozenset(detailed),
        )

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Create a resource; in a preview, say what of it is known."""
        if call.preview:
            return "", _secret_again(self._ask(call, "preview", inputs=inputs)["state"], inputs)
        try:
            answer = self._client.ask("create", self._body(call, inputs=inputs))
        except Refused as refused:
            self._fail(call, refused, inputs)
        return str(answer["id"]), _secret_again(answer["state"], inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        """Look at a resource."""
        answer = self._ask(call, "read", id=call.id, state=state, olds=inputs)
        if not answer:
            return None
        return Live(str(answer["id"]), _secret_again(answer["state"], {**inputs, **state}), _secret_again(answer["inputs"], inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, news: Properties) -> Properties:
        """Change a resource in place; in a preview, say what of it is known."""
        if call.preview:
            return _secret_again(self._ask(call, "preview", inputs=news, state=state)["state"], news)
        try:
            answer = self._client.ask("update", self._body(call, id=call.id, inputs=news))
        except Refused as refused:
            self._fail(call, refused, news)
        return _secret_again(answer["state"], news)

    def delete(self, call: Call, state: Properties, old_inputs: Properties) -> None:
        """Delete a resource."""
        self._ask(call, "delete", id=call.id)

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Run one of the provider's functions. As the official provider, it doesn't say what of the answer is secret."""
        return _plain_back(self._ask(Call("", token, ""), "invoke", inputs=arguments)["result"])

    def _fail(self, call: Call, refused: Refused, inputs: Properties) -> NoReturn:
        """Fail a step; the engine keeps what exists although it did not become what was asked for."""
        if not refused.accepted:
            raise ProviderError(str(refused)) from None
        found = self._ask(call, "read", id=call.id, inputs=inputs) if call.id else self._made(call, inputs)
        raise PartialFailure(str(refused), str(found["id"]), _secret_again(found["state"], inputs), inputs=inputs) from None

    def _made(self, call: Call, inputs: Properties) -> dict[str, Any]:
        """What a creation left behind that failed."""
        return self._ask(call, "left", inputs=inputs)

    def _ask(self, call: Call, name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- the route's fields
        try:
            return self._client.ask(name, self._body(call, **fields))
        except Refused as refused:
            raise ProviderError(str(refused)) from None

    def _body(self, call: Call, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        token = call.type or call.urn.split("::")[2].rpartition("$")[2]
        plain = {name: _plain(revealed(value)) if isinstance(value, dict) else value for name, value in fields.items()}
        return {"token": token, **self._settings, **plain}


def _plain(value: Property) -> Any:  # noqa: ANN401 -- JSON
    """A value as JSON has it; unknown ones as the engine writes them."""
    if isinstance(value, Unknown):
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _back(value: Any) -> Property:  # noqa: ANN401
    if value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _back(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_back(item) for item in value]
    return cast("Property", value)


def _plain_back(fields: Mapping[str, Any]) -> Properties:
    return {key: _back(value) for key, value in fields.items() if value is not None}


def _secret_again(fields: Mapping[str, Any], given: Mapping[str, Property]) -> Properties:
    """What came back, secret where it was secret on the way there."""
    return mark_secrets(_plain_back(fields), {key: value for key, value in given.items() if _holds_secret(value)})


def _holds_secret(value: Property) -> bool:
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(_holds_secret(item) for item in value.values())
    return isinstance(value, list) and any(_holds_secret(item) for item in value)
