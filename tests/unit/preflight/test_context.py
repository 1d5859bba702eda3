"""The user's kubeconfig: whose context bears the cluster's name, and where it leads."""

from __future__ import annotations

import pytest
import yaml

OWNER = "sdg/lab"


def kubeconfig(server, owner=None):
    extensions = [{"name": "sdg", "extension": {"owner": owner}}] if owner else []
    context = {"cluster": "c", "user": "u", "extensions": extensions}
    return yaml.safe_dump(
        {
            "contexts": [{"name": "microk8s", "context": context}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "planted-token"}}],
        }
    )


@pytest.mark.parametrize(
    ("server", "owner", "refused"),
    [
        ("https://127.0.0.1:16443", None, False),  # by hand, of this very MicroK8s
        ("https://10.9.8.7:16443", None, True),
        ("https://127.0.0.1:6443", None, True),
        ("https://10.9.8.7:16443", OWNER, False),
        ("https://10.9.8.7:16443", "sdg/other", True),
    ],
)
def test_a_context_of_that_name_which_leads_elsewhere_is_refused_unless_the_stack_made_it(host, tmp_path, server, owner, refused):
    (tmp_path / "kubeconfig").write_text(kubeconfig(server, owner))
    failed = host.found(project=tmp_path)
    assert set(failed) == ({"kubeconfig-context"} if refused else set())
    if refused:
        assert f"leads to {server}" in failed["kubeconfig-context"]
        assert "rename-context microk8s" in failed["kubeconfig-context"]
        assert "planted-token" not in failed["kubeconfig-context"]


def test_a_file_that_is_no_kubeconfig_is_refused_without_showing_it(host, tmp_path):
    (tmp_path / "kubeconfig").write_text("[planted-token")
    failed = host.found(project=tmp_path)
    assert "is not YAML" in failed["kubeconfig-context"]
    assert "planted-token" not in failed["kubeconfig-context"]
