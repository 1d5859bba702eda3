"""How commands beside the engine reach a stack's cluster."""

import json

import pytest

from cli.connection import access
from sdg.secrecy import SECRET, SIGNATURE

KUBECONFIG = "planted kubeconfig"


class Engine:
    """An engine with a stack on MicroK8s, and the resources of its state."""

    def __init__(self, *resources):
        self._resources = list(resources)

    def config(self):
        return {"cluster": json.dumps({"kind": "microk8s", "name": "workstation"})}

    def ask(self, *arguments):
        assert arguments == ("stack", "export", "--show-secrets")
        return json.dumps({"deployment": {"resources": self._resources} if self._resources else {}})


def secret(text):
    return {SIGNATURE: SECRET, "plaintext": json.dumps(text)}


def provider(kubeconfig, context="workstation"):
    return {"type": "pulumi:providers:kubernetes", "inputs": {"kubeconfig": kubeconfig, "context": context}}


COMMAND = {"type": "command:local:Command", "inputs": {"create": "true"}}


@pytest.mark.parametrize("context", ["workstation", secret("workstation")])
def test_the_cluster_that_a_stack_made_is_reached_as_its_provider_does(context):
    connection = access(Engine(COMMAND, provider(secret(KUBECONFIG), context))).connection
    assert (connection.kubeconfig, connection.context) == (KUBECONFIG, "workstation")


@pytest.mark.parametrize("resources", [(), (COMMAND,), (COMMAND, provider("04da6b54-80e4-46f7-96ec-b56ff0331ba9"))])
def test_a_stack_that_has_made_no_cluster_yet_has_no_connection(resources):
    assert access(Engine(*resources)).connection is None
