"""`sdg init azure`: writes into a stack's config what is known here and nowhere else: the region, and this host's public address."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.pulumi import PREFIX, Engine, PulumiError
from sdg.azure import caller
from sdg.azure.account import CHOOSE, AccountError, NoAccountError, find
from sdg.settings.azure import Azure
from sdg.settings.mirror import Mirror
from sdg.settings.parse import check

KIND: Final = "azure"
REGION: Final = re.compile("[A-Za-z0-9 ]+")
SECTION: Final = "cluster"
_DEFAULT_LOCATION: Final = "AZURE_DEFAULTS_LOCATION"


class InitError(ValueError):
    """The stack says something else already; one sentence. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a stack's config says before anything is written.

    Attributes:
        cluster: `sdg:cluster`.
        mirror: `sdg:mirror`, where it can be read.
    """

    cluster: Mapping[str, Any]
    mirror: Mirror


def azure(engine: Engine, location: str | None) -> Iterator[str]:
    """Extends a stack's config, and says what it wrote, line by line. What the stack says already stays as it is.

    Args:
        location: Azure region; the stack's own, az's default or that of the settings when None.

    Raises:
        InitError: the stack is of another kind or in another region; nothing was written.
        PulumiError: the engine refuses to read or write the config.
    """
    told = _told(engine)
    region = _region(engine, told.cluster, location)
    here = caller.look(told.mirror.api)
    ranges = [str(each) for each in told.cluster.get("allowedRanges") or ()]
    if "kind" not in told.cluster:
        yield _set(engine, "kind", KIND)
    if "location" not in told.cluster:
        yield _set(engine, "location", region)
    if here.address is None:
        yield f"{caller.SETTING} stays as it is, since this host's public address is not known: {here.unknown}."
    elif here.covered_by(ranges):
        yield f"{caller.SETTING} lets this host in already, whose public address is {here.address}."
    else:
        yield _set(engine, f"allowedRanges[{len(ranges)}]", f"{here.address}/32")
    yield _subscription(engine, told.cluster)
    yield f"Next: sdg preflight --stack {engine.stack}"


def _told(engine: Engine) -> Told:
    try:
        config = engine.config()
    except PulumiError as error:
        if "no stack named" not in str(error):
            raise
        raise InitError(f"there is no stack {engine.stack}; make it with: pulumi stack init {engine.stack}") from None
    cluster = _object(config.get(SECTION, "{}"))
    key, kept = f"{PREFIX}{SECTION}", "which is not overwritten; choose another stack"
    if cluster is None:
        raise InitError(f"{key} of the stack {engine.stack} is no object, {kept}")
    if (kind := cluster.get("kind", KIND)) != KIND:
        raise InitError(f"{key}.kind of the stack {engine.stack} is {kind!r}, {kept}")
    mirror = check({key: text for key, text in config.items() if key == "mirror"}, frozenset())[0].get("mirror")
    return Told(cluster, mirror or Mirror())


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _region(engine: Engine, cluster: Mapping[str, Any], asked: str | None) -> str:
    own = cluster.get("location")
    wanted = str(asked or own or _default_location(engine.environment) or Azure(kind=KIND).location)
    if not REGION.fullmatch(wanted):
        raise InitError(f"{wanted!r} is no region of Azure; they look like eastus2, and az account list-locations names them")
    region = wanted.replace(" ", "").lower()
    if own and asked and str(own).replace(" ", "").lower() != region:
        path = f"{PREFIX}{SECTION}.location"
        raise InitError(f"{path} is {own!r} already, which is not overwritten; change it with: pulumi config set --path {path} {region}")
    return region


def _default_location(environ: Mapping[str, str]) -> str | None:
    """The region that az takes where nobody names one."""
    if named := environ.get(_DEFAULT_LOCATION):
        return named
    folder = environ.get("AZURE_CONFIG_DIR") or str(Path(environ.get("HOME") or Path.home()) / ".azure")
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read(Path(folder) / "config", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None
    return config.get("defaults", "location", fallback=None)


def _set(engine: Engine, path: str, value: str) -> str:
    key = f"{PREFIX}{SECTION}.{path}"
    engine.ask("config", "set", "--path", key, value)
    return f"{key} = {value}"


def _subscription(engine: Engine, cluster: Mapping[str, Any]) -> str:
    """Which subscription it will be. Whoever deploys may have another one at hand, so it is said and not written."""
    try:
        account = find(cluster.get("subscription"), engine.environment)
    except NoAccountError as error:
        return f"Still missing: {error} Log in with az login, or {CHOOSE}."
    except AccountError as error:
        return f"Still missing: {error}"
    return f"It will be made in the subscription {account.subscription}, which {account.source} names."
