"""What one engine's run keeps of the host's answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import psutil
import pytest

from sdg.preflight import cache


@pytest.fixture
def engine(tmp_path):
    """A process that bears the engine's name."""
    program = tmp_path / cache.ENGINE
    program.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([program, "60"])
    yield process
    process.kill()
    process.wait()


def test_one_engine_asks_once_and_another_anew(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path / "run"))
    asked = []

    def ask():
        asked.append(1)
        return {"text": "x"}

    mine = psutil.Process(engine.pid)
    for _ in range(2):
        assert cache.once_per_update("q", ask, mine) == {"text": "x"}
    assert len(asked) == 1
    cache.once_per_update("another question", ask, mine)
    cache.once_per_update("q", ask, psutil.Process())
    assert len(asked) == 3
    files = list((tmp_path / "run").iterdir())
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_an_answer_that_somebody_else_could_have_written_is_not_believed(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path))
    mine = psutil.Process(engine.pid)
    cache.once_per_update("q", lambda: {"text": "true"}, mine)
    (kept,) = tmp_path.glob("sdg-preflight-*")
    kept.write_text(json.dumps({"text": "planted"}))
    kept.chmod(0o666)
    assert cache.once_per_update("q", lambda: {"text": "true"}, mine) == {"text": "true"}


def test_what_ended_engines_left_is_removed(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SDG_RUNTIME_DIR", str(tmp_path))
    left = tmp_path / f"sdg-preflight-{os.getuid()}-999999999-0.json"
    left.write_text("{}")
    cache.once_per_update("q", lambda: {"text": "x"}, psutil.Process(engine.pid))
    assert not left.exists()


def test_without_an_engine_every_call_asks():
    asked = []
    for _ in range(2):
        cache.once_per_update("q", lambda: asked.append(1) or {})
    assert len(asked) == 2
