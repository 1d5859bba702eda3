"""A stack as the program loads it: its endpoints and its workload, every problem at once, and nothing imported that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sdg.inference.model import InferencePlan, PlannedEndpoint
from sdg.preflight import plan as stages_of
from sdg.preflight.model import Finding, Subject
from sdg.settings.errors import SettingsError
from sdg.settings.loader import Sources, read
from sdg.settings.parse import parse

SPECS = Path(__file__).parents[2] / "data" / "specs"
GIVEN = {"dataset": "d", "run_id": "r", "storage_url": "s3://b", "gpu_platform": "gpu", "video": "v", "skills_dir": "/x"}
VDA = {"kind": "spec", "path": str(SPECS / "vda" / "e2e.yaml"), "strings": GIVEN}
KEYS = {"NGC_API_KEY": "nvapi-1", "HF_TOKEN": "hf_1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    entry = {"name": "lab", "cluster": {"server": "https://127.0.0.1:9"}}
    context = {"name": "lab", "context": {"cluster": "lab", "user": "me"}}
    user = {"name": "me", "user": {"token": "planted-token"}}
    document = {"apiVersion": "v1", "kind": "Config", "current-context": "lab", "clusters": [entry], "contexts": [context], "users": [user]}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    return tmp_path


def sources(project: Path, environ: dict[str, str] | None = None, **said: object) -> Sources:
    cluster = {"kind": "existing", "name": "lab-1", "kubeconfig": "kubeconfig", "gpus": 4}
    config = {key: json.dumps(value) for key, value in {"cluster": cluster, **said}.items()}
    return Sources(config, frozenset(), environ or {}, project)


def test_a_stack_knows_its_endpoints_and_what_its_workload_needs(project: Path) -> None:
    seen: list[Subject] = []

    def preflight(subject: Subject) -> list[Finding]:
        seen.append(subject)
        return []

    stack = read(sources(project, KEYS, inference={"provider": "nim-operator"}, workload=VDA), preflight)
    assert [endpoint.name for endpoint in stack.inference.endpoints] == ["qwen25-14b", "qwen3-vl"]
    assert stack.workload is not None
    assert stack.workload.needs.peak.gpu == 2
    [subject] = seen
    assert (subject.inference, subject.workload) == (stack.inference, stack.workload)
    assert "planted-token" in (subject.kubeconfig or "")
    assert "planted-token" not in repr(subject)


def test_problems_of_endpoints_and_workload_come_with_all_others(project: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(sources(project, inference={"provider": "nim-operator"}, workload={**VDA, "strings": {}}, osmo={"profile": "7.0"}))
    text = str(caught.value)
    for sentence in ("sdg:osmo.profile must be", "sdg:ngcApiKey is required", f"sdg:workload: the spec {VDA['path']}: "):
        assert sentence in text


def test_what_is_worth_knowing_is_a_note_and_stops_nothing(project: Path) -> None:
    read(sources(project, workload=VDA))  # without a provider, somebody else serves the workload
    assert Finding("inference-plan", "seen").severity == "note"


def test_a_stack_without_models_and_workload_imports_nothing_for_them(project: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sdg.settings.loader import Sources, look\n"
        f"look(Sources({dict(sources(project).config)!r}, (), {{}}, Path({str(project)!r})))\n"
        "print(*sorted(name for name in sys.modules if name.startswith(('jinja2', 'sdg.inference', 'sdg.workload', 'sdg.spec.'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["sdg.inference", "sdg.inference.model", "sdg.workload", "sdg.workload.model"]


def test_endpoints_are_stages_beside_osmo() -> None:
    settings = parse({"cluster": {"kind": "existing", "name": "lab-1"}})
    nim = PlannedEndpoint("qwen3-vl", "nim-operator", "m", ("vlm",), "http://a", "/v1/models")
    own = PlannedEndpoint("mine", "external", "m", ("chat",), "http://b", "/v1/models")
    without = stages_of.stages(settings)
    planned = stages_of.stages(settings, InferencePlan((nim, own)))
    added = [stage for stage in planned if stage.name.startswith("inference")]
    assert [stage.name for stage in added] == ["inference-nims", "inference-elsewhere"]
    assert "qwen3-vl" in added[0].creates
    assert {stage.lane for stage in planned if stage.name.startswith("osmo")} == {"osmo"}
    assert len(without) == len(planned) - 2
    # side by side, the slowest lane counts
    osmo = sum(stage.minutes[1] for stage in planned if stage.name.startswith("osmo"))
    assert stages_of.total(planned)[1] == pytest.approx(stages_of.total(without)[1] - osmo + max(osmo, added[0].minutes[1]))
