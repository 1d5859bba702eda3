"""The gates of NIMs and downloads on a virtual cluster: what they wait for, and what they call what goes wrong."""

from __future__ import annotations

import time

import pytest

from rehearsal.nims.kinds import NIM_SERVICES
from sdg.gates.checks import Status
from sdg.gates.downloads import DownloadsRecord
from sdg.gates.inference import InferenceRecord
from tests.engine.nims_cluster import QWEN, TAINT, resources

pytestmark = pytest.mark.xdist_group("nims-cluster")
REASON = "nvidia/cosmos-reason2-8b"


@pytest.fixture
def gate(cluster, nims, monkeypatch):
    monkeypatch.setenv("PATH", f"{cluster.tools.path('kubectl').parent}:/usr/bin:/bin")
    return Gate(cluster, nims)


class Gate:
    """Gates over one namespace of NIMs."""

    def __init__(self, cluster, nims):
        self.nims = nims
        self.connection = {"kubeconfig": cluster.state.kubeconfig.read_text(), "context": None, "keys": {}}
        self.said = []

    def inputs(self, *endpoints, deadline, **more):
        entries = [self.entry(*each) for each in endpoints]
        return {"connection": self.connection, "endpoints": entries, "deadline": deadline, "triggers": {}, **more}

    def entry(self, name="cosmos-reason", model=REASON, request="vlm"):
        address = {"namespace": self.nims.name, "service": name, "port": 8000.0}
        url = f"http://{name}.{self.nims.name}.svc.cluster.local:8000/v1"
        asked = {"ready": "/v1/health/ready", "model": model, "request": request, "auth": "", "minutes": 20.0}
        return {"name": name, "provider": "nim-operator", "url": url, "address": address, "nim": {"name": name}, **asked}

    def downloads(self):
        entry = {"nim": "qwen25-14b", "model": QWEN, "namespace": self.nims.name, "job": "qwen25-14b-hf-download"}
        return {"connection": self.connection, "downloads": [entry], "deadline": 60.0, "triggers": {}}

    def waits(self, *endpoints, deadline=60.0, **more):
        return InferenceRecord.wait(self.inputs(*(endpoints or [()]), deadline=deadline, **more), self.said.append)

    def red(self, name, *endpoints, words, deadline=40.0, **more):
        """The check that a wait leaves red, once it says `words`."""
        seen = None
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            found = InferenceRecord.observe(self.inputs(*(endpoints or [()]), deadline=1.0, **more), {})
            seen = next((check for check in found.failures() if check.name == name), None)
            if seen and words in seen.observed:
                return seen
        pytest.fail(f"{name} did not say {words!r} but {seen}")


def test_a_nim_is_waited_for_asked_and_looked_at_again(nims, gate, switch):
    switch("nim.slow", name="cosmos-reason", seconds=4)
    nims.reason()
    found = gate.waits()
    assert found.status is Status.PASSED, found
    evidence = found.evidence["endpoints"]["cosmos-reason"]
    assert (evidence["phase"], evidence["listed"]) == ("ready", [REASON])
    assert evidence["request"]["at"]
    assert any("nim/cosmos-reason" in line for line in gate.said)
    again = InferenceRecord.observe(gate.inputs((), deadline=5.0), found.as_outputs())
    assert again.status is Status.PASSED, again
    assert again.evidence["endpoints"]["cosmos-reason"]["request"] == evidence["request"]


def test_a_changed_nim_is_green_only_once_the_change_is_served(nims, gate):
    nims.reason()
    assert gate.waits().status is Status.PASSED
    nims.api.patch(NIM_SERVICES, "cosmos-reason", {"spec": {"env": [{"name": "NIM_SERVED_MODEL_NAME", "value": "other"}]}}, nims.name)
    found = gate.waits(("cosmos-reason", "other"))
    assert found.status is Status.PASSED, found
    assert found.evidence["endpoints"]["cosmos-reason"]["listed"] == ["other"]


def test_a_nim_that_serves_another_model_is_named(nims, gate):
    nims.reason()
    check = gate.red("endpoint-models", ("cosmos-reason", "wanted"), words="ModelMissing")
    assert check.observed == f"ModelMissing: serves {REASON}, wanted wanted"


@pytest.mark.parametrize(("state", "cause"), [("expired", "NgcKeyExpired"), ("other-organisation", "NgcKeyOfAnotherOrg")])
def test_a_key_that_pulls_nothing_is_named(nims, gate, switch, state, cause):
    switch("ngc.key", state=state)
    nims.nim("fresh", f"nvcr.io/nim/nvidia/gate-{state}:1.0.0", {"emptyDir": {}})
    check = gate.red("nim-ready", ("fresh",), words=cause)
    assert "sdg:ngcApiKey" in check.remedy
    assert not check.final


def test_a_nim_that_never_gets_ready_says_what_it_does(nims, gate, switch):
    switch("nim.never", name="cosmos-reason", message="the engine hangs")
    nims.reason()
    check = gate.red("nim-ready", words="the engine hangs")
    assert check.observed.startswith("loading its model")


def test_a_class_of_disks_is_named(nims, gate):
    storage = {"pvc": {"create": True, "size": "50Gi", "volumeAccessMode": "ReadWriteMany", "storageClass": "rehearsal-block"}}
    nims.reason(storage=storage)
    check = gate.red("model-volume", words="StorageClassNotShared")
    assert "StorageClass rehearsal-block" in check.remedy


def test_gpus_that_no_node_has_are_named_and_final_where_no_pool_could_have_them(nims, gate):
    nims.reason(storage={"emptyDir": {}}, resources=resources("48Gi", gpus=16))
    assert not gate.red("nim-ready", words="GpusInsufficient").final
    pools = [{"name": "gpu", "minimum": 0.0, "maximum": 4.0, "gpus": 2.0, "labels": {}, "taints": [TAINT]}]
    found = gate.waits(pools=pools, deadline=60.0)
    assert found.evidence["ended"] == "time cannot cure this"


def test_a_secret_that_is_missing_is_named_and_final(nims, gate):
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "not-there", "key": "KEY"}}}]
    nims.reason(storage={"emptyDir": {}}, env=env)
    check = gate.red("nim-ready", words="SecretMissing")
    assert check.final
    assert "not-there" in check.remedy


@pytest.mark.parametrize(("status", "cause"), [(429, "TooManyRequests"), (401, "TokenRefused"), (403, "ModelGated")])
def test_a_refused_download_is_named_while_it_is_tried_again(nims, gate, switch, status, cause):
    switch("nim.download", name="qwen25-14b", status=status)
    nims.claim("qwen25-14b-pvc")
    nims.download(tries=50)  # the one that gives up is another test
    end = time.monotonic() + 30
    while cause not in (seen := DownloadsRecord.observe(gate.downloads(), {}).checks[0]).observed:
        assert time.monotonic() < end, seen
    assert not seen.final


def test_a_download_that_was_given_up_is_not_waited_for_and_its_cause_is_kept(nims, gate, switch):
    switch("nim.download", name="qwen25-14b", status=429)
    nims.claim("qwen25-14b-pvc")
    nims.download()
    found = DownloadsRecord.wait(gate.downloads(), gate.said.append)
    assert found.evidence["ended"] == "time cannot cure this"
    assert "TooManyRequests" in found.checks[0].observed


def test_a_download_is_waited_for(nims, gate):
    nims.claim("qwen25-14b-pvc")
    nims.download()
    assert DownloadsRecord.wait(gate.downloads(), gate.said.append).status is Status.PASSED
