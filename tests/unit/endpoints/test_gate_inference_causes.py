"""The inference gate's named errors: each says what it is, in whose words, and what to do; none ends a wait that time may end well."""

import pytest

from sdg.catalog.endpoint_causes import PLACES, endpoint_causes
from sdg.gates.checks import Status
from sdg.gates.inference import InferenceRecord
from sdg.gates.probes.pools import Pool
from tests.unit.endpoints.cluster import OPERATOR, RUNNING, Cluster, claim, deployment, event, job, job_pod, pod, service, waiting
from tests.unit.endpoints.server import MODEL, serving
from tests.unit.endpoints.watching import looked, nim, red, waited, watched

NOWHERE = "http://127.0.0.1:9"
UNAUTHORIZED = (
    'Back-off pulling image "nvcr.io/nim/x:1": ErrImagePull: failed to pull and unpack image "nvcr.io/nim/x:1": failed to resolve: '
    "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://nvcr.io/proxy_auth: 401 Unauthorized"
)
FORBIDDEN = UNAUTHORIZED.replace("401 Unauthorized", "403 Forbidden")
BUSY = 'Back-off pulling image "vllm/vllm-omni:v0.20.0": ErrImagePull: 429 Too Many Requests - toomanyrequests: you have reached your limit'
WRITERS = (
    'failed to provision volume with StorageClass "fast": rpc error: code = InvalidArgument desc = mountVolume is not supported for access '
    "mode: MULTI_NODE_MULTI_WRITER"
)


def starting(*pods, **held):
    """A cluster in which the NIM is not available yet."""
    return Cluster(**{"nimservices": [service(ready="False")], "deployments": [deployment(available=0)], "pods": list(pods), **held})


def seen(cluster, name="nim-ready", given=None, **more):
    """The red check on a NIM in such a cluster."""
    return red(looked(watched(given or nim(), NOWHERE), cluster=cluster, **more), name)


@pytest.mark.parametrize(
    ("words", "cause", "remedy"),
    [
        (UNAUTHORIZED, "NgcKeyExpired", "sdg:ngcApiKey"),
        (FORBIDDEN, "NgcKeyOfAnotherOrg", "organisation"),
        (BUSY, "TooManyRequests", "tried again by itself"),
    ],
)
@pytest.mark.parametrize("in_event", [False, True])
def test_a_refused_pull_is_named_and_waited_for(words, cause, remedy, in_event):
    said = 'Back-off pulling image "nvcr.io/nim/x:1"' if in_event else words
    events = [event("Failed", words)] if in_event else []
    check = seen(starting(pod(state=waiting("ImagePullBackOff", said)), events=events))
    assert check.observed.startswith("pulling its image, 3 of about 20 min; " + cause)
    assert remedy in check.remedy
    assert (check.stuck, check.final) == (True, False)


def test_an_image_that_is_on_its_way_is_told_and_nothing_is_stuck():
    events = [event("Pulling", 'Pulling image "nvcr.io/nim/x:1"')]
    check = seen(starting(pod(state=waiting("ContainerCreating")), events=events))
    assert check.observed.startswith('pulling its image, 3 of about 20 min; Pulling image "nvcr.io/nim/x:1"')
    assert (check.stuck, check.final) == (False, False)


def test_an_image_that_is_there_is_not_told_to_be_on_its_way():
    events = [event("Pulling", "Pulling image"), {**event("Pulled", "Successfully pulled image"), "lastTimestamp": "9999-01-01T00:00:00Z"}]
    check = seen(starting(pod(state=waiting("ContainerCreating")), events=events))
    assert check.observed.startswith("starting, 3 of about 20 min")


def test_an_image_name_that_is_none_is_final():
    check = seen(starting(pod(state=waiting("InvalidImageName", "couldn't parse image"))))
    assert ("ImageNameInvalid" in check.observed, check.final) == (True, True)


def test_a_missing_secret_is_final_and_named():
    check = seen(starting(pod(state=waiting("CreateContainerConfigError", 'secret "hf-token-secret" not found'))))
    assert "SecretMissing" in check.observed
    assert "hf-token-secret in namespace osmo-nims" in check.remedy
    assert check.final


def test_a_secret_that_is_there_by_now_is_not_final():
    cluster = starting(pod(state=waiting("CreateContainerConfigError", 'secret "hf-token-secret" not found')))
    cluster.objects["/api/v1/namespaces/osmo-nims/secrets/hf-token-secret"] = {}
    assert not seen(cluster).final


SCARCE = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def unplaced(gpus=1):
    return starting(pod(node=None, scheduled="False", words=SCARCE, gpus=gpus))


@pytest.mark.parametrize(("gpus", "final"), [(8, True), (4, False)])
def test_gpus_that_no_pool_could_ever_give_are_final_and_others_are_waited_for(gpus, final):
    check = seen(unplaced(gpus), pools=(Pool("gpu", 0, 2, gpus=4), Pool("system", 1, 3), Pool("off", 0, 0, gpus=8)))
    assert check.observed.startswith("waiting for a node, 3 of about 20 min; GpusInsufficient")
    assert SCARCE in check.observed
    assert check.final is final
    assert str(gpus) in check.remedy


def test_without_known_pools_no_want_of_gpus_is_final():
    assert not seen(unplaced(8)).final


def test_gpus_that_a_nim_holds_which_is_served_no_more_are_named_with_the_way_to_free_them():
    cluster = unplaced()
    cluster.held["nimservices"].append(service("old"))
    assert "old" not in seen(cluster, served=frozenset({"llm", "old"})).observed
    assert "old" not in seen(cluster, served=frozenset({"llm"})).observed  # it has no pods
    cluster.held["deployments"].append(deployment("old"))
    check = seen(cluster, served=frozenset({"llm"}))
    assert "GpusInsufficient: GPUs are held until this update ends by what the stack serves no more (old); " in check.observed
    assert "`kubectl --namespace osmo-nims delete nimservice old`" in check.remedy
    assert (check.stuck, check.final) == (True, False)


def test_a_class_of_disks_is_named_with_one_that_would_do():
    cluster = starting(
        pod(node=None, scheduled="False", words="pod has unbound immediate PersistentVolumeClaims"),
        persistentvolumeclaims=[claim(phase="Pending")],
        events=[event("ProvisioningFailed", WRITERS, "llm-pvc", "PersistentVolumeClaim")],
    )
    cluster.objects["/apis/storage.k8s.io/v1/storageclasses/fast"] = {"provisioner": "disk.csi.azure.com"}
    check = seen(cluster, "model-volume")
    assert check.observed.startswith("StorageClassNotShared: Pending; ProvisioningFailed: failed to provision")
    assert "StorageClass fast (disk.csi.azure.com) gives disks of Azure" in check.remedy
    assert "sdg:inference.storageClass" in check.remedy
    assert (check.subject, check.final, check.stuck) == ("claim/llm-pvc", False, True)


def test_a_class_that_nobody_knows_is_judged_by_what_its_provisioner_says():
    cluster = starting(
        persistentvolumeclaims=[claim(phase="Pending", storage_class="own")],
        events=[event("ProvisioningFailed", "only ReadWriteOnce volumes: access mode refused", "llm-pvc", "PersistentVolumeClaim")],
    )
    check = seen(cluster, "model-volume")
    assert "StorageClassNotShared" in check.observed
    assert "StorageClass own gives no volume" in check.remedy


def test_a_claim_that_waits_for_its_first_pod_is_not_stuck():
    check = seen(starting(persistentvolumeclaims=[claim(phase="Pending")]), "model-volume")
    assert (check.observed, check.stuck) == ("Pending", False)


def test_the_events_of_other_claims_count_for_nothing():
    events = [event("ProvisioningFailed", WRITERS, "other-pvc", "PersistentVolumeClaim")]
    assert seen(starting(persistentvolumeclaims=[claim(phase="Pending")], events=events), "model-volume").observed == "Pending"


CRASH = {"exitCode": 1, "reason": "Error", "message": ""}


@pytest.mark.parametrize(
    ("log", "last", "cause"),
    [
        ("ERROR profile 4f904d57 not found in manifest", CRASH, "StaleManifest"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", CRASH, "GpuMemoryExhausted"),
        ("loading", {"exitCode": 137, "reason": "OOMKilled"}, "HostMemoryExhausted"),
        ("OSError: [Errno 28] No space left on device", CRASH, "VolumeFull"),
        ("ngc: Authentication error: 401 Unauthorized", CRASH, "NgcKeyExpired"),
        ("401 Client Error: Unauthorized for url: https://huggingface.co/api/models/q", CRASH, "HuggingFaceTokenRefused"),
        ("huggingface_hub.errors.GatedRepoError: 403 Client Error. (Request ID: x)", CRASH, "HuggingFaceModelGated"),
        ("429 Client Error: Too Many Requests for url: https://huggingface.co/q/resolve", CRASH, "TooManyRequests"),
        ("Traceback: something of its own", CRASH, "NimFailing"),
    ],
)
def test_a_nim_that_ends_again_and_again_is_named_by_what_it_wrote(log, last, cause):
    cluster = starting(pod(state=waiting("CrashLoopBackOff", "back-off 40s"), last=last, restarts=3))
    cluster.logs["llm-1/previous"] = f"starting\n{log}\n"
    check = seen(cluster)
    assert check.observed.startswith(f"ending again and again, 3 of about 20 min; {cause}")
    assert log in check.observed
    assert (check.final, check.stuck) == (False, True)


def test_a_nim_that_runs_again_after_it_ended_is_still_named():
    cluster = starting(pod(state=RUNNING, last={"exitCode": 137, "reason": "OOMKilled"}, restarts=1))
    assert "HostMemoryExhausted" in seen(cluster).observed


def test_numbers_in_the_log_of_a_nim_that_loads_are_no_causes():
    cluster = starting(pod(state=RUNNING, minutes=5))
    cluster.logs["llm-1"] = "loaded 401 tensors, 403 left, 429 buffers\n"
    assert seen(cluster).observed == "loading its model, 5 of about 20 min: loaded 401 tensors, 403 left, 429 buffers"


def test_a_nim_that_never_gets_ready_is_named_once_its_time_is_over():
    cluster = starting(pod(state=RUNNING, minutes=45), events=[event("Unhealthy", "Startup probe failed: connection refused")])
    check = seen(cluster)
    assert check.observed.startswith("NimSlow: loading its model, 45 of about 20 min, longer than expected")
    assert "Startup probe failed" in check.observed
    assert "logs deployment/llm" in check.remedy
    assert (check.stuck, check.final) == (True, False)


@pytest.mark.parametrize(("minutes", "words"), [(5, "NimNotReady: loading its model, 5 of"), (45, "NimSlow: loading its model, 45 of")])
def test_a_nim_that_the_gate_waited_for_in_vain_is_named_with_how_long_that_was(monkeypatch, minutes, words):
    cluster = starting(pod(state=RUNNING, minutes=minutes))
    monkeypatch.setattr("sdg.gates.inference.KubernetesApi.connect", lambda _: cluster)
    inputs = {"connection": {"kubeconfig": "{}", "context": None}, "endpoints": [nim()], "deadline": 0.0}
    check = red(InferenceRecord.wait(inputs, lambda line: None), "nim-ready")
    assert check.observed.startswith(words)
    assert ("The gate waited 0 s (`sdg:inference.deadline`)" in check.remedy) == (minutes == 5)


def test_a_nim_service_that_vanished_is_final_with_the_way_back():
    check = seen(Cluster(nimservices=[]), restore="pulumi up --stack s")
    assert (check.observed, check.final) == ("NimMissing: no such object", True)
    assert "pulumi up --stack s --refresh" in check.remedy


def test_definitions_that_vanished_are_named():
    assert "CRDs are gone" in seen(Cluster(nimservices=None)).observed


def test_an_operator_that_is_gone_is_final_and_said_with_what_waits_for_it():
    cluster = Cluster(deployments=[])
    cluster.operator = []
    found = looked(watched(nim(), NOWHERE), cluster=cluster, repair="pulumi up --replace urn")
    check = red(found, "nim-operator")
    assert (check.final, "pulumi up --replace urn" in check.remedy) == (True, True)
    assert "the NIM operator: no Deployment of it" in red(found, "nim-ready").observed


@pytest.mark.parametrize("in_event", [False, True])
def test_an_operator_whose_image_is_refused_is_named_once_and_what_waits_for_it_says_so_in_short(in_event):
    words = 'Back-off pulling image "nvcr.io/x:1"' if in_event else UNAUTHORIZED
    manager = pod("operator", gpus=0, state=waiting("ImagePullBackOff", words))
    manager["metadata"]["labels"] = {"app": "operator"}
    cluster = Cluster(deployments=[], persistentvolumeclaims=[])
    cluster.operator = [{**OPERATOR, "status": {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 0}}]
    cluster.operator_pods, cluster.operator_events = [manager], [event("Failed", UNAUTHORIZED)] if in_event else []
    found = looked(watched(nim(), NOWHERE), cluster=cluster)
    check, waits = red(found, "nim-operator"), red(found, "nim-ready")
    assert check.observed.startswith("NgcKeyExpired: 0 of 1 replicas available; pod operator-1: ImagePullBackOff: ")
    assert "sdg:ngcApiKey" in check.remedy
    assert (check.stuck, check.final) == (True, False)
    assert waits.observed.endswith("; the NIM operator: NgcKeyExpired: 0 of 1 replicas available")
    assert waits.remedy == check.remedy
    assert len(red(found)) == 2  # the claim, which the operator has still to make, is none of its own


def test_what_the_operator_refuses_is_told_in_its_words_and_waited_for():
    check = seen(Cluster(nimservices=[service(ready="False", failed="neither PVC nor NIMCache is given")], deployments=[]))
    assert "NimRefused: ReconcileFailed: neither PVC nor NIMCache is given" in check.observed
    assert (check.stuck, check.final) == (True, False)


def test_a_progress_deadline_that_passed_is_no_trouble():
    message = 'deployment "llm" exceeded its progress deadline'
    cluster = Cluster(nimservices=[service(ready="False", reason="NotReady", message=message)])
    check = seen(cluster)
    assert check.observed == "being asked by the operator: its pods are available"
    assert not check.stuck


def test_ready_of_what_was_wanted_before_is_not_green():
    newer = service(image={"repository": "nvcr.io/nim/nvidia/model-free-nim", "tag": "2.1.0"})
    check = seen(Cluster(nimservices=[newer]))
    assert "the operator has still to take over: image nvcr.io/nim/nvidia/model-free-nim:2.0.2" in check.observed
    assert check.status is Status.FAILED


def test_a_download_that_goes_on_says_how_far_it_is():
    cluster = starting(jobs=[job(minutes=12)], pods=[job_pod(state=RUNNING)])
    cluster.logs["llm-hf-download-1"] = "Fetching 17 files\rmodel-00003:  35%|###   | 20.1G/58.2G [10:02<19:01]\n"
    check = seen(cluster, "model-downloaded")
    assert check.observed.startswith("downloading, 12 min, 35%, 20.1G of 58.2G")


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (429, "TooManyRequests"),
        (401, "HuggingFaceTokenRefused"),
        (403, "HuggingFaceModelGated"),
        (404, "HuggingFaceModelMissing"),
    ],
)
def test_a_refused_download_is_named_and_waited_for_while_it_is_tried_again(status, cause):
    last = {"exitCode": 1, "reason": "Error", "message": f"HTTP {status}: Hugging Face says no to {MODEL}"}
    cluster = starting(jobs=[job()], pods=[job_pod(state=waiting("CrashLoopBackOff", "back-off 40s"), last=last, restarts=2)])
    check = seen(cluster, "model-downloaded")
    assert cause in check.observed
    assert f"HTTP {status}" in check.observed
    assert (check.final, check.stuck) == (False, True)


def test_a_download_that_was_given_up_is_final():
    check = seen(starting(jobs=[job(condition="Failed", reason="BackoffLimitExceeded")]), "model-downloaded")
    assert ("BackoffLimitExceeded" in check.observed, check.final) == (True, True)


def test_a_download_is_not_asked_for_once_its_nim_runs():
    with serving() as server:
        assert waited(watched(nim(), server), cluster=Cluster(jobs=[job()])).status is Status.PASSED


def test_every_cause_has_a_remedy_that_reads_as_a_sentence():
    document = endpoint_causes()
    every = [cause for table in (*document.said.values(), *document.answered.values(), document.anywhere) for cause in table]
    assert all(cause.advice(**dict.fromkeys(PLACES, "x")).endswith(".") for cause in every)
    assert not any("{" in cause.advice() for cause in every)
