from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sdg.secrecy import MASKED, SECRET, SIGNATURE, UNKNOWN, findings

RECORDED = Path(__file__).parents[1] / "data" / "secrecy"
VALUE = "planted-value"
URN = "urn:pulumi:rehearsal::sdg::kubernetes:core/v1:Secret::token"
WRAPPED = {SIGNATURE: SECRET, "ciphertext": "v1:abc"}


def state(resource_type: str = "kubernetes:core/v1:Secret", **properties: Any) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": [{"urn": URN, "type": resource_type, **properties}]}}


def sentences(document: dict[str, Any]) -> list[str]:
    return [finding.sentence() for finding in findings(document, {"ngcApiKey": VALUE})]


def test_a_state_with_everything_wrapped_is_clean() -> None:
    assert sentences(state(inputs={"stringData": WRAPPED}, outputs={"stringData": {"token": WRAPPED}})) == []


@pytest.mark.parametrize(
    "spelling",
    [VALUE, f"--key={VALUE}", base64.b64encode(VALUE.encode()).decode(), base64.b64encode(base64.b64encode(VALUE.encode())).decode()],
)
def test_a_known_value_in_plain_is_found_in_every_usual_encoding(spelling: str) -> None:
    (sentence,) = sentences(state("kubernetes:apps/v1:Deployment", inputs={"spec": {"args": [spelling]}}))
    assert sentence == f"{URN}: inputs.spec.args.0 holds the secret ngcApiKey in plain."


def test_a_known_value_is_found_outside_of_resources_too() -> None:
    assert sentences({"config": {"sdg:cluster": VALUE}}) == ["the document: config.sdg:cluster holds the secret ngcApiKey in plain."]


def test_a_known_value_inside_of_a_wrapper_is_where_it_belongs() -> None:
    assert sentences(state(inputs={"stringData": {SIGNATURE: SECRET, "plaintext": f'"{VALUE}"'}})) == []


def test_no_finding_shows_the_value() -> None:
    assert not any(VALUE in sentence for sentence in sentences(state(inputs={"stringData": {VALUE: VALUE}})))


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        ("kubernetes:core/v1:Secret", {"data": {"token": "b3RoZXI="}}),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "mek-config"}, "data": {"mek.yaml": "currentMek: key1"}}),
        ("kubernetes:helm.sh/v3:Release", {"chart": "service", "values": {"services": {"postgres": {"password": "p"}}}}),
        ("pulumi:providers:kubernetes", {"kubeconfig": "apiVersion: v1"}),
        ("pulumi-python:dynamic/gate:Record", {"connection": {"kubeconfig": "apiVersion: v1", "context": None}}),
        ("pulumi-python:dynamic:Resource", {"value": "generated"}),
        ("pulumi-python:dynamic/secret:Generated", {"chosen": "by-the-user"}),
    ],
)
def test_a_place_of_credentials_that_is_not_wrapped_is_found(resource_type: str, inputs: dict[str, Any]) -> None:
    (sentence,) = sentences(state(resource_type, inputs=inputs))
    assert "is not marked secret, and credentials live there" in sentence


@pytest.mark.parametrize(
    "inputs", [{"stringData": {"token": UNKNOWN}}, {"stringData": {"token": MASKED}}, {"stringData": {"token": ""}}, {"stringData": MASKED}]
)
def test_what_is_unknown_masked_or_empty_needs_no_wrapper(inputs: dict[str, Any]) -> None:
    assert sentences(state(inputs=inputs)) == []


def test_a_condition_is_judged_by_the_inputs_even_for_outputs() -> None:
    document = state(
        "kubernetes:core/v1:ConfigMap", inputs={"metadata": {"name": "mek-config"}, "data": WRAPPED}, outputs={"data": {"mek.yaml": "key"}}
    )
    assert len(sentences(document)) == 1


@pytest.mark.parametrize("side", ["newState", "oldState"])
def test_a_preview_is_judged_before_and_after_each_step(side: str) -> None:
    document = {
        "steps": [{"op": "create", "urn": URN, side: {"urn": URN, "type": "kubernetes:core/v1:Secret", "inputs": {"data": {"a": "b"}}}}]
    }
    assert len(sentences(document)) == 1


def test_a_commands_environment_may_hold_harmless_values() -> None:
    assert sentences(state("command:local:Command", inputs={"environment": {"PATH": "/usr/bin"}})) == []


def test_a_secret_too_short_to_be_told_from_a_word_is_not_searched_for() -> None:
    assert findings({"config": {"a": "osmo"}}, {"user": "osmo"}) == []


@pytest.mark.parametrize("name", ["preview", "state"])
def test_what_a_real_engine_wrote_is_judged_down_to_the_one_leak(name: str) -> None:
    # recorded: a component that was given the planted config value both as a secret and unwrapped, and a dynamic resource
    # ("bad") that forgot to mark its generated value; "good" marked it
    document = json.loads((RECORDED / f"{name}.json").read_text())
    found = findings(document, {"key": "planted-config", "generated": "planted-generated", "kubeconfig": "planted-kube"})
    assert any(finding.subject.endswith("sdg:x:Y::c") and finding.path == "inputs.plain" for finding in found)
    assert not any(finding.subject.endswith("::good") for finding in found)
    assert any(finding.subject.endswith("::bad") for finding in found) is (name == "state")
