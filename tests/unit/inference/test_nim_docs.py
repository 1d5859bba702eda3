"""The guide says of every NIM what the catalog says."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.inference.nim_operator.download import TRIES
from sdg.catalog.nims import nims

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "inference.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in GUIDE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("name", sorted(nims()))
def test_a_nims_row_is_what_the_catalog_says(name):
    nim = nims()[name]
    (row,) = [row for row in ROWS if row[0] == f"`{name}`"]
    memory = f"{nim.vram_gib} GiB" if nim.vram_gib else "not said"
    token = "yes" if nim.hf_token else ""
    assert row[1:] == [f"`{nim.model}`", str(nim.gpus), memory, nim.memory, nim.volume.size, token, ", ".join(nim.capabilities)]


def test_the_guide_names_those_that_jobs_download_and_how_often_they_try():
    downloaded = [f"`{name}`" for name, nim in sorted(nims().items()) if nim.hugging_face and nim.hugging_face.download == "job"]
    assert f"({', '.join(downloaded)})" in GUIDE
    assert f"up to {TRIES} times" in GUIDE
