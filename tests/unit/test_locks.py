import json
import os
import socket

import pytest

from cli.locks import locks


@pytest.fixture
def backend(tmp_path):
    def lock(project, stack, pid, host=None):
        folder = tmp_path / ".pulumi" / "locks" / "organization" / project / stack
        folder.mkdir(parents=True, exist_ok=True)
        content = {"pid": pid, "username": "u", "hostname": host or socket.gethostname(), "timestamp": "2030-01-01T00:00:00Z"}
        (folder / f"{pid}.json").write_text(json.dumps(content))
        return f"file://{tmp_path}"

    return lock


def test_a_lock_of_a_process_that_is_gone_is_not_held(backend):
    (lock,) = locks(backend("sdg", "lab", 2**22 + 1), "lab")
    assert not lock.held


def test_a_pid_that_was_given_to_another_program_holds_no_lock(backend):
    (lock,) = locks(backend("sdg", "lab", os.getpid()), "lab")
    assert not lock.held


def test_a_lock_of_another_host_may_be_held(backend):
    (lock,) = locks(backend("sdg", "lab", 1, host="elsewhere"), "lab")
    assert lock.held


def test_another_projects_stack_of_the_same_name_is_not_ours(backend):
    assert locks(backend("other", "lab", 1), "lab") == []


@pytest.mark.parametrize("url", ["https://api.example.com", "s3://bucket", "azblob://container"])
def test_other_backends_do_not_tell(url):
    assert locks(url, "lab") is None
