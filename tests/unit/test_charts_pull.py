"""Charts that a stack installs: which, from where, fetched with the real helm from a real server, and refused when they changed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from cli.charts import sections
from rehearsal.services.charts import create_app
from rehearsal.tools import Tools
from sdg.catalog.versions import versions
from sdg.charts import wanted
from sdg.charts.digests import FILE, DigestChangedError, Digests, DigestsUnreadableError
from sdg.charts.download import DownloadFailedError
from sdg.charts.pull import PullFailedError, pull
from sdg.charts.wanted import Located, PinnedChart, located, pinned
from sdg.preflight import charts as preflight
from sdg.settings.cluster import ExistingCluster, MicroK8s
from sdg.settings.mirror import Mirror
from sdg.settings.osmo import Osmo
from sdg.settings.parse import parse
from sdg.settings.platform import KaiScheduler, Platform
from sdg.settings.rules import Sections

CHARTS = Path(__file__).parents[2] / "rehearsal" / "charts"
EXISTING = ExistingCluster.model_validate({"kind": "existing", "name": "lab"})
GPU_OPERATOR = Platform.model_validate({"gpuOperator": {"install": True}})


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """Folder whose content the mirror serves: the rehearsal's charts, below their publishers' paths."""
    create_app(CHARTS, tmp_path / "served")
    return tmp_path / "served"


@pytest.fixture
def mirror(served: Path) -> Iterator[Mirror]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield Mirror(charts={"https://helm.ngc.nvidia.com": address}, downloads={"https://github.com": address})
    server.shutdown()
    server.server_close()


@pytest.fixture
def helm() -> Path:
    return Tools.locate().path("helm")


def _sections(**changed: object) -> Sections:
    known = {"cluster": EXISTING, "platform": Platform(), "osmo": Osmo(), "mirror": Mirror()}
    return Sections(**{**known, **changed})  # type: ignore[typeddict-item]


def _names(sections: Sections) -> list[str]:
    return [chart.file_name for chart in wanted.wanted(sections)]


def test_a_stack_wants_both_charts_of_its_profile_and_the_scheduler() -> None:
    release = versions().profiles["6.3"].releases[0].chart
    kai = pinned("kai-scheduler")
    assert _names(_sections()) == [f"service-{release}.tgz", f"backend-operator-{release}.tgz", kai.file_name]
    assert (kai.name, kai.version) == ("kai-scheduler", kai.source.version)


def test_another_profile_wants_other_versions() -> None:
    release = versions().profiles["6.4"].releases[0].chart
    assert f"service-{release}.tgz" in _names(_sections(osmo=Osmo(profile="6.4")))


def test_what_a_stack_does_not_install_is_not_wanted() -> None:
    assert all("kai" not in name for name in _names(_sections(platform=Platform(kai_scheduler=KaiScheduler(install=False)))))


def test_the_gpu_operators_chart_is_wanted_with_gpus_and_where_no_addon_brings_it() -> None:
    with_gpus = EXISTING.model_copy(update={"gpus": 2})
    file = pinned("gpu-operator").file_name
    assert file in _names(_sections(cluster=with_gpus, platform=GPU_OPERATOR))
    assert file not in _names(_sections(cluster=EXISTING, platform=GPU_OPERATOR))
    microk8s = MicroK8s.model_validate({"kind": "microk8s", "name": "lab", "gpus": 1})
    assert file not in _names(_sections(cluster=microk8s, platform=GPU_OPERATOR))


@pytest.mark.parametrize("also", [False, True])
def test_the_nim_operators_chart_is_pulled_where_the_stack_serves_nims(also: bool) -> None:
    nims = {"provider": "nim-operator"}
    elsewhere = {"provider": "nvcf", "functions": {"qwen25-14b": "00000000-0000-0000-0000-000000000000"}, "also": [nims]}
    stack = {"cluster": {"kind": "existing", "name": "lab", "gpus": 1}, "inference": elsewhere if also else nims}
    file = pinned("nim-operator").file_name
    assert file in _names(sections(parse(stack)))
    assert file not in _names(sections(parse({**stack, "inference": {"provider": "none"}})))


def test_sections_that_could_not_be_read_want_nothing() -> None:
    assert wanted.wanted(Sections()) == []
    assert wanted.wanted(Sections(osmo=Osmo.model_construct(profile="9.9", chart_version=None))) == []


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ({}, Located("service", "https://helm.ngc.nvidia.com/nvidia/osmo")),
        ({"charts": {"https://helm.ngc.nvidia.com": "http://m/ngc"}}, Located("service", "http://m/ngc/nvidia/osmo")),
        ({"charts": {"https://helm.ngc.nvidia.com": "oci://m/ngc"}}, Located("oci://m/ngc/nvidia/osmo/service")),
        ({"folder": "charts"}, Located("./charts/service-9.9.9.tgz")),
        ({"folder": "./deep/charts/"}, Located("./deep/charts/service-9.9.9.tgz")),
        ({"folder": "/srv/charts"}, Located("/srv/charts/service-9.9.9.tgz")),
    ],
)
def test_a_chart_is_located_as_the_mirror_says(mirror: dict[str, object], expected: Located) -> None:
    assert located(pinned("osmo-service", "9.9.9"), Mirror.model_validate(mirror)) == expected


def test_a_chart_that_is_published_as_a_file_is_located_by_the_mirror_of_downloads() -> None:
    chart = pinned("kai-scheduler")
    path = chart.published.removeprefix("https://github.com")
    assert located(chart, Mirror(downloads={"https://github.com": "http://m/gh"})) == Located(f"http://m/gh{path}")


def test_a_chart_without_any_version_is_a_defect_that_is_named() -> None:
    with pytest.raises(ValueError, match="osmo-service has no version"):
        pinned("osmo-service")


def test_charts_are_fetched_through_the_mirror_and_recorded_once(mirror: Mirror, helm: Path, served: Path, tmp_path: Path) -> None:
    folder = tmp_path / "charts"
    charts = wanted.wanted(_sections(cluster=EXISTING.model_copy(update={"gpus": 1}), platform=GPU_OPERATOR))
    first = pull(charts, folder, mirror, helm)
    assert [(pulled.file_name, pulled.new) for pulled in first] == [(chart.file_name, True) for chart in charts]
    record = (folder / FILE).read_text()
    assert yaml.safe_load(record)["files"][charts[0].file_name]["source"] == "https://helm.ngc.nvidia.com/nvidia/osmo"
    assert (folder / charts[0].file_name).read_bytes() == (served / f"nvidia/osmo/charts/{charts[0].file_name}").read_bytes()
    assert not any(pulled.new for pulled in pull(charts, folder, mirror, helm))
    assert (folder / FILE).read_text() == record
    assert {path.name for path in folder.iterdir()} == {FILE, *(chart.file_name for chart in charts)}


def _replace_published(served: Path, chart: PinnedChart) -> Path:
    (package,) = served.rglob(chart.file_name)
    package.write_bytes(package.read_bytes() + b"\0")
    return package


def test_a_chart_that_changed_under_its_version_is_refused_and_nothing_is_overwritten(
    mirror: Mirror, helm: Path, served: Path, tmp_path: Path
) -> None:
    folder, service, kai = tmp_path / "charts", pinned("osmo-service", "1.3.1"), pinned("kai-scheduler")
    (pulled,) = pull([service], folder, mirror, helm)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    _replace_published(served, service)
    with pytest.raises(DigestChangedError) as refused:
        pull([kai, service], folder, mirror, helm)
    for said in ("service 1.3.1", pulled.recorded.sha256, f"remove {service.file_name} from {FILE}", "Nothing was overwritten"):
        assert said in str(refused.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_every_change_is_said_at_once(mirror: Mirror, helm: Path, served: Path, tmp_path: Path) -> None:
    charts = wanted.wanted(_sections())
    pull(charts, tmp_path / "charts", mirror, helm)
    for chart in charts:
        _replace_published(served, chart)
    with pytest.raises(DigestChangedError) as refused:
        pull(charts, tmp_path / "charts", mirror, helm)
    assert all(chart.name in str(refused.value) for chart in charts)


def test_a_kept_file_that_changed_is_not_overwritten_either(mirror: Mirror, helm: Path, tmp_path: Path) -> None:
    folder, kai = tmp_path / "charts", pinned("kai-scheduler")
    pull([kai], folder, mirror, helm)
    (folder / kai.file_name).write_bytes(b"edited")
    with pytest.raises(DigestChangedError, match="kai-scheduler"):
        pull([kai], folder, mirror, helm)
    assert (folder / kai.file_name).read_bytes() == b"edited"


def test_what_cannot_be_fetched_is_named_with_where_it_was_looked_for(mirror: Mirror, helm: Path, tmp_path: Path) -> None:
    with pytest.raises(PullFailedError, match=r"service 9\.9\.9 cannot be fetched from http://127.*sdg:mirror.charts"):
        pull([pinned("osmo-service", "9.9.9")], tmp_path / "charts", mirror, helm)
    nowhere = Mirror(downloads={"https://github.com": "http://user:password@127.0.0.1:1"})
    with pytest.raises(DownloadFailedError, match=r"http://127\.0\.0\.1:1/.*sdg:mirror.downloads") as failed:
        pull([pinned("kai-scheduler")], tmp_path / "charts", nowhere, helm)
    assert "password" not in str(failed.value)
    assert list((tmp_path / "charts").iterdir()) == []


def test_from_a_registry_helm_gets_the_charts_whole_address(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_text('#!/bin/sh\necho "$@" >"$(dirname "$0")/asked"\nprintf chart >"$6/service-1.3.1.tgz"\n', encoding="utf-8")
    helm.chmod(0o700)
    mirror = Mirror(charts={"https://helm.ngc.nvidia.com": "oci://registry.example.com/ngc"})
    pull([pinned("osmo-service", "1.3.1")], tmp_path / "charts", mirror, helm)
    assert (
        (tmp_path / "asked")
        .read_text()
        .startswith("pull oci://registry.example.com/ngc/nvidia/osmo/service --version 1.3.1 --destination ")
    )


@pytest.mark.parametrize(
    "text", ["files: 7\n", "files: {x.tgz: {name: x}}\n", "{", "files: {x: {name: a, version: b, source: c, sha256: short}}\n"]
)
def test_a_record_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(DigestsUnreadableError, match="restore it from version control"):
        Digests.read(tmp_path)


def test_preflight_is_silent_without_a_folder_and_with_the_recorded_files(mirror: Mirror, helm: Path, tmp_path: Path) -> None:
    assert list(preflight.problems(_sections(), tmp_path)) == []
    pull(wanted.wanted(_sections()), tmp_path / "charts", mirror, helm)
    assert list(preflight.problems(_sections(mirror=Mirror(folder="charts")), tmp_path)) == []


def test_preflight_names_every_chart_that_is_missing_changed_or_not_recorded(mirror: Mirror, helm: Path, tmp_path: Path) -> None:
    sections = _sections(mirror=Mirror(folder="charts"))
    charts = wanted.wanted(sections)
    pull(charts, tmp_path / "charts", mirror, helm)
    missing, changed, unrecorded = (chart.file_name for chart in charts)
    (tmp_path / "charts" / missing).unlink()
    (tmp_path / "charts" / changed).write_bytes(b"edited")
    digests = Digests.read(tmp_path / "charts")
    Digests(files={name: recorded for name, recorded in digests.files.items() if name != unrecorded}).write(tmp_path / "charts")
    problems = list(preflight.problems(sections, tmp_path))
    assert [problem.partition(":")[0] for problem in problems] == ["sdg"] * 3
    assert "is missing" in problems[0]
    assert digests.files[changed].sha256 in problems[1]
    assert f"holds no digest of {unrecorded}" in problems[2]


def test_preflight_says_that_a_record_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / FILE).write_text("files: 7", encoding="utf-8")
    (problem,) = preflight.problems(_sections(mirror=Mirror(folder="charts")), tmp_path)
    assert problem.startswith("sdg:mirror.folder: ")
