"""The language host answers as the official one was recorded to, and runs programs and policy packs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from rehearsal.plugins.language import LanguageHost
from rehearsal.plugins.protocol import language_pb2
from rehearsal.plugins.recordings import Call, Recordings

RECORDINGS = Recordings.load(Path(__file__).parents[1] / "data" / "provider-captures" / "kubernetes")
ASKED = {
    "About": language_pb2.AboutRequest,
    "GetRequiredPackages": language_pb2.GetRequiredPackagesRequest,
}


def _recorded(method: str) -> Call:
    return next(call for call in RECORDINGS.runs["02-up-create"] if call.method == f"LanguageRuntime/{method}")


def _answer(method: str) -> dict[str, Any]:
    request = ParseDict(dict(_recorded(method).request), ASKED[method]())
    return MessageToDict(getattr(LanguageHost("127.0.0.1:1"), method)(request, SimpleNamespace()))


def test_required_packages_are_those_of_the_installed_sdks() -> None:
    assert _answer("GetRequiredPackages") == _recorded("GetRequiredPackages").response


def test_it_tells_of_its_python_as_recorded() -> None:
    told, recorded = _answer("About"), _recorded("About").response
    assert recorded is not None
    assert told["executable"] == "<program>/<venv>/bin/python"
    assert told["metadata"].keys() == recorded["metadata"].keys()
    assert told.keys() == recorded.keys()


def test_its_version_is_the_engines() -> None:
    host = LanguageHost("127.0.0.1:1")
    assert MessageToDict(host.GetPluginInfo(SimpleNamespace(), SimpleNamespace())) == _recorded("GetPluginInfo").response  # type: ignore[arg-type]
