"""Whether the operator has taken over what a NIMService says now: its conditions don't tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.gates.probes.nim_spec import lagging
from tests.unit.endpoints.cluster import ENV, IMAGE, container, deployment, service

NAME = IMAGE["repository"]
holes = st.dictionaries(st.sampled_from(["spec", "status", "image"]), st.none())


def test_what_the_operator_adds_is_no_difference():
    assert lagging(service(), deployment()) == ""


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            {"image": {**IMAGE, "tag": "2.1.0"}},
            f"image {NAME}:2.0.2, wanted {NAME}:2.1.0",
        ),
        ({"env": [*ENV, {"name": "NIM_MAX_MODEL_LEN", "value": "1024"}]}, "variable NIM_MAX_MODEL_LEN"),
        ({"env": [{"name": "NIM_SERVED_MODEL_NAME", "value": "other"}]}, "variable NIM_SERVED_MODEL_NAME"),
        ({"resources": {"limits": {"nvidia.com/gpu": 2}}}, "limits of nvidia.com/gpu"),
        ({"resources": {"requests": {"memory": "96Gi"}}}, "requests of memory"),
        ({"resources": {"limits": {"cpu": "2"}}}, "limits of cpu"),
        ({"command": ["vllm", "serve"]}, "another command"),
        ({"args": ["--omni"]}, "another args"),
        ({"nodeSelector": {"agentpool": "nims"}}, "nodeSelector agentpool"),
        ({"replicas": 2}, "1 replicas, wanted 2"),
    ],
)
def test_each_part_that_is_still_of_before_is_named(wanted, words):
    assert lagging(service(**wanted), deployment()) == words


@pytest.mark.parametrize(
    ("wanted", "made"),
    [({"memory": "48Gi"}, {"memory": "51539607552"}), ({"cpu": "1"}, {"cpu": "1000m"}), ({"nvidia.com/gpu": 1}, {"nvidia.com/gpu": "1"})],
)
def test_quantities_are_compared_by_what_they_stand_for(wanted, made):
    assert lagging(service(resources={"limits": wanted}), deployment(resources={"limits": made})) == ""


def test_a_reference_to_a_secret_is_compared_by_name_and_key():
    def env(key):
        return [{"name": "NGC_API_KEY", "valueFrom": {"secretKeyRef": {"name": "ngc-api-secret", "key": key}}}]

    assert lagging(service(env=env("NGC_API_KEY")), deployment(env=env("NGC_API_KEY"))) == ""
    assert lagging(service(env=env("OTHER")), deployment(env=env("NGC_API_KEY"))) == "variable NGC_API_KEY"


def test_the_number_of_pods_of_a_nim_that_scales_is_not_compared():
    assert lagging(service(replicas=1, scale={"enabled": True}), deployment(replicas=3)) == ""


def test_the_nims_own_container_is_compared_and_not_its_neighbours():
    made = deployment()
    made["spec"]["template"]["spec"]["containers"].insert(0, container("proxy", image="proxy:1"))
    assert lagging(service(), made) == ""


@given(holes, holes)
def test_objects_with_holes_are_compared_without_falling_over(wanted, made):
    assert isinstance(lagging({**service(), **wanted}, {**deployment(), **made}), str)
