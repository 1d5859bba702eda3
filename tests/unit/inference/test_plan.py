"""Which endpoints a stack serves: what is asked for, from whom, for which variable, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdg.catalog.nims import nims
from sdg.catalog.nvcf_functions import nvcf_functions
from sdg.catalog.workloads import workloads
from sdg.inference.offers import Catalogs, nim_url
from sdg.inference.plan import Asked, Planned, plan, secret_problems
from sdg.inference.roles import Role, placeholder, readable
from sdg.settings.parse import check
from sdg.spec.discover import Needs
from sdg.spec.references import NimReference, NvcfFunction

TODAY = date(2026, 11, 22)
FUNCTION = "00000000-0000-4000-8000-000000000001"
FUNCTION_URL = f"https://{FUNCTION}.invocation.api.nvcf.nvidia.com/v1"
VLM = Role("vlm_url", ("vlm", "video-qa", "chat"), "qwen3-vl")
LLM = Role("llm_url", ("text-llm", "chat"), "qwen25-14b")
OVSL2SL = "nvidia/Qwen-Image-Edit-NVPCB-OVSL2SL"
EDIT = Role("image_edit_endpoint", ("image-edit",), "qwen-image-edit-nvpcb-ovsl2sl", OVSL2SL, "/v1/chat/completions", "image_edit_model")
NIMS = {"provider": "nim-operator"}
FOUNDRY = {"provider": "foundry", "models": {"llama-3-3-70b": {}}}
EXTERNAL = {"provider": "external", "endpoints": {"mine": {"url": "http://vllm/v1/", "model": "m", "capabilities": ["text-llm", "chat"]}}}


def inference(**said: Any) -> Any:
    sections, wrong = check(
        {"cluster": {"kind": "azure", "allowedRanges": ["198.51.100.7/32"], "acceptUnvalidated": True}, "inference": said}
    )
    assert [each for each in wrong if "sdg:inference" in each] == []
    return sections["inference"]


def asked(*roles: Role, chosen: Mapping[str, str] | None = None, given_values: Mapping[str, str] | None = None) -> Asked:
    """A workload whose spec reads the variables of its roles and nothing else."""

    def discover(overrides: Mapping[str, str]) -> Needs:
        urls = {role.variable: nim_url(role.nim) for role in roles if role.nim} | dict(given_values or {}) | dict(overrides)
        nims_of = {variable: name for variable, url in urls.items() for name in nims() if url == nim_url(name)}
        others = tuple(url for variable, url in urls.items() if url.startswith("http") and variable not in nims_of)
        variables = {variable: (NimReference(name),) for variable, name in nims_of.items()}
        return Needs(nim_services=tuple(sorted(set(nims_of.values()))), external_endpoints=others, variables=variables)

    return Asked("the workload", roles, chosen or {}, given_values or {}, discover)


def served(planned: Planned) -> dict[str, tuple[str, ...]]:
    return {endpoint.name: endpoint.variables for endpoint in planned.plan.endpoints}


def test_nims_are_those_that_the_spec_refers_to_and_no_others() -> None:
    planned = plan(inference(**NIMS), asked(VLM, LLM), "existing", TODAY)
    assert served(planned) == {"qwen25-14b": ("llm_url",), "qwen3-vl": ("vlm_url",)}
    assert (planned.plan.overrides, planned.problems, planned.notes) == ({}, (), ())


def test_a_defect_workflow_of_day_0_needs_its_own_edit_model_alone() -> None:
    planned = plan(inference(**NIMS), asked(EDIT), "existing", TODAY)
    assert served(planned) == {"qwen-image-edit-nvpcb-ovsl2sl": ("image_edit_endpoint",)}


@pytest.mark.parametrize("name", ["qwen-image-edit", "qwen-image-edit-2511"])
def test_another_edit_model_is_never_taken_for_it(name: str) -> None:
    planned = plan(inference(**NIMS, services=[name]), asked(EDIT), "existing", TODAY)
    [lacking] = planned.problems
    assert f"needs the model {OVSL2SL} for its variable image_edit_endpoint" in lacking
    assert "What could: nim-operator (qwen-image-edit-nvpcb-ovsl2sl); external (an endpoint of" in lacking
    assert "Add one to sdg:inference.services, or another provider to sdg:inference.also." in lacking
    by_hand = plan(inference(**NIMS, services=[name]), asked(EDIT, chosen={EDIT.variable: name}), "existing", TODAY)
    assert f"{name} serves" in by_hand.problems[0]
    assert f"and not {OVSL2SL}" in by_hand.problems[0]


def test_a_spec_is_not_told_another_model_than_the_one_that_does() -> None:
    planned = plan(inference(**NIMS), asked(EDIT, given_values={"image_edit_model": "qwen/qwen-image-edit"}), "existing", TODAY)
    assert 'image_edit_model is "qwen/qwen-image-edit". Leave it out.' in planned.problems[0]


def test_an_edit_model_that_takes_other_requests_will_not_do() -> None:
    role = Role("image_edit_url", ("image-edit",), "qwen-image-edit-2511", request_path="/v1/chat/completions")
    planned = plan(inference(**NIMS, services=["qwen-image-edit"]), asked(role), "existing", TODAY)
    assert "qwen-image-edit takes requests at /v1/images/edits and not at /v1/chat/completions" in planned.problems[0]


def test_the_first_provider_that_is_able_fills_a_role_and_its_url_becomes_the_variables_value() -> None:
    functions = {"qwen3-vl-30b": FUNCTION, "llama-31-8b": FUNCTION.replace("1", "2")}
    planned = plan(inference(provider="nvcf", functions=functions, also=[FOUNDRY]), asked(VLM, LLM), "azure", TODAY)
    assert served(planned) == {"llama-3-3-70b": (), "llama-31-8b": ("llm_url",), "qwen3-vl-30b": ("vlm_url",)}
    assert planned.plan.overrides["vlm_url"] == FUNCTION_URL
    assert planned.problems == ()
    assert "takes no URL of llama-3-3-70b" in planned.notes[0]


def test_foundry_serves_text_beside_nims_for_video() -> None:
    chosen = {"llm_url": "llama-3-3-70b"}
    planned = plan(inference(**NIMS, also=[FOUNDRY]), asked(VLM, LLM, chosen=chosen), "azure", TODAY)
    assert served(planned) == {"llama-3-3-70b": ("llm_url",), "qwen3-vl": ("vlm_url",)}
    assert planned.plan.overrides == {"llm_url": placeholder("llama-3-3-70b")}, "Azure says its URL once it is made"
    assert planned.plan.external == ()
    [text] = planned.plan.of("foundry")
    assert text.url is None
    unchosen = plan(inference(**NIMS, services=["qwen3-vl"], also=[FOUNDRY]), asked(VLM, LLM), "azure", TODAY)
    assert served(unchosen) == served(planned), "a NIM that may not run does not fill a role"


def test_foundrys_default_model_is_made_where_somebody_asks_for_it() -> None:
    default = {"provider": "foundry"}
    assert served(plan(inference(**default), None, "azure", TODAY)) == {"llama-3-3-70b": ()}
    assert served(plan(inference(**default), asked(LLM), "azure", TODAY)) == {"llama-3-3-70b": ("llm_url",)}
    assert served(plan(inference(**NIMS, also=[default]), asked(VLM, LLM), "azure", TODAY)) == {
        "qwen25-14b": ("llm_url",),
        "qwen3-vl": ("vlm_url",),
    }


def test_a_value_that_the_user_gives_a_variable_stays_and_nothing_is_served_for_it() -> None:
    planned = plan(inference(**NIMS), asked(VLM, LLM, given_values={"llm_url": "https://elsewhere.example/v1"}), "existing", TODAY)
    assert served(planned) == {"qwen3-vl": ("vlm_url",)}
    assert planned.plan.external == ("https://elsewhere.example/v1",)
    both = plan(inference(**NIMS), asked(LLM, chosen={"llm_url": "qwen25-14b"}, given_values={"llm_url": "u"}), "existing", TODAY)
    assert "sdg:workload.endpoints.llm_url: the variable has a value in sdg:workload already" in both.problems[0]


def test_a_url_of_an_endpoint_of_the_stack_is_not_somebody_elses() -> None:
    planned = plan(inference(**EXTERNAL), asked(LLM), "existing", TODAY)
    assert planned.plan.overrides == {"llm_url": "http://vllm/v1"}
    assert planned.plan.external == ()


def test_what_nobody_named_gives_way_to_what_has_its_name() -> None:
    function = {"provider": "nvcf", "functions": {"qwen25-14b": FUNCTION}}
    planned = plan(inference(**NIMS, also=[function]), asked(VLM, LLM), "existing", TODAY)
    assert (planned.problems, planned.notes) == ((), ())
    assert [(endpoint.name, endpoint.provider) for endpoint in planned.plan.endpoints] == [
        ("qwen3-vl", "nim-operator"),
        ("qwen25-14b", "nvcf"),
    ]
    assert planned.plan.overrides == {"llm_url": FUNCTION_URL}
    both = plan(inference(**NIMS, services=["qwen25-14b"], also=[function]), asked(LLM), "existing", TODAY)
    assert 'the name "qwen25-14b" is taken by sdg:inference.services; leave one of the two out' in both.problems[0]


def test_a_nim_that_nobody_asked_for_does_not_come_before_what_is_named() -> None:
    role = Role("text_url", ("text-llm", "chat"))
    assert served(plan(inference(**NIMS, also=[EXTERNAL]), asked(role), "existing", TODAY)) == {"mine": ("text_url",)}
    assert served(plan(inference(**NIMS), asked(role), "existing", TODAY)) == {"qwen25-14b": ("text_url",)}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://lab.example.com/v1", True),
        ("http://vllm.models/v1", True),
        ("https://lab.example.com/v1", False),
        ("http://vllm.models.svc:8000/v1", False),
    ],
)
@pytest.mark.parametrize("key", ["externalApiKey", "none"])
def test_a_key_that_can_be_read_on_its_way_is_told(url: str, key: str, told: bool) -> None:
    said = {"url": url, "model": "m", "capabilities": ["chat"], "key": key}
    planned = plan(inference(provider="external", endpoints={"mine": said}), None, "existing", TODAY)
    assert planned.problems == ()
    expected = (f"sdg:externalApiKey is sent to mine in plain text, since its URL is {url}; https would hide it.",)
    assert planned.notes == (expected if told and key != "none" else ())


def test_nims_of_somebody_else_are_endpoints_elsewhere() -> None:
    theirs = {"url": f"{nim_url('qwen25-14b')}/", "model": "Qwen/Qwen2.5-14B-Instruct", "capabilities": ["text-llm", "chat"]}
    said = inference(provider="external", endpoints={"theirs": theirs})
    planned = plan(said, asked(LLM), "existing", TODAY)
    assert (planned.problems, served(planned)) == ((), {"theirs": ("llm_url",)})
    reading = Asked("my spec", discover=lambda _overrides: Needs(nim_services=("qwen25-14b",)))
    assert plan(said, reading, "existing", TODAY).problems == ()


def test_an_endpoint_that_is_not_there_names_near_ones() -> None:
    planned = plan(inference(**EXTERNAL), asked(LLM, chosen={"llm_url": "mien"}), "existing", TODAY)
    assert planned.problems[0] == 'sdg:workload.endpoints.llm_url: "mien" is not a known endpoint of the stack; did you mean mine?'
    nothing = plan(inference(provider="none"), asked(LLM, chosen={"llm_url": "mine"}), "existing", TODAY)
    assert "the stack serves nothing; set sdg:inference.provider" in nothing.problems[0]


def test_a_nim_that_nobody_serves_is_a_problem_and_with_no_provider_a_note() -> None:
    discover = lambda _overrides: Needs(nim_services=("qwen3-vl",), variables={"vlm_url": (NimReference("qwen3-vl"),)})  # noqa: E731
    spec = Asked("my spec", discover=discover)
    [problem] = plan(inference(**EXTERNAL), spec, "existing", TODAY).problems
    assert "my spec refers to the NIM qwen3-vl with its variable vlm_url, which no provider of the stack serves" in problem
    lacking = plan(inference(**NIMS, services=["qwen25-14b"]), spec, "existing", TODAY)
    assert lacking.problems[0].startswith("sdg:inference.services lacks qwen3-vl: my spec refers to the NIM qwen3-vl")
    none = plan(inference(provider="none"), spec, "existing", TODAY)
    assert none.problems == ()
    assert "my spec refers to NIM qwen3-vl" in none.notes[0]
    assert none.plan.endpoints == ()


def test_shapes_of_nims_that_nobody_runs_are_refused_as_soon_as_that_is_known() -> None:
    shaped = inference(**NIMS, replicas={"cosmos-reason": 2, "qwen3-vl": 2}, variants={"qwen25-14b": "two"})
    [replicas] = plan(shaped, asked(VLM, LLM), "existing", TODAY).problems[1:]
    assert replicas.startswith("sdg:inference.replicas.cosmos-reason: the stack does not run this NIM, since the workload does not refer")
    unread = plan(inference(**NIMS, replicas={"cosmos-reason": 2}), Asked("vda", (VLM, LLM)), "existing", TODAY)
    assert unread.problems == (), "what was not read may refer to it"


def test_a_provider_that_nobody_asks_for_anything_is_told_and_needs_no_key() -> None:
    idle = inference(**EXTERNAL, also=[NIMS])
    planned = plan(idle, asked(), "azure", TODAY)
    assert served(planned) == {"mine": ()}
    assert planned.notes == ("the workload asks nim-operator (sdg:inference.also[0]) for nothing, so nothing is made for it.",)
    assert list(secret_problems(idle, planned, {}, Catalogs.known())) == []
    unread = plan(idle, Asked("my spec"), "azure", TODAY)
    assert unread.notes == ()
    [needed] = secret_problems(idle, unread, {}, Catalogs.known())
    assert needed.startswith("sdg:ngcApiKey is required")


def test_a_url_that_nobody_knows_yet_is_told_in_words() -> None:
    overrides = {"llm_url": placeholder("llama-3-3-70b"), "vlm_url": "https://vlm.example.com/v1"}
    sentence = f"it is '{overrides['llm_url']}', {overrides['vlm_url']} and 'http"
    told = "it is '(the URL of llama-3-3-70b)/v1', https://vlm.example.com/v1 and 'http"
    assert readable(sentence, overrides) == told
    start, url = "a text of a task with ", overrides["llm_url"]
    for end in range(len("https://llama-3-3-70b.") + 1, len(url) + 1):
        assert "known" not in readable(f"{start}{url[:end]}…", overrides)
        assert readable(f"{start}{url[:end]}…", overrides).startswith(f"{start}(the URL of llama-3-3-70b)")


def test_a_function_that_the_stack_does_not_name_is_a_problem() -> None:
    other = "00000000-0000-4000-8000-000000000009"
    spec = Asked("my spec", discover=lambda _overrides: Needs(nvcf_functions=(NvcfFunction(other),)))
    named = inference(provider="nvcf", functions={"qwen25-14b": f"{FUNCTION}/{FUNCTION}"})
    assert plan(named, spec, "existing", TODAY).problems[0].startswith(f"sdg:inference.functions lacks {other}: my spec refers to")
    assert "the stack has no provider nvcf" in plan(inference(**EXTERNAL), spec, "existing", TODAY).problems[0]
    known = Asked("my spec", discover=lambda _overrides: Needs(nvcf_functions=(NvcfFunction(FUNCTION),)))
    assert plan(named, known, "existing", TODAY).problems == ()


def test_what_is_retired_is_not_named_among_what_could_serve() -> None:
    planned = plan(inference(**EXTERNAL), asked(VLM, Role("v", ("image-qa",))), "azure", TODAY)
    could = planned.problems[1]
    assert "foundry (phi-4-multimodal)" in could
    assert "phi-3-5-vision" not in could


def test_without_a_rendered_spec_the_roles_say_what_it_refers_to() -> None:
    unread = Asked("vda", (VLM, LLM))
    assert served(plan(inference(**NIMS), unread, "existing", TODAY)) == {"qwen25-14b": ("llm_url",), "qwen3-vl": ("vlm_url",)}


def test_every_flow_of_the_catalog_can_be_served_by_nims() -> None:
    for workload in workloads().values():
        for flow in workload.flows.values():
            roles = [
                Role(variable, role.capabilities, role.nim, role.model, role.request_path) for variable, role in flow.endpoints.items()
            ]
            planned = plan(inference(**NIMS), asked(*roles), "existing", TODAY)
            assert planned.problems == ()
            assert set(served(planned)) == {role.nim for role in roles}


CAPABILITIES = sorted(set(chain.from_iterable(nim.capabilities for nim in nims().values())))
ROLES = st.builds(
    lambda number, capabilities, nim: Role(f"variable_{number}", tuple(sorted(capabilities)), nim),
    st.integers(0, 5),
    st.sets(st.sampled_from(CAPABILITIES), min_size=1, max_size=2),
    st.sampled_from([None, *nims()]),
)
SERVERS = {
    "nim-operator": st.one_of(
        st.just({}), st.lists(st.sampled_from(sorted(nims())), min_size=1, unique=True).map(lambda names: {"services": names})
    ),
    "nvcf": st.sets(st.sampled_from(sorted(nvcf_functions())), min_size=1).map(
        lambda names: {"functions": dict.fromkeys(sorted(names), FUNCTION)}
    ),
    "foundry": st.sampled_from([{}, {"models": {"phi-4-multimodal": {}}}]),
    "external": st.just({"endpoints": EXTERNAL["endpoints"]}),
}


@st.composite
def _settings(draw: st.DrawFn) -> Any:
    names = draw(st.permutations(sorted(SERVERS)).flatmap(lambda order: st.integers(1, len(order)).map(lambda count: order[:count])))
    first, *others = [{"provider": name, **draw(SERVERS[name])} for name in names]
    return inference(**first, also=others)


@given(_settings(), st.lists(ROLES, max_size=4, unique_by=lambda role: role.variable))
def test_a_plan_is_the_same_each_time_and_has_nothing_that_nobody_asks_for(settings: Any, roles: list[Role]) -> None:
    planned = plan(settings, asked(*roles), "azure", TODAY)
    assert planned == plan(settings, asked(*roles), "azure", TODAY)
    names = [endpoint.name for endpoint in planned.plan.endpoints]
    assert len(names) == len(set(names))
    said = str(settings)
    for endpoint in planned.plan.endpoints:
        asked_for = bool(endpoint.variables) or f"'{endpoint.name}'" in said
        assert asked_for, f"nobody asks for {endpoint.name}"
    taken = [variable for endpoint in planned.plan.endpoints for variable in endpoint.variables]
    assert len(taken) == len(set(taken)), "a variable takes one URL"
    for role in roles:
        able = [endpoint for endpoint in planned.plan.endpoints if role.variable in endpoint.variables]
        told = any(f"variable {role.variable}" in problem for problem in planned.problems)
        assert bool(able) or told, "a role is filled, or a problem"
