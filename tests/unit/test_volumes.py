"""Volumes for claims: who gets one, who is refused, and when one is removed."""

from __future__ import annotations

import pytest

from rehearsal.volumes import PROVISIONER, Refusal, is_released, volume_for

BLOCK = {"metadata": {"name": "rehearsal-block"}, "reclaimPolicy": "Retain"}
CLASSES = {"rehearsal-block": BLOCK}


def claim(modes=("ReadWriteOnce",), provisioner="block.rehearsal.sdg", phase="Pending", **spec):
    return {
        "metadata": {"namespace": "osmo", "name": "pg", "uid": "u1", "annotations": {PROVISIONER: provisioner} if provisioner else {}},
        "spec": {
            "accessModes": list(modes),
            "storageClassName": "rehearsal-block",
            "resources": {"requests": {"storage": "20Gi"}},
            **spec,
        },
        "status": {"phase": phase},
    }


def test_a_claim_gets_a_volume_of_its_size_bound_to_it_by_uid():
    volume = volume_for(claim(), CLASSES)
    assert isinstance(volume, dict)
    assert volume["metadata"]["name"] == "pvc-u1"
    assert volume["spec"]["capacity"] == {"storage": "20Gi"}
    assert volume["spec"]["claimRef"]["uid"] == "u1"
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@pytest.mark.parametrize(
    "item",
    [
        claim(provisioner=""),
        claim(provisioner="ebs.csi.aws.com"),
        claim(phase="Bound"),
        claim(volumeName="pv-1"),
        claim(storageClassName="other"),
    ],
    ids=["no node chosen yet", "another provisioner", "bound", "bound by name", "unknown class"],
)
def test_a_claim_that_waits_for_nothing_of_ours_gets_nothing(item):
    assert volume_for(item, CLASSES) is None


def test_many_writers_on_a_block_device_are_refused_in_the_words_of_a_csi_driver():
    refused = volume_for(claim(modes=("ReadWriteMany",)), CLASSES)
    assert isinstance(refused, Refusal)
    assert refused.message.startswith('failed to provision volume with StorageClass "rehearsal-block": rpc error: code = InvalidArgument')
    assert refused.message.endswith("MULTI_NODE_MULTI_WRITER")


def test_a_file_share_may_have_many_writers():
    assert isinstance(volume_for(claim(modes=("ReadWriteMany",), provisioner="file.rehearsal.sdg"), CLASSES), dict)


@pytest.mark.parametrize(
    ("provisioner", "phase", "policy", "removed"),
    [
        ("block.rehearsal.sdg", "Released", "Delete", True),
        ("block.rehearsal.sdg", "Bound", "Delete", False),
        ("block.rehearsal.sdg", "Released", "Retain", False),
        ("another", "Released", "Delete", False),
    ],
)
def test_only_released_volumes_of_ours_with_policy_delete_are_removed(provisioner, phase, policy, removed):
    volume = {
        "metadata": {"annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {"persistentVolumeReclaimPolicy": policy},
        "status": {"phase": phase},
    }
    assert is_released(volume) is removed
