import json

import pytest

from cli.secrecy import SecretInPlainError, known_secrets
from sdg.secrecy import SECRET, SIGNATURE


def exported(value):
    urn = "urn:pulumi:lab::sdg::pulumi-python:dynamic/secret:Generated::osmo-admin-token"
    resource = {"urn": urn, "type": "pulumi-python:dynamic/secret:Generated", "outputs": {"value": value}}
    other = {"urn": "urn:pulumi:lab::sdg::kubernetes:core/v1:Secret::s", "type": "kubernetes:core/v1:Secret", "outputs": {"value": value}}
    return {"deployment": {"resources": [resource, other]}}


def test_generated_secrets_are_known_by_the_resource_that_holds_them():
    wrapped = {SIGNATURE: SECRET, "plaintext": json.dumps("the-token")}
    assert known_secrets(exported(wrapped)) == {"osmo-admin-token": "the-token"}


def test_a_generated_secret_that_is_not_marked_as_one_is_an_error():
    with pytest.raises(SecretInPlainError, match="not marked"):
        known_secrets(exported({"value": "the-token"}))
