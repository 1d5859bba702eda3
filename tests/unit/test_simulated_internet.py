"""What a rehearsal has in place of the internet: as kind as the real thing, and no kinder."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
import requests
from fastapi.testclient import TestClient

from rehearsal.azure.clock import Clock
from rehearsal.azure.world import World
from rehearsal.faults import Faults, UnknownFault
from rehearsal.services.internet.app import create_app
from rehearsal.services.internet.doors import KEYS, apis
from rehearsal.services.internet.nvcf import function_id, version_id
from sdg.catalog.mirror import api
from sdg.catalog.nims import nims
from sdg.catalog.nvcf_functions import nvcf_functions
from sdg.preflight.inference import hub
from sdg.preflight.inference.asking import Reply
from tests.unit.azure_simulator.site import REGION, Site

NGC = {"Authorization": f"Bearer {KEYS['NGC_API_KEY']}"}
HELLO = [{"role": "user", "content": "Say hello."}]
PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]
REFUSALS = {"expired": 401, "other-organisation": 403}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def internet(faults: Faults) -> TestClient:
    return TestClient(create_app(World(faults, Clock(0)), faults))


def ask(internet: TestClient, url: str, method: str = "GET", external: dict[str, str] | None = None, **more: Any) -> Any:
    """As the program asks: at the address that the mirror's settings lead to."""
    return internet.request(method, api(url, apis("http://testserver", external or {})).removeprefix("http://testserver"), **more)


WRONG = [
    ("nvcf.http", {"status": "abc"}, "status"),
    ("nvcf.http", {"status": 200}, "status"),
    ("nvcf.function", {}, "name: Field required"),
    ("nvcf.function", {"name": "qwen25"}, "qwen25-14b"),
    ("ngc.key", {"state": "gone"}, "'expired' or 'other-organisation'"),
    ("registry.image", {}, "image"),
    ("external.model", {"model": ""}, "model"),
    ("nim.slow", {}, "seconds"),
    ("nim.download", {"times": -1}, "times"),
]


@pytest.mark.parametrize(("name", "fields", "words"), WRONG)
def test_a_switch_that_would_spoil_nothing_is_refused(faults: Faults, name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownFault, match=re.escape(words)):
        faults.set(name, fields)
    assert faults.all() == {}


class TestFunctions:
    LIST = "https://api.nvcf.nvidia.com/v2/nvcf/functions"

    def test_every_function_of_the_catalog_is_active(self, internet: TestClient) -> None:
        found = ask(internet, self.LIST, headers=NGC).json()["functions"]
        assert {entry["name"]: entry["status"] for entry in found} == dict.fromkeys(nvcf_functions(), "ACTIVE")

    def test_a_function_says_its_state_by_version(self, internet: TestClient, faults: Faults) -> None:
        faults.set("nvcf.function", {"name": "qwen3-vl-30b", "status": "ERROR"})
        path = f"{self.LIST}/{function_id('qwen3-vl-30b')}/versions"
        assert ask(internet, path, headers=NGC).json()["functions"][0]["status"] == "ERROR"
        assert ask(internet, f"{path}/{version_id('qwen3-vl-30b')}", headers=NGC).json()["function"]["status"] == "ERROR"

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer a-key-of-the-older-kind"}])
    def test_no_key_and_a_key_of_the_wrong_kind_open_nothing(self, internet: TestClient, headers: dict[str, str]) -> None:
        assert ask(internet, self.LIST, headers=headers).status_code == 401

    @pytest.mark.parametrize(("state", "status"), REFUSALS.items())
    def test_a_spoiled_key_is_refused(self, internet: TestClient, faults: Faults, state: str, status: int) -> None:
        faults.set("ngc.key", {"state": state})
        assert ask(internet, self.LIST, headers=NGC).status_code == status

    def test_an_organisation_may_have_none(self, internet: TestClient, faults: Faults) -> None:
        faults.set("nvcf.none")
        assert ask(internet, self.LIST, headers=NGC).json() == {"functions": []}

    def test_a_function_has_the_id_that_the_stack_says(self, faults: Faults) -> None:
        own = "11111111-2222-3333-4444-555555555555"
        internet = TestClient(create_app(World(faults, Clock(0)), faults, lambda: {"qwen25-14b": own}))
        assert own in [entry["id"] for entry in ask(internet, self.LIST, headers=NGC).json()["functions"]]
        assert ask(internet, f"https://{own}.invocation.api.nvcf.nvidia.com/v1/models", headers=NGC).status_code == 200

    def test_a_function_that_sees_takes_a_picture_and_one_that_does_not_refuses_it(self, internet: TestClient) -> None:
        for name, status in {"qwen3-vl-30b": 200, "qwen25-14b": 400}.items():
            url = f"https://{function_id(name)}.invocation.api.nvcf.nvidia.com/v1"
            model = ask(internet, f"{url}/models", headers=NGC).json()["data"][0]["id"]
            body = {"model": model, "messages": PICTURE, "max_tokens": 1}
            assert ask(internet, f"{url}/chat/completions", "POST", headers=NGC, json=body).status_code == status

    def test_an_inactive_function_answers_nobody(self, internet: TestClient, faults: Faults) -> None:
        faults.set("nvcf.function", {"name": "qwen25-14b"})
        url = f"https://{function_id('qwen25-14b')}.invocation.api.nvcf.nvidia.com/v1/models"
        assert ask(internet, url, headers=NGC).status_code == 404


class TestRegistry:
    IMAGE = next(nim.image for nim in nims().values() if nim.image.startswith("nvcr.io/"))

    def manifest(self, internet: TestClient, image: str, key: str = KEYS["NGC_API_KEY"]) -> int:
        name, _, tag = image.removeprefix("nvcr.io/").rpartition(":")
        first = ask(internet, f"https://nvcr.io/v2/{name}/manifests/{tag}", "HEAD")
        realm = first.headers["Www-Authenticate"].removeprefix('Bearer realm="').rstrip('"')
        token = ask(internet, realm, auth=("$oauthtoken", key))
        if token.status_code != 200:
            return token.status_code
        bearer = {"Authorization": f"Bearer {token.json()['token']}"}
        return ask(internet, f"https://nvcr.io/v2/{name}/manifests/{tag}", "HEAD", headers=bearer).status_code

    def test_it_has_the_images_of_the_catalog_and_no_others(self, internet: TestClient) -> None:
        assert self.manifest(internet, self.IMAGE) == 200
        assert self.manifest(internet, "nvcr.io/nim/nvidia/absent:1") == 404

    @pytest.mark.parametrize(("state", "status"), REFUSALS.items())
    def test_a_spoiled_key_gets_no_token(self, internet: TestClient, faults: Faults, state: str, status: int) -> None:
        faults.set("ngc.key", {"state": state})
        assert self.manifest(internet, self.IMAGE) == status

    def test_a_personal_key_of_the_older_kind_gets_no_token(self, internet: TestClient) -> None:
        assert self.manifest(internet, self.IMAGE, "a-key-of-the-older-kind") == 401


class TestHub:
    MODEL = "https://huggingface.co/api/models/Qwen/Qwen2.5-14B-Instruct"
    TOKEN: ClassVar = {"Authorization": f"Bearer {KEYS['HF_TOKEN']}"}

    def test_it_has_the_models_of_the_catalog_and_no_others(self, internet: TestClient) -> None:
        assert ask(internet, self.MODEL, headers=self.TOKEN).json()["id"] == "Qwen/Qwen2.5-14B-Instruct"
        assert ask(internet, "https://huggingface.co/api/models/some/body", headers=self.TOKEN).status_code == 404
        assert ask(internet, "https://huggingface.co/api/models/some/body").status_code == 401

    def test_what_is_no_token_is_refused(self, internet: TestClient) -> None:
        assert ask(internet, self.MODEL, headers={"Authorization": "Bearer nonsense"}).status_code == 401

    def test_a_model_whose_licence_was_not_accepted_is_refused_with_where_to(self, internet: TestClient, faults: Faults) -> None:
        faults.set("huggingface.http", {"model": "Qwen/Qwen2.5-14B-Instruct", "status": 403})
        told = ask(internet, self.MODEL, headers=self.TOKEN)
        assert (told.status_code, told.json()["gated"]) == (200, "manual")
        refused = ask(internet, f"{self.MODEL}/auth-check", headers=self.TOKEN)
        assert (refused.status_code, refused.headers["X-Error-Code"]) == (403, "GatedRepo")
        assert "ask for access" in refused.json()["error"]
        assert ask(internet, f"{self.MODEL}/auth-check").status_code == 401

    def test_a_model_that_everybody_may_have_needs_no_terms(self, internet: TestClient) -> None:
        assert ask(internet, self.MODEL, headers=self.TOKEN).json()["gated"] is False
        assert ask(internet, f"{self.MODEL}/auth-check", headers=self.TOKEN).status_code == 200

    @pytest.mark.parametrize("status", [401, 404, 429, 503])
    def test_whoever_asks_is_refused_as_the_switch_says(self, internet: TestClient, faults: Faults, status: int) -> None:
        faults.set("huggingface.http", {"status": status})
        refused = ask(internet, self.MODEL, headers=self.TOKEN)
        assert (refused.status_code, refused.headers.get("X-Error-Code")) == (status, "RepoNotFound" if status == 404 else None)

    def test_the_preflight_understands_both_refusals(self, internet: TestClient, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
        def asked(url: str, auth: Any) -> Reply:
            answer = ask(internet, url, headers=auth(requests.Request("GET", url).prepare()).headers)
            return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.json())

        monkeypatch.setattr(hub, "ask", asked)
        for status, words in {403: "may not download", 401: "has expired"}.items():
            faults.set("huggingface.http", {"status": status})
            (found,) = hub.findings("Qwen/Qwen2.5-14B-Instruct", "qwen25-14b", KEYS["HF_TOKEN"], str)
            assert words in found.seen


class TestExternal:
    URL = "https://models.example.com/v1"
    SERVES: ClassVar = {URL: "meta/llama-3.3-70b-instruct"}

    def test_it_serves_what_the_stack_says_of_it(self, internet: TestClient) -> None:
        assert ask(internet, f"{self.URL}/models", external=self.SERVES).json()["data"][0]["id"] == "meta/llama-3.3-70b-instruct"
        body = {"model": "meta/llama-3.3-70b-instruct", "messages": HELLO, "max_tokens": 1}
        answer = ask(internet, f"{self.URL}/chat/completions", "POST", self.SERVES, json=body)
        assert answer.json()["choices"][0]["message"]["content"]

    def test_another_model_is_not_found(self, internet: TestClient) -> None:
        body = {"model": "another", "messages": HELLO}
        assert ask(internet, f"{self.URL}/chat/completions", "POST", self.SERVES, json=body).status_code == 404


class TestFoundry:
    URL = "https://models.services.ai.azure.com/openai/v1"

    @pytest.fixture
    def site(self) -> Site:
        made = Site()
        made.group()
        properties = {"customSubDomainName": "models"}
        account = {"accountName": "models", "location": REGION, "kind": "AIServices", "sku": {"name": "S0"}}
        made.put("cognitiveservices:Account", properties=properties, **account)
        model = {"format": "Meta", "name": "Llama-3.3-70B-Instruct"}
        sku = {"name": "GlobalStandard", "capacity": 1}
        made.put("cognitiveservices:Deployment", accountName="models", deploymentName="text", sku=sku, properties={"model": model})
        return made

    def chat(self, site: Site, model: str, headers: dict[str, str]) -> int:
        internet = TestClient(create_app(site.world, site.world.faults))
        return ask(internet, f"{self.URL}/chat/completions", "POST", json={"model": model, "messages": HELLO}, headers=headers).status_code

    def test_a_serverless_endpoint_answers_chats_and_lists_nothing(self, site: Site) -> None:
        common = {"location": REGION, "identity": {"type": "SystemAssigned"}}
        hub_ = site.put("machinelearningservices:Workspace", workspaceName="hub", kind="Hub", storageAccount="/a", keyVault="/b", **common)
        site.put("machinelearningservices:Workspace", workspaceName="project", kind="Project", hubResourceId=hub_.id, **common)
        properties = {"authMode": "Key", "modelSettings": {"modelId": "azureml://registries/azureml/models/Phi-4"}}
        place = {"workspaceName": "project", "name": "mine", "location": REGION}
        made = site.put("machinelearningservices:ServerlessEndpoint", sku={"name": "Consumption"}, properties=properties, **place)
        internet, url = TestClient(create_app(site.world, site.world.faults)), f"https://mine.{REGION}.models.ai.azure.com"
        headers = {"Authorization": f"Bearer {made.secrets['primaryKey']}"}
        body = {"model": "whatever", "messages": HELLO}
        assert ask(internet, f"{url}/v1/chat/completions", "POST", json=body, headers=headers).status_code == 200
        assert ask(internet, f"{url}/v1/chat/completions", "POST", json=body).status_code == 401
        assert ask(internet, f"{url}/info", headers=headers).json()["model_name"] == "Phi-4"
        assert ask(internet, f"{url}/v1/models", headers=headers).status_code == 404

    def test_its_list_tells_of_the_region_and_not_of_what_is_deployed(self, site: Site) -> None:
        key = site.world.resources("Microsoft.CognitiveServices/accounts")[0].secrets["key1"]
        internet = TestClient(create_app(site.world, site.world.faults))
        listed = ask(internet, f"{self.URL}/models", headers={"api-key": key}).json()["data"]
        assert {"Llama-3.3-70B-Instruct-9", "gpt-4o-2024-11-20"} <= {model["id"] for model in listed}
        assert "text" not in {model["id"] for model in listed}

    def test_a_deployment_answers_whoever_shows_one_of_the_accounts_keys(self, site: Site) -> None:
        key = site.world.resources("Microsoft.CognitiveServices/accounts")[0].secrets["key2"]
        assert self.chat(site, "text", {"api-key": key}) == 200
        assert self.chat(site, "text", {"Authorization": f"Bearer {key}"}) == 200
        assert self.chat(site, "text", {"api-key": "another"}) == 401
        assert self.chat(site, "absent", {"api-key": key}) == 404
