"""Measures how long it takes to render, judge and discover workflow specs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from cli.project import ROOT
from sdg.spec.discover import Needs, discover
from sdg.spec.render import render
from sdg.spec.validate import validate
from sdg.spec.values import Values

COUNT: Final = 1000
SPECS: Final = ROOT / "tests" / "data" / "specs"
FOLDERS: Final = ("vda", "dig")
SUBMISSION: Final = {
    "dataset": "bench",
    "run_id": "run-0a1b2c3d",
    "storage_url": "s3://bench",
    "gpu_platform": "gpu",
    "video": "clip",
    "skills_dir": "/opt/workload",
    "name": "bench-0a1b2c3d",
    "uc3_zip_url_root": "s3://bench/zip/",
}


def one_by_one() -> float:
    """Seconds for COUNT specs, no two of them alike, so that nothing that was kept of one serves another."""
    texts = [path.read_text(encoding="utf-8") for path in specs()]
    render(texts[0], Values(strings=SUBMISSION))  # what renders is a process that starts once
    began = time.monotonic()
    for number in range(COUNT):
        needs_of(unlike(texts[number % len(texts)], number))
    return time.monotonic() - began


def specs() -> list[Path]:
    """The project's own specs that are shaped like the published workloads."""
    return sorted(path for folder in FOLDERS for path in (SPECS / folder).rglob("*.yaml"))


def unlike(text: str, number: int) -> str:
    """A spec that no other one equals."""
    return text.replace("workflow:\n", f"workflow:\n  # the {number}th of them\n", 1)


def needs_of(text: str) -> Needs:
    """What a spec needs, all the way from its text."""
    rendered = render(text, Values(strings=SUBMISSION))
    validate(rendered)
    return discover(rendered)
