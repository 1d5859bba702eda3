"""What a rehearsal changes in a stack file: only what its user could set as well."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cli.derived import Changes, NotRehearsable, Place, derived, free_ports, functions, kind_of, parse_value
from rehearsal.nodes import of_sizes
from sdg.settings.parse import parse

KUBECONFIG = Path("/rehearsal/kubeconfig")
MICROK8S = {"sdg:cluster": {"kind": "microk8s"}}


def derive(config, nodes=None, **values):
    changes = Changes(values={path.replace("__", "."): value for path, value in values.items()})
    return derived(config, changes, Place(KUBECONFIG, "http://127.0.0.1:1", of_sizes(nodes or {})))


def cluster(config, nodes=None, **values):
    return derive(config, nodes, **values)["sdg:cluster"]


def test_microk8s_gets_the_rehearsals_kubeconfig_and_nothing_else():
    assert cluster(MICROK8S) == {"kind": "microk8s", "kubeconfig": str(KUBECONFIG)}


def test_an_existing_cluster_is_the_virtual_one_whatever_the_file_says():
    found = cluster({"sdg:cluster": {"kind": "existing", "name": "lab", "context": "lab", "kubeconfig": "~/.kube/lab"}})
    assert found == {"kind": "existing", "name": "lab", "context": "rehearsal", "kubeconfig": str(KUBECONFIG)}


def test_what_is_derived_can_be_read_by_the_program():
    config = derive(MICROK8S, {"local-cpu": 1, "local-2x-rtx-6000-ada": 1}, osmo__profile="6.4")
    settings = parse({key.removeprefix("sdg:"): section for key, section in config.items()})
    assert settings.osmo.profile == "6.4"


def test_the_stack_file_itself_stays_as_it_is():
    config = {"sdg:cluster": {"kind": "microk8s"}}
    derive(config, {"local-rtx-6000-ada": 1}, osmo__profile="6.4")
    assert config == {"sdg:cluster": {"kind": "microk8s"}}


def test_gpus_are_planned_as_their_owner_would():
    found = cluster(MICROK8S, {"local-2x-rtx-6000-ada": 1})
    assert (found["gpus"], found["gpusPerNode"]) == (2, 2)
    assert "dedicatedGpuNodes" not in found


def test_a_node_without_gpus_beside_one_with_keeps_them_apart():
    found = cluster(MICROK8S, {"local-cpu": 1, "local-rtx-6000-ada": 1})
    assert (found["gpus"], found["gpusPerNode"], found["minNodes"], found["dedicatedGpuNodes"]) == (1, 1, 2, True)


def test_machines_without_gpus_plan_none():
    assert "gpus" not in cluster(MICROK8S, {"local-cpu": 2})


def test_what_the_stack_says_of_its_gpus_stays():
    found = cluster({"sdg:cluster": {"kind": "microk8s", "gpus": 1}}, {"local-cpu": 1, "local-2x-rtx-6000-ada": 1})
    assert found["gpus"] == 1
    assert "gpusPerNode" not in found


def test_what_was_asked_for_wins_over_the_stack_file():
    config = MICROK8S | {"sdg:osmo": {"profile": "6.3", "timeouts": {"release": 5}}}
    found = derive(config, osmo__profile="6.4", osmo__timeouts__service=7, data="retain")
    assert found["sdg:osmo"] == {"profile": "6.4", "timeouts": {"release": 5, "service": 7}}
    assert found["sdg:data"] == "retain"


def test_what_the_stack_file_holds_encrypted_is_left_out():
    found = derived(
        {"sdg:cluster": {"kind": "microk8s"}, "sdg:ngcApiKey": {"secure": "v1:ciphertext"}}, Changes(), Place(KUBECONFIG, "http://charts")
    )
    assert "sdg:ngcApiKey" not in found


def test_a_mirror_of_images_stays():
    found = derive(MICROK8S | {"sdg:mirror": {"images": {"nvcr.io": "mirror.example.com"}}})["sdg:mirror"]
    assert found["images"] == {"nvcr.io": "mirror.example.com"}
    assert set(found["charts"].values()) == {"http://127.0.0.1:1"}


def test_a_port_that_is_held_is_none_of_the_rehearsals():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        held = holder.getsockname()[1]
        holder.listen()
        found = free_ports({"sdg:forward": {"port": held, "uiPort": held}})
    assert held not in found.values()
    assert len(set(found.values())) == 2


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("osmo.profile=6.4", "osmo.profile", "6.4"),
        ("sdg:data=retain", "data", "retain"),
        ("cluster.gpus=2", "cluster.gpus", 2),
        ("forward.enabled=false", "forward.enabled", False),
        ("osmo.database.host=db=1", "osmo.database.host", "db=1"),
        ("a.b=007", "a.b", "007"),
        ("a.b=", "a.b", ""),
        ("cluster.gpuPools[0].spot=true", "cluster.gpuPools[0].spot", True),
        ("cluster.allowedRanges[1]=192.0.2.1/32", "cluster.allowedRanges[1]", "192.0.2.1/32"),
        ("inference.also[0].models.llama-3-3-70b.capacity=-1", "inference.also[0].models.llama-3-3-70b.capacity", -1),
        ('inference.nodeSelector["example.com/gpu.kind"]=a', 'inference.nodeSelector["example.com/gpu.kind"]', "a"),
    ],
)
def test_a_value_is_what_pulumi_would_make_of_it(assignment, path, value):
    assert parse_value(assignment) == (path, value)


def test_entries_of_lists_are_added_and_changed_one_by_one():
    config = {"sdg:cluster": {"kind": "azure", "allowedRanges": ["192.0.2.1"], "gpuPools": [{"name": "a"}, {"name": "b"}]}}
    values = {"cluster.gpuPools[1].spot": True, "cluster.gpuPools[2].name": "c", "cluster.gpuPools[2].zones[0]": "1"}
    found = derived(config, Changes(values=values | {"cluster.allowedRanges[0]": "192.0.2.2"}), Place(KUBECONFIG, ""))["sdg:cluster"]
    assert found["gpuPools"] == [{"name": "a"}, {"name": "b", "spot": True}, {"name": "c", "zones": ["1"]}]
    assert found["allowedRanges"] == ["192.0.2.2"]


def test_keys_may_have_hyphens_and_in_quotes_dots():
    values = {'inference.nodeSelector["example.com/gpu.kind"]': "a", 'cluster.tags["a.b"].c-d[0]': 1}
    found = derived({"sdg:cluster": {"kind": "azure"}}, Changes(values=values), Place(KUBECONFIG, ""))
    assert found["sdg:inference"] == {"nodeSelector": {"example.com/gpu.kind": "a"}}
    assert found["sdg:cluster"]["tags"] == {"a.b": {"c-d": [1]}}


@pytest.mark.parametrize("path", ["cluster.gpuPools[2].spot", "cluster.gpuPools.spot", "cluster.kind[0]", "cluster[0]"])
def test_an_entry_that_cannot_be_is_refused(path):
    with pytest.raises(NotRehearsable, match=r"cluster"):
        derived({"sdg:cluster": {"kind": "azure", "gpuPools": [{}]}}, Changes(values={path: True}), Place(KUBECONFIG, ""))


@pytest.mark.parametrize(
    "assignment", ["osmo.profile", "=1", "osmo..profile=1", "", "a[]=1", "a[x]=1", "[0]=1", "a[0]b=1", 'a["b]=1', 'a[""]=1']
)
def test_what_is_no_assignment_is_refused(assignment):
    with pytest.raises(NotRehearsable, match=r"PATH=VALUE"):
        parse_value(assignment)


AZURE = {"sdg:cluster": {"kind": "azure", "acceptUnvalidated": True}}
APIS = {"https://management.azure.com": "http://127.0.0.1:2"}


def in_azure(config, address="198.51.100.7", **values):
    changes = Changes(values={path.replace("__", "."): value for path, value in values.items()})
    return derived(config, changes, Place(KUBECONFIG, "http://127.0.0.1:1", apis=APIS, address=address))


def test_azure_is_the_simulated_one_and_lets_this_host_in():
    found = in_azure(AZURE, cluster__preset="team")
    own = {"acceptUnvalidated": True, "kind": "azure", "preset": "team"}
    assert found["sdg:cluster"] == {**own, "allowedRanges": ["198.51.100.7/32"]}
    assert found["sdg:mirror"]["apis"] == APIS
    parse({key.removeprefix("sdg:"): section for key, section in found.items()})


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [(["198.51.100.7"], None), (["198.51.100.0/24"], None), (["192.0.2.1/32"], ["192.0.2.1/32", "198.51.100.7/32"])],
)
def test_ranges_that_let_this_host_in_stay_as_they_are(ranges, expected):
    found = in_azure({"sdg:cluster": {"kind": "azure", "allowedRanges": ranges}})
    assert found["sdg:cluster"]["allowedRanges"] == (expected or ranges)


@pytest.mark.parametrize("config", [{}, {"sdg:cluster": {}}, {"sdg:cluster": {"kind": "metal"}}, {"sdg:cluster": "x"}])
def test_a_cluster_that_cannot_be_rehearsed_is_refused(config):
    with pytest.raises(NotRehearsable, match="existing, microk8s and azure can"):
        kind_of(config)


ID = "11111111-2222-3333-4444-555555555555"
INFERENCE = {
    "provider": "nvcf",
    "functions": {"qwen25-14b": ID.upper(), "qwen3-vl-30b": f"https://{ID}.invocation.api.nvcf.nvidia.com/v1"},
    "also": [{"provider": "external", "endpoints": {"mine": {"url": "https://models.example.com/v1/", "model": "meta/llama"}}}],
}


def test_who_serves_models_is_asked_at_the_rehearsals_own_internet():
    place = Place(KUBECONFIG, "http://charts", internet="http://net")
    config = derived({"sdg:cluster": {"kind": "existing"}}, Changes({"inference": INFERENCE}), place)
    apis = config["sdg:mirror"]["apis"]
    assert apis["https://nvcr.io"] == "http://net/registry"
    assert apis["https://models.example.com/v1"] == "http://net/external/meta/llama/-/v1"


def test_a_stack_that_serves_no_models_yet_would_not_ask_the_real_ones_either():
    place = Place(KUBECONFIG, "http://charts", internet="http://net")
    apis = derived({"sdg:cluster": {"kind": "existing"}}, Changes(), place)["sdg:mirror"]["apis"]
    assert apis["https://nvcr.io"] == "http://net/registry"


def test_functions_are_known_by_the_ids_that_the_stack_says():
    assert functions({"sdg:inference": INFERENCE}) == {"qwen25-14b": ID, "qwen3-vl-30b": ID}
