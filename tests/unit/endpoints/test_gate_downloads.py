"""The gate of downloads: what it says while models come, and why they don't."""

import pytest

from sdg.gates.checks import Status
from sdg.gates.downloads import DownloadsRecord
from sdg.gates.probes.downloads import Download, DownloadsProbe
from sdg.gates.probes.pod_logs import PodLogs, progress
from tests.unit.endpoints.cluster import RUNNING, Cluster, claim, event, job, job_pod, pod, waiting

MODEL = "Qwen/Qwen2.5-14B-Instruct"


def entry(nim="llm", **more):
    return {"nim": nim, "model": MODEL, "namespace": "osmo-nims", "job": f"{nim}-hf-download", **more}


def probe(cluster, *entries):
    return DownloadsProbe(cluster, [Download.of(each) for each in entries or [entry()]], "pulumi up --stack s")


def failing(status, tries=2):
    last = {"exitCode": 1, "reason": "Error", "message": f"HTTP {status}: Hugging Face says no"}
    return job_pod(state=waiting("CrashLoopBackOff", "back-off 40s"), last=last, restarts=tries)


def test_jobs_that_are_complete_are_green():
    found = probe(Cluster(jobs=[job(condition="Complete")])).look()
    assert found.status is Status.PASSED


def test_all_jobs_are_seen_at_once():
    jobs = [job(condition="Complete"), job("vlm-hf-download")]
    found = probe(Cluster(jobs=jobs), entry(), entry("vlm")).look()
    assert [check.status for check in found.checks] == [Status.PASSED, Status.FAILED]
    assert set(found.evidence["downloads"]) == {"llm", "vlm"}


def test_a_download_that_goes_on_says_how_far_it_is_and_is_not_stuck():
    cluster = Cluster(jobs=[job(minutes=12.5)], pods=[job_pod(state=RUNNING)])
    cluster.logs["llm-hf-download-1"] = "Fetching 17 files\nmodel:  10%|#  | 5.8G/58.2G\rmodel:  35%|###   | 20.1G/58.2G [10:02<19:01]"
    (check,) = probe(cluster, entry(minutes=60.0)).look().checks
    assert check.observed.startswith("downloading, 12 of about 60 min, 35%, 20.1G of 58.2G")
    assert (check.subject, check.stuck, check.final) == (f"{MODEL} for NIM llm", False, False)


def test_a_download_that_is_refused_as_too_much_is_waited_for_until_it_is_given_up():
    cluster = Cluster(jobs=[job()], pods=[failing(429)])
    seeing = probe(cluster)
    (check,) = seeing.look().checks
    assert ("TooManyRequests" in check.observed, check.final) == (True, False)
    assert "tries again" in check.remedy
    cluster.held |= {"jobs": [job(condition="Failed", reason="BackoffLimitExceeded")], "pods": []}
    (check,) = seeing.look().checks
    assert check.final
    assert "BackoffLimitExceeded" in check.observed
    assert "HTTP 429" in check.observed  # its pod is gone, and with it the only place that said so
    assert "sdg:hfToken" in check.remedy


@pytest.mark.parametrize(("status", "cause"), [(401, "TokenRefused"), (403, "ModelGated"), (404, "ModelMissing")])
def test_a_refusal_is_named_with_what_to_do(status, cause):
    (check,) = probe(Cluster(jobs=[job()], pods=[failing(status)])).look().checks
    assert cause in check.observed
    assert "pulumi" in check.remedy


def test_a_class_without_shared_volumes_is_named():
    words = "failed to provision volume: access mode: MULTI_NODE_MULTI_WRITER"
    cluster = Cluster(
        jobs=[job()],
        pods=[job_pod(node=None, scheduled="False", words="pod has unbound immediate PersistentVolumeClaims")],
        persistentvolumeclaims=[claim("llm-hf-download-pvc", phase="Pending")],
        events=[event("ProvisioningFailed", words, "llm-hf-download-pvc", "PersistentVolumeClaim")],
    )
    (check,) = probe(cluster, entry(storageClass="fast")).look().checks
    assert "StorageClassNotShared" in check.observed
    assert "StorageClass fast" in check.remedy


def test_a_job_that_vanished_is_final_with_the_way_back():
    (check,) = probe(Cluster(jobs=[])).look().checks
    assert (check.observed, check.final, check.remedy) == ("no such object", True, "pulumi up --stack s")


def test_a_missing_token_is_final_and_named():
    cluster = Cluster(jobs=[job()], pods=[job_pod(state=waiting("CreateContainerConfigError", 'secret "hf-token-secret" not found'))])
    (check,) = probe(cluster).look().checks
    assert check.final
    assert "hf-token-secret" in check.remedy


def test_a_cluster_that_does_not_answer_is_a_red_check():
    given = {"connection": {"kubeconfig": "{}", "context": None}, "downloads": [entry()], "deadline": 0.0}
    found = DownloadsRecord.observe(given, {})
    assert found.status is Status.FAILED


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["Fetching 5 files: 100%|####| 5/5"], "100%"),
        (["12.5%"], "12.5%"),
        (["20.1G/58.2G"], "20.1G of 58.2G"),
        (["58 GB of 120 GB"], "58 GB of 120 GB"),
        (["35%", "done with a file"], "35%"),
        (["nothing to see"], ""),
        ([], ""),
        (["1135% of nothing"], ""),
    ],
)
def test_progress_is_read_from_the_last_line_that_shows_some(lines, said):
    assert progress(lines) == said


def test_a_log_is_read_now_and_then_only():
    cluster = Cluster()
    cluster.logs["llm-1"] = "one"
    logs, of = PodLogs(cluster), pod(state=RUNNING)
    assert [logs.last(of) for _ in range(20)] == [["one"]] * 20
    assert len(cluster.asked) == 1


def test_a_log_that_cannot_be_read_is_no_lines():
    assert PodLogs(Cluster()).last(pod(state=RUNNING)) == []


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ('{"level": "INFO", "message": "Loading"}', "Loading"),
        ("{not json", "{not json"),
        ('{"other": 1}', '{"other": 1}'),
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("[" * 50, "[" * 50),
        ("x" * 5000, "x" * 200),
    ],
)
def test_lines_of_a_log_are_made_readable(raw, line):
    cluster = Cluster()
    cluster.logs["llm-1"] = f"{raw}\n\n"
    assert PodLogs(cluster).last(pod(state=RUNNING)) == [line]
