from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sdg.catalog import mirror
from sdg.catalog.compatibility import Matrix, matrix, refusal
from sdg.catalog.key_shapes import REDACTED, key_shape, redacted
from sdg.catalog.secret_paths import look_up, secret_paths
from sdg.catalog.versions import Versions, versions

TOKEN = "Ab3dEfGh1jKlMn0pQrStUvWxYz-0123456789_AbCdE"


@pytest.mark.parametrize(
    ("cluster", "provider", "refused"),
    [
        ("existing", "none", False),
        ("existing", "foundry", True),
        ("microk8s", "nim-operator", False),
        ("microk8s", "foundry", True),
        ("azure", "foundry", False),
        ("a-kind-of-tomorrow", "none", True),
        ("azure", "a-provider-of-tomorrow", True),
    ],
)
def test_a_pair_is_refused_unless_the_matrix_allows_it(cluster: str, provider: str, refused: bool) -> None:
    assert bool(refusal(cluster, provider)) is refused


def test_a_refusal_says_why_and_what_is_possible() -> None:
    assert refusal("microk8s", "foundry") == (
        "foundry cannot be used on microk8s: Azure AI Foundry needs the identities of an Azure cluster. "
        "On microk8s: none, nim-operator, nvcf, external; foundry runs on: azure."
    )


def test_every_deployable_cluster_and_provider_can_be_combined_with_something() -> None:
    deployable = matrix().deployable_providers()
    assert all(set(matrix().clusters[name].inference) & set(deployable) for name in matrix().deployable_clusters())


def test_a_matrix_that_allows_an_undescribed_provider_is_refused() -> None:
    with pytest.raises(ValidationError, match="providers that no line describes: ghost"):
        Matrix.model_validate({"clusters": {"a": {"deployable": True, "inference": ["ghost"]}}, "providers": {}, "reasons": []})


def test_a_profile_pins_charts_images_and_client_as_one_set() -> None:
    release = versions().profiles["6.3"].release()
    assert release is not None
    assert (release.chart, release.tag, release.cli) == ("1.3.1", "6.3.1", "6.3.1")
    assert versions().profiles["6.3"].release("9.9.9") is None


def test_an_image_without_a_fixed_tag_is_refused() -> None:
    loose = versions().model_dump() | {"images": {"minio": "quay.io/minio/minio:latest", "minio-client": "host:5000/mc"}}
    with pytest.raises(ValidationError, match="images without a fixed tag: minio, minio-client"):
        Versions.model_validate(loose)


def test_importing_the_catalog_reads_none_of_its_documents() -> None:
    program = """
import sys

read = []
sys.addaudithook(lambda event, args: read.append(args) if event == "open" and str(args[0]).endswith(".yaml") else None)
import sdg.catalog.compatibility, sdg.catalog.key_shapes, sdg.catalog.secret_paths, sdg.catalog.versions

sys.exit(len(read))
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("reference", "mapping", "expected"),
    [
        ("nvcr.io/nvidia/osmo", {}, "nvcr.io/nvidia/osmo"),
        ("nvcr.io/nvidia/osmo/service:6.3.1", {"nvcr.io": "m.example/ngc"}, "m.example/ngc/nvidia/osmo/service:6.3.1"),
        ("nvcr.io/nvidia/osmo/service:6.3.1", {"nvcr.io": "a", "nvcr.io/nvidia/osmo": "b/"}, "b/service:6.3.1"),
        ("nvcr.io/nvidia-tools/x:1", {"nvcr.io/nvidia": "m"}, "nvcr.io/nvidia-tools/x:1"),
        ("nvcr.io.evil.example/x:1", {"nvcr.io": "m"}, "nvcr.io.evil.example/x:1"),
        ("alpine:3.20", {"docker.io": "m"}, "m/library/alpine:3.20"),
        ("alpine:3.20", {}, "alpine:3.20"),
        ("minio/mc:1", {"docker.io": "m"}, "m/minio/mc:1"),
        ("docker.io/alpine:3.20", {"docker.io/library": "m"}, "m/alpine:3.20"),
        ("index.docker.io/library/alpine:3.20", {"docker.io": "m"}, "m/library/alpine:3.20"),
        ("localhost:5000/x:1", {"localhost:5000": "m"}, "m/x:1"),
        ("quay.io/minio/minio@sha256:00", {"quay.io/minio/minio": "m/minio"}, "m/minio@sha256:00"),
    ],
)
def test_an_image_goes_to_the_mirror_with_the_longest_prefix(reference: str, mapping: dict[str, str], expected: str) -> None:
    assert mirror.image(reference, mapping) == expected


@pytest.mark.parametrize(
    ("url", "mapping", "expected"),
    [
        ("https://helm.ngc.nvidia.com/nvidia/osmo", {"https://helm.ngc.nvidia.com": "http://m"}, "http://m/nvidia/osmo"),
        ("https://helm.ngc.nvidia.com/nvidia/osmo", {"https://helm.ngc.nvidia.com/nvidia/": "oci://m/x/"}, "oci://m/x/osmo"),
        (
            "https://helm.ngc.nvidia.com/nvidia/osmo",
            {"https://helm.ngc.nvidia.com/nv": "http://m"},
            "https://helm.ngc.nvidia.com/nvidia/osmo",
        ),
        ("oci://ghcr.io/nvidia/kai", {"oci://ghcr.io": "oci://m"}, "oci://m/nvidia/kai"),
    ],
)
def test_a_chart_repository_goes_to_the_mirror_with_the_longest_prefix(url: str, mapping: dict[str, str], expected: str) -> None:
    assert mirror.chart_repository(url, mapping) == expected


@pytest.mark.parametrize(
    ("url", "mapping", "expected"),
    [
        ("https://a1.api.example/v1", {"https://*.api.example": "http://mirror/*"}, "http://mirror/a1/v1"),
        ("https://a1.api.example/v1", {"https://*.api.example": "http://m/*", "https://a1.api.example": "http://own"}, "http://own/v1"),
        ("https://api.example/v1", {"https://*.api.example": "http://mirror/*"}, "https://api.example/v1"),
        ("https://a.b.api.example/v1", {"https://*.api.example": "http://mirror/*"}, "https://a.b.api.example/v1"),
        ("http://a1.api.example", {"https://*.api.example": "http://mirror/*"}, "http://a1.api.example"),
        ("https://a1.api.example.evil/", {"https://*.api.example": "http://mirror/*"}, "https://a1.api.example.evil/"),
        ("https://localhost", {"https://*.localhost": "http://mirror"}, "https://localhost"),
    ],
)
def test_a_web_api_goes_to_the_mirror_of_its_host_or_of_all_hosts_like_it(url: str, mapping: dict[str, str], expected: str) -> None:
    assert mirror.api(url, mapping) == expected


@given(st.text(min_size=1))
def test_what_no_prefix_names_comes_back_as_it_was(reference: str) -> None:
    assert mirror.image(reference, {"a-registry.example": "m"}) == reference


@pytest.mark.parametrize(
    ("text", "label", "shape"),
    [
        ("nvapi-abcdefgh12345678", "", "NVIDIA API key"),
        ("export HF_TOKEN=hf_abcdefgh12345678", "", "Hugging Face token"),
        ("AccountName=a;AccountKey=" + "A1b2" * 21 + "A1==;EndpointSuffix=x", "", "Azure connection string"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", "", "private key"),
        ("A1b2" * 21 + "Ab==", "", "Azure account key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "", "JSON web token"),
        ("postgres://osmo:hunter2hunter2@db:5432/osmo", "", "password in a URL"),
        ("postgres://osmo:$(PASSWORD)@db:5432/osmo", "", None),
        ("Authorization: Bearer abcdefghij0123456789", "", "bearer token"),
        (TOKEN, "accessToken", "token of 43 characters"),
        (TOKEN, "description", None),
        (f"serve --token={TOKEN}", "", "token of 43 characters"),
        (f"serve --token {TOKEN}", "", "token of 43 characters"),
        ("p0123456789abcdef0123456789abcdef", "dbPassword", "random text"),
        ("p0123456789abcdef0123456789abcdef", "valuesHash", None),
        ("0123456789abcdef0123456789abcdef", "secretChecksum", None),
        ("default-admin-secret", "passwordSecretName", None),
        ("osmo-operator-token", "accountTokenSecret", None),
        ("nvidia.com/gpu", "key", None),
        ("quay.io/minio/minio@sha256:" + "0a" * 32, "image", None),
        ("a plain sentence about a token that is long enough", "description", None),
    ],
)
def test_a_value_is_known_by_its_shape_and_by_what_it_is_called(text: str, label: str, shape: str | None) -> None:
    assert key_shape(text, label) == shape


def test_redaction_leaves_the_text_around_a_credential() -> None:
    text = redacted(f"login with nvapi-abcdefgh12345678 or token={TOKEN} failed: 401")
    assert text == f"login with {REDACTED} or token={REDACTED} failed: 401"


@pytest.mark.parametrize(
    ("resource_type", "path", "properties", "reason"),
    [
        ("kubernetes:core/v1:Secret", ("stringData", "token"), {}, "a Secret is where"),
        ("kubernetes:core/v1:ConfigMap", ("data", "mek.yaml"), {"metadata": {"name": "mek-config"}}, "OSMO's images read"),
        ("kubernetes:core/v1:ConfigMap", ("data", "mek.yaml"), {"metadata": {"name": "other"}}, None),
        ("kubernetes:core/v1:ConfigMap", ("data", "token"), {"metadata": {"name": "mek-config"}}, None),
        ("kubernetes:helm.sh/v3:Release", ("values", "services", "postgres", "password"), {"chart": "service"}, "OSMO's chart"),
        ("kubernetes:helm.sh/v3:Release", ("values", "services", "redis", "password"), {"chart": "service"}, None),
        ("pulumi-python:dynamic/gate:Record", ("connection", "kubeconfig"), {}, "gates"),
        ("pulumi-python:dynamic/gate:Record", ("evidence",), {}, None),
    ],
)
def test_a_credential_may_stand_at_listed_paths_only(
    resource_type: str, path: tuple[str, ...], properties: dict[str, object], reason: str | None
) -> None:
    place = secret_paths().place(resource_type, path, look_up(properties))
    assert (place is None) if reason is None else (place is not None and place.reason.startswith(reason))
