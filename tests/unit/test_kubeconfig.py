from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdg.settings.kubeconfig import KubeconfigError, candidates, read_kubeconfig


def kubeconfig(*names: str, current: str | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": f"{name}-cluster", "cluster": {"server": f"https://{name}:6443"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user"}} for name in names],
        "users": [{"name": f"{name}-user", "user": {"token": f"token-of-{name}"}} for name in names],
    }


def written(path: Path, document: object) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path


def test_only_the_chosen_context_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "config", kubeconfig("lab", "production", current="production"))
    found = read_kubeconfig([path], "lab")
    assert found.server == "https://lab:6443"
    assert "token-of-lab" in found.text
    assert "production" not in found.text
    assert yaml.safe_load(found.text)["current-context"] == "lab"


def test_without_a_context_the_current_one_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "config", kubeconfig("lab", "production", current="production"))
    assert read_kubeconfig([path], None).context == "production"


def test_the_proxy_in_front_of_the_cluster_is_read_and_not_shown(tmp_path: Path) -> None:
    document = kubeconfig("lab", current="lab")
    document["clusters"][0]["cluster"]["proxy-url"] = "http://me:planted@proxy:3128"
    found = read_kubeconfig([written(tmp_path / "config", document)], None)
    assert found.api_server.proxy == "http://me:planted@proxy:3128"
    assert "planted" not in repr(found)


def test_files_that_it_points_to_become_part_of_the_text(tmp_path: Path) -> None:
    document = kubeconfig("lab", current="lab")
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    document["users"][0]["user"] = {"tokenFile": "token"}
    (tmp_path / "ca.crt").write_bytes(b"certificate")
    (tmp_path / "token").write_text("from-a-file\n")
    text = yaml.safe_load(read_kubeconfig([written(tmp_path / "config", document)], None).text)
    assert text["clusters"][0]["cluster"]["certificate-authority-data"] == base64.b64encode(b"certificate").decode()
    assert text["users"][0]["user"] == {"token": "from-a-file"}


@pytest.mark.parametrize(
    ("content", "context", "sentence"),
    [
        (kubeconfig("lab", current="lab"), "prod", "holds no context 'prod'; its contexts: lab"),
        (kubeconfig("lab"), None, "has no current context; its contexts: lab"),
        ({"kind": "Config"}, None, "is not a kubeconfig: it lists no clusters"),
        ("planted: [", None, "is not a kubeconfig"),
        ({**kubeconfig("lab", current="lab"), "users": []}, None, "holds no user 'lab-user'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, content: object, context: str | None, sentence: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        read_kubeconfig([written(tmp_path / "config", content)], context)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_yaml_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("token: planted\n  : [")
    with pytest.raises(KubeconfigError, match="is not YAML") as caught:
        read_kubeconfig([path], None)
    assert "planted" not in str(caught.value)


def test_a_missing_certificate_file_is_named(tmp_path: Path) -> None:
    document = kubeconfig("lab", current="lab")
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    with pytest.raises(KubeconfigError, match="the file of certificate-authority"):
        read_kubeconfig([written(tmp_path / "config", document)], None)


def test_the_first_file_that_has_the_context_counts(tmp_path: Path) -> None:
    first = written(tmp_path / "first", kubeconfig("lab"))
    second = written(tmp_path / "second", kubeconfig("production", current="production"))
    assert read_kubeconfig([tmp_path / "absent", first, second], "production").path == second


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        ("/abs/config", {"KUBECONFIG": "/other"}, ["/abs/config"]),
        (".kube/config", {}, ["/project/.kube/config"]),
        (None, {"KUBECONFIG": os.pathsep.join(["/a", "/b"])}, ["/a", "/b"]),
        (None, {"KUBECONFIG": ""}, [str(Path("~/.kube/config").expanduser())]),
        ("~/lab", {}, [str(Path("~/lab").expanduser())]),
    ],
)
def test_the_setting_counts_before_the_environment_and_that_before_the_default(
    setting: str | None, environ: dict[str, str], expected: list[str]
) -> None:
    assert [str(path) for path in candidates(setting, environ, Path("/project"))] == expected
