"""What goes wrong with NIMs and models: refused before anything exists, or named by a gate with what to do; and no key shows anywhere."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import partial

import pytest
import requests
import yaml

from cli import rehearsal_azure
from cli.environment import stack_config
from rehearsal.services.internet.doors import KEYS
from sdg.platform.layout import download_job
from tests.conftest import rehearsed_stack
from tests.engine import refusing

NODES = {"Standard_D16ds_v5": 1, "Standard_NC80adis_H100_v5": 1}
# seconds of a gate that is to be red, and of one that is to be green: a NIM is ready here in three or four
SHORT, LONG = 9, 90
SHARED, DISKS = "rehearsal-file", "rehearsal-block"
SERVED, DOWNLOADED, ANOTHER, THIRD = "cosmos-reason", "qwen25-14b", "cosmos-predict", "cosmos-transfer"
MODEL = "Qwen/Qwen2.5-14B-Instruct"
NIMS = "osmo-nims"
UPDATE = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")
SERVICE_KEYS = "https://org.ngc.nvidia.com/service-keys"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A cluster with two GPUs in one node, and a stack that serves one of NVIDIA's NIMs; nothing is deployed yet."""
    sections = {"inference": inference(SERVED), "smoke": {"gpu": "never"}}  # NIMs take the GPUs
    with rehearsed_stack(tmp_path_factory.mktemp("rehearsal"), NODES, sections) as found:
        yield found


@pytest.fixture(scope="module")
def before(stack):
    """What the cluster has before anything is deployed."""
    return in_cluster(stack)


@pytest.fixture
def served(stack, before, updates):
    """The stack, up: it serves at least one NIM, and waits no longer than the tests do."""
    if not all_green(stack):
        serve(stack, SERVED)
        converges(stack)
    stack.configure(inference={**stack.config("inference"), "deadline": SHORT})
    return stack


def inference(*names, storage_class=SHARED, deadline=SHORT):
    return {"provider": "nim-operator", "services": list(names), "storageClass": storage_class, "deadline": deadline}


def serve(stack, *names, **chosen):
    stack.configure(inference=inference(*names, **chosen))


def serve_only(stack, *names):
    """Has the stack serve just these, if it serves others as well."""
    served = {r["outputs"]["metadata"]["name"] for r in stack.resources() if r["type"].endswith(":NIMService")}
    if served != set(names):
        serve(stack, *names)
        converges(stack)


def converges(stack, *options):
    """The next update is green, with time for it."""
    wanted = stack.config("inference")
    stack.configure(inference={**wanted, "deadline": LONG})
    done = stack.up("--suppress-progress", *options)
    stack.configure(inference=wanted)
    assert done, done.ending
    shows_no_key(done.output)
    assert all_green(stack)


def all_green(stack):
    return {r["outputs"]["status"] for r in stack.resources() if r["type"].endswith("gate:Record")} == {"passed"}


def in_state(stack):
    return [r["urn"] for r in stack.resources() if r["type"] != "pulumi:pulumi:Stack"]


def in_cluster(stack):
    kinds = "namespaces,pods,secrets,jobs,persistentvolumeclaims,persistentvolumes"
    return stack.kubectl("get", kinds, "--all-namespaces", "--output", "name").splitlines()


def refused(stack, *sentences):
    """Preview and update are refused with these sentences, and nothing comes of them."""
    there = in_state(stack), in_cluster(stack)
    for action in (("preview",), UPDATE):
        done = stack.pulumi(*action)
        assert not done, done.output
        assert [words for words in sentences if words not in done.output] == [], done.output
        shows_no_key(done.output)
    assert (in_state(stack), in_cluster(stack)) == there


def red(live, gate):
    """The update ends with this gate red and no other, its time being over: what was seen and what to do next, by what was checked."""
    assert live.finish() != 0, live.output
    shows_no_key(live.output)
    assert set(re.findall(r"gate (\S+) is red", live.output)) == {gate}, live.output
    _, ended, screen = live.output.rpartition(f"gate {gate} is red (the deadline of {SHORT} s was reached)")
    assert ended, live.output
    print(screen)
    block = r"^ +\S+ on (\S.*)\n +seen: +((?:.*\n)+?) +expected: .*\n +next: +(.*)$"
    return {subject: (seen, remedy) for subject, seen, remedy in re.findall(block, screen, re.MULTILINE)}


@contextmanager
def ending_slowly(stack, pods):
    """Pods that are deleted stay until this ends, as those do which take their time to stop."""
    patch = partial(stack.kubectl, "--namespace", NIMS, "patch", "--type", "json")
    held = stack.kubectl("--namespace", NIMS, "get", "pods", "--selector", pods, "--output", "name").split()
    assert held
    for pod in held:
        patch(pod, "--patch", '[{"op": "add", "path": "/metadata/finalizers/-", "value": "tests.example/slow"}]')
    try:
        yield
    finally:
        for pod in held:
            patch(pod, "--patch", '[{"op": "remove", "path": "/metadata/finalizers"}]')


def shows_no_key(text):
    assert [name for name, key in KEYS.items() if key in text] == [], text


@pytest.mark.parametrize(
    ("state", "words", "remedy"),
    [
        ("expired", "has expired, was deleted or is no key of NGC", f"Make a new one at {SERVICE_KEYS}"),
        ("other-organisation", "belongs to another organisation", "Take the key of an organisation that is entitled to it"),
    ],
)
def test_a_key_that_opens_no_image_is_refused_before_anything_exists(stack, updates, state, words, remedy):
    serve(stack, SERVED)
    stack.fault("ngc.key", state=state)
    image = "nvcr.io/nim/nvidia/cosmos-reason2-8b:1.7.0 (cosmos-reason)"
    refused(stack, f"sdg:ngcApiKey (or NGC_API_KEY) {words}", image, remedy, "store it: `pulumi config set --secret sdg:ngcApiKey`.")


def test_a_class_that_is_known_to_give_disks_is_refused_before_anything_exists(stack, updates, tmp_path):
    disks = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "disks"}, "provisioner": "disk.csi.azure.com"}
    (tmp_path / "disks.json").write_text(json.dumps(disks))
    stack.kubectl("create", "--filename", str(tmp_path / "disks.json"))
    serve(stack, SERVED, storage_class="disks")
    refused(
        stack,
        "StorageClass disks (disk.csi.azure.com) gives disks of Azure, which can be ReadWriteOnce and not ReadWriteMany.",
        "Use a class of file.csi.azure.com",
        "Name one that gives ReadWriteMany with sdg:inference.storageClass.",
    )


def test_a_key_that_expires_after_it_was_looked_at_is_named_and_the_next_update_converges(stack, before, updates):
    if in_state(stack):
        assert stack.pulumi(*DESTROY)
    serve(stack, SERVED)
    live = updates.start()
    live.line(r"core/v1:Namespace \S*nim-operator\S* creating")  # the preflight is over
    stack.fault("ngc.key", state="expired")
    checks = red(live, "inference-gate")
    seen, remedy = checks["Deployment/nim-operator/nim-operator-k8s-nim-operator"]
    assert seen.startswith("NgcKeyExpired: 0 of 1 replicas available; pod nim-operator-k8s-nim-operator-")
    assert f"Make another one at {SERVICE_KEYS}" in remedy
    seen, again = checks[f"nim/{SERVED}"]
    assert seen.endswith("the NIM operator: NgcKeyExpired: 0 of 1 replicas available\n")
    assert (len(checks), again) == (2, remedy)
    stack.clear_faults()
    converges(stack)


def test_a_key_of_another_organisation_is_named_when_an_image_is_pulled_and_the_next_update_converges(served, updates):
    serve_only(served, SERVED)
    serve(served, SERVED, ANOTHER)
    live = updates.start()
    live.line(rf"NIMService \S*{ANOTHER} creating")
    served.fault("ngc.key", state="other-organisation")
    checks = red(live, "inference-gate")
    seen, remedy = checks[f"nim/{ANOTHER}"]
    assert re.match(r"pulling its image, .*; NgcKeyOfAnotherOrg: .*403 Forbidden", seen)
    assert "Use a key of the organisation that may (`pulumi config set --secret sdg:ngcApiKey`" in remedy
    assert set(checks) == {f"nim/{ANOTHER}"}
    served.clear_faults()
    converges(served)


def test_gpus_that_a_nim_holds_which_is_served_no_more_are_named_and_freed_as_the_gate_says(served, updates):
    serve_only(served, SERVED, ANOTHER)
    serve(served, SERVED, THIRD, deadline=LONG)
    live = updates.start()
    held = rf"GpusInsufficient: GPUs are held until this update ends by what the stack serves no more \({ANOTHER}\)"
    live.line(rf"gate inference-gate: waiting for nim/{THIRD}: waiting for a node, .*{held}")
    served.kubectl("--namespace", NIMS, "delete", "nimservice", ANOTHER)
    assert live.finish() == 0, live.output


def test_a_download_that_is_limited_is_named_and_the_next_update_converges(served, updates):
    serve_only(served, SERVED)
    served.fault("nim.download", name=DOWNLOADED, status=429)
    serve(served, SERVED, DOWNLOADED)
    checks = red(updates.start(), "nim-downloads-gate")
    seen, remedy = checks.pop(f"{MODEL} for NIM {DOWNLOADED}")
    assert re.match(r"downloading, .*; TooManyRequests: ", seen)
    assert "Hugging Face limits" in remedy
    assert "`pulumi config set --secret sdg:hfToken`" in remedy
    assert checks == {}
    served.clear_faults()
    converges(served)


def test_a_class_of_disks_that_nobody_knew_is_named_and_its_remedy_converges(served, updates):
    serve_only(served, SERVED)
    serve(served, SERVED, DOWNLOADED, storage_class=DISKS)
    checks = red(updates.start(), "nim-downloads-gate")
    seen, remedy = checks.pop(f"{MODEL} for NIM {DOWNLOADED}")
    assert "; StorageClassNotShared: " in seen
    assert f"StorageClass {DISKS} gives no volume that several nodes can write (ReadWriteMany)" in remedy
    assert f"`sdg:inference.storageClass`; then delete claim {DOWNLOADED}-pvc" in remedy
    assert checks == {}
    serve(served, SERVED, DOWNLOADED)
    served.kubectl("--namespace", NIMS, "delete", "persistentvolumeclaim", f"{DOWNLOADED}-pvc")
    with ending_slowly(served, f"job-name={download_job(DOWNLOADED)}"):
        converges(served, "--refresh")
        going = "jsonpath={.metadata.deletionTimestamp}"
        assert served.kubectl("--namespace", NIMS, "get", "job", download_job(DOWNLOADED), "--output", going) == ""
    serve(served, SERVED, DOWNLOADED, storage_class=DISKS)
    converges(served)  # volumes that are there keep their class
    of_claims = "jsonpath={.items[*].spec.storageClassName}"
    assert served.kubectl("--namespace", NIMS, "get", "pvc", "--output", of_claims).split() == [SHARED, SHARED]


def test_a_nim_that_never_gets_ready_is_named_and_the_next_update_converges(served, updates):
    served.fault("nim.never", name=SERVED, message="waiting for the other ranks")
    served.kubectl("--namespace", NIMS, "delete", "pod", "--selector", f"app={SERVED}")
    checks = red(updates.start(*updates.again("inference-gate", "gate:Record")), "inference-gate")
    seen, remedy = checks.pop(f"nim/{SERVED}")
    assert re.match(r"NimNotReady: loading its model, 0 of about \d+ min: waiting for the other ranks\n", seen)
    assert f"`kubectl --namespace {NIMS} logs deployment/{SERVED} --tail 50` shows what it does" in remedy
    assert f"waited {SHORT} s (`sdg:inference.deadline`)" in remedy
    assert checks == {}
    served.clear_faults()
    converges(served)


def test_no_key_is_readable_in_the_state_and_a_destroy_leaves_nothing(served, before):
    exported = served.pulumi("stack", "export")
    assert exported
    assert "nvcr-pull-secret" in exported.output
    shows_no_key(exported.output)
    done = served.pulumi(*DESTROY)
    assert done, done.ending
    shows_no_key(done.output)
    assert (served.resources(), in_cluster(served)) == ([], before)


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    """The rehearsal of the stack `azure`, started; the environment leads to it until the test module ends."""
    with refusing.rehearsed("azure", tmp_path_factory.mktemp("azure")) as state:
        yield state


def of_foundry(state, *models):
    """Has the stack serve models of Foundry."""
    config = stack_config(state, "azure")
    document = yaml.safe_load(config.read_text())
    document["config"]["sdg:inference"] = {"provider": "foundry", "models": {name: {"capacity": 5} for name in models}}
    config.write_text(yaml.safe_dump(document))


def previewed(state):
    """What a preview said; it made nothing."""
    code, said = refusing.run("pulumi", "preview", "--stack", "azure", "--non-interactive")
    found = rehearsal_azure.contents(state)
    assert (refusing.in_state("azure"), found.resources, found.cluster) == ([], (), "absent")
    return code, said


def test_a_model_that_microsoft_has_retired_is_refused_with_another_one_before_anything_exists(azure):
    of_foundry(azure, "llama-3-1-8b", "llama-3-3-70b")
    code, said = previewed(azure)
    assert code != 0
    assert "sdg:inference.models.llama-3-1-8b: llama-3-1-8b (Meta-Llama-3.1-8B-Instruct) was retired by Microsoft on 2026-06-13" in said
    assert re.search(r"Use \S+ .*instead\.", said)


def test_a_model_that_azure_itself_retires_is_refused_until_it_serves_again(azure):
    of_foundry(azure, "llama-3-3-70b")
    faults = f"{azure.service_urls()['control']}/faults"
    retired = {"location": "eastus2", "model": "Meta/Llama-3.3-70B-Instruct", "retires": "2026-01-01"}
    requests.put(f"{faults}/azure.model", json=retired, timeout=5).raise_for_status()
    code, said = previewed(azure)
    assert code != 0
    assert "Foundry cannot serve every model of the stack in eastus2: llama-3-3-70b has been retired since 2026-01-01" in said
    requests.delete(faults, timeout=5).raise_for_status()
    code, said = previewed(azure)
    assert code == 0, said
