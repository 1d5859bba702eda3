"""Chart repositories on localhost: what Helm is served, and that it is the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
import yaml
from fastapi.testclient import TestClient

from rehearsal.services.charts import create_app
from rehearsal.services.packages import contents, packages
from rehearsal.tools import Tools
from sdg.catalog.versions import versions

CHARTS = Path(__file__).parents[3] / "rehearsal" / "charts"
INDEX = "/nvidia/osmo/index.yaml"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(create_app(CHARTS, tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Address of a repository that really listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(CHARTS, tmp_path / "work"), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/nvidia/osmo"
    server.should_exit = True
    thread.join(10)
    listener.close()


def test_helm_pulls_a_pinned_chart_from_the_repository(repository, tmp_path):
    environment = os.environ | {f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    command = [Tools.locate().path("helm"), "pull", "service", "--repo", repository, "--version", "1.3.1", "-d", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "service-1.3.1.tgz").read_bytes() == packages(CHARTS / "service")[0].content


def test_a_version_has_its_own_files_and_the_charts_other_ones():
    first, second = contents(CHARTS / "service"), contents(CHARTS / "service", "1.4.0")
    assert set(second) - set(first) == {"templates/migration.yaml"}
    different = {path for path in first if first[path] != second[path]}
    assert different == {"Chart.yaml", "values.yaml", "values.schema.json"}


def test_no_package_holds_the_differences_to_another_one():
    assert not [path for path in contents(CHARTS / "service") if path.startswith("versions/")]


def test_every_release_set_of_the_catalog_has_its_charts(client):
    entries = yaml.safe_load(client.get(INDEX).text)["entries"]
    wanted = {(release.chart, release.tag) for profile in versions().profiles.values() for release in profile.releases}
    assert all({(entry["version"], entry["appVersion"]) for entry in found} == wanted for found in entries.values())


def test_helm_names_a_version_that_the_repository_does_not_have(repository, tmp_path):
    environment = os.environ | {f"HELM_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "CONFIG", "DATA")}
    command = [Tools.locate().path("helm"), "pull", "service", "--repo", repository, "--version", "1.5.0", "-d", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert 'chart "service" version "1.5.0" not found' in found.stderr


def test_the_index_names_both_charts_with_their_real_versions(client):
    entries = yaml.safe_load(client.get(INDEX).text)["entries"]
    found = {name: [(entry["version"], entry["appVersion"]) for entry in versions] for name, versions in entries.items()}
    real = [("1.3.1", "6.3.1"), ("1.4.0", "6.4.0")]
    assert found == {"service": real, "backend-operator": real}


def test_the_indexs_digests_are_those_of_the_packages(client):
    for entry in (entry for found in yaml.safe_load(client.get(INDEX).text)["entries"].values() for entry in found):
        package = client.get(f"/nvidia/osmo/{entry['urls'][0]}")
        assert hashlib.sha256(package.content).hexdigest() == entry["digest"]


def test_a_package_does_not_depend_on_when_and_where_its_files_were_written(tmp_path):
    copy = tmp_path / "copy"
    for path in sorted((path for path in (CHARTS / "service").rglob("*") if path.is_file()), reverse=True):
        target = copy / path.relative_to(CHARTS / "service")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o600)
        os.utime(target, (1, 1))
    assert [found.digest for found in packages(copy)] == [found.digest for found in packages(CHARTS / "service")]


def test_a_package_changes_with_its_content(tmp_path):
    copy = shutil.copytree(CHARTS / "service", tmp_path / "copy")
    (copy / "values.yaml").write_text("{}")
    first, second = packages(copy), packages(CHARTS / "service")
    assert [found.digest for found in first if found in second] == []


def test_two_starts_serve_the_same_index(tmp_path):
    first, second = (TestClient(create_app(CHARTS, tmp_path / name)).get(INDEX) for name in ("a", "b"))
    assert (first.content, first.headers["etag"]) == (second.content, second.headers["etag"])


def test_a_second_start_finds_its_packages(tmp_path):
    create_app(CHARTS, tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    create_app(CHARTS, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == written


def test_what_the_client_has_already_is_not_sent_again(client):
    tag = client.get(INDEX).headers["etag"]
    again = client.get(INDEX, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/", "/index.yaml", "/NVIDIA/index.yaml", "/nvidia/osmo/charts/service-9.9.9.tgz", "/nvidia/osmo/../../x"]
)
def test_anything_else_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_the_catalogs_charts_lie_where_their_publishers_put_them(client):
    charts = versions().charts
    file, repository = charts["kai-scheduler"], charts["gpu-operator"]
    assert client.get(urlsplit(file.file_url).path).content == packages(CHARTS / "kai-scheduler")[0].content
    index = yaml.safe_load(client.get(f"{urlsplit(repository.repository).path}/index.yaml").text)
    assert [entry["version"] for entry in index["entries"][repository.name]] == [repository.version]


def test_the_fault_switch_makes_the_repository_answer_its_status(tmp_path):
    switches = {"charts.http": {"status": 502}}
    client = TestClient(create_app(CHARTS, tmp_path, switches))
    assert client.get(INDEX).status_code == 502
    switches.clear()
    assert client.get(INDEX).status_code == 200
