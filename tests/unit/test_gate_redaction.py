"""No credential survives redaction; names and sentences do."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sdg.gates.redact import HIDDEN, Redactor

SHAPES = Redactor()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9vYmFy==;EndpointSuffix=x", "Zm9vYmFy=="),
        ("cannot connect to postgres://osmo:s3cr3t-pw@db:5432/osmo", "s3cr3t-pw"),
        ('{"password": "hunter2hunter2"}', "hunter2hunter2"),
        ("token=AbCdEf0123456789", "AbCdEf0123456789"),
        ("client-key-data: LS0tLS1CRUdJTi", "LS0tLS1CRUdJTi"),
        ("NGC key nvapi-AbCd_1234-xyz was refused", "nvapi-AbCd_1234-xyz"),
        ("HF_TOKEN hf_abcdefghijklmnopqrst", "hf_abcdefghijklmnopqrst"),
        ("jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "eyJhbGciOiJSUzI1NiJ9"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("redis access_key=abcd1234efgh", "abcd1234efgh"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text, secret):
    assert secret not in SHAPES.text(text)
    assert HIDDEN in SHAPES.text(text)


@pytest.mark.parametrize(
    "text",
    [
        'secret "osmo-operator-token" not found',
        'MountVolume.SetUp failed for volume "token" : secret "osmo-operator-token" not found',
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.",
        "https://127.0.0.1:6443/readyz: connection refused",
        "Access token backend-token does not exist.",
        "version 6.3.1",
    ],
)
def test_what_helps_is_kept(text):
    assert SHAPES.text(text) == text


def kubeconfig(secret):
    user = {"token": secret, "exec": {"command": "kubelogin", "args": ["get-token"], "env": [{"name": "A", "value": secret + "-env"}]}}
    return yaml.safe_dump({"current-context": "rehearsal", "users": [{"name": "rehearsal", "user": user}], "clusters": []})


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789+/=", min_size=8, max_size=60), st.text(max_size=20))
def test_no_credential_of_the_connection_survives(secret, around):
    redact = Redactor.knowing({"kubeconfig": kubeconfig(secret), "context": "rehearsal"})
    assert secret not in redact.text(f"{around} {secret} {around}").replace(HIDDEN, "")


def test_names_of_the_connection_survive():
    redact = Redactor.knowing({"kubeconfig": kubeconfig("0123456789"), "context": "rehearsal"})
    assert redact.text("context rehearsal, storage class rehearsal-block, kubelogin get-token") == (
        "context rehearsal, storage class rehearsal-block, kubelogin get-token"
    )


def test_trees_keep_their_shape():
    assert SHAPES.tree({"a": [1, None, "token=abcdefgh"], "b": True}) == {"a": [1, None, f"token={HIDDEN}"], "b": True}


def test_a_kubeconfig_that_is_no_yaml_is_hidden_as_a_whole():
    text = "{not: yaml: at all"
    assert text not in Redactor.knowing({"kubeconfig": text}).text(f"error in {text}")
