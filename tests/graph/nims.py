"""The program with NIMs under mocks: its graphs, each made once."""

import json

import pytest

KEYS = {"NGC_API_KEY": "planted-ngc-key", "HF_TOKEN": "planted-hf-token"}
GPUS = 16
MADE = {}  # graphs by what they were made of


@pytest.fixture
def run_nims(run_program, monkeypatch):
    """Makes the graph of some NIMs, once; nobody changes it. What is named beside `cluster`, `mirror` and `data` is of `sdg:inference`."""

    def run(*services, token=KEYS["HF_TOKEN"], ngc=KEYS["NGC_API_KEY"], cluster=None, mirror=None, data="delete", **inference):
        monkeypatch.setenv("NGC_API_KEY", ngc)
        monkeypatch.setenv("HF_TOKEN", token)
        sections = {
            "cluster": cluster or {"gpus": GPUS},
            "inference": {"provider": "nim-operator", "services": services, **inference},
            "mirror": mirror or {},
            "data": data,
        }
        key = json.dumps([sections, token, ngc], sort_keys=True)
        if key not in MADE:
            MADE[key] = run_program(**sections)
        return MADE[key]

    return run
