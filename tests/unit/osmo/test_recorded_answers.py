"""Every recorded request is replayed, and answered in the recorded shape.

`tests/data/osmo-captures/*.json` hold the requests with the shape of each answer: keys exactly, types of values, texts of messages and
statuses literally. `given` names what must have happened before; null stands for a value that may be absent. `divergences.json` says where
and why this service keeps to another answer.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "data" / "osmo-captures"
SPECS = DATA.parent / "osmo-specs"
AREAS = sorted(path for path in DATA.glob("*.json") if path.name != "divergences.json")
RECORDED = [pytest.param(entry, id=entry["name"]) for path in AREAS for entry in json.loads(path.read_text())]
TWO_GROUPS = (SPECS / "two-groups.yaml").read_text()
TEMPLATED = (SPECS / "templated.yaml").read_text()
LONG = {"status": "COMPLETED", "seconds": 3600}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
LINES = {
    "log": re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (\[\w+\]|\[[\w-]+\]\[osmo\]) .+"),
    "event": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[\w+\] [A-Za-z]+: .+"),
}


@pytest.mark.parametrize("entry", RECORDED)
def test_a_recorded_request_is_answered_in_the_recorded_shape(prepared, entry):
    osmo, known = prepared(entry["given"], shared=changes_nothing(entry))
    request, expected = entry["request"], entry["response"]
    if expected.get("open"):
        assert not osmo.workflow(known["workflow"])["status"].startswith(("COMPLETED", "FAILED"))
        return  # such an answer does not end: test_streams.py reads it over a connection
    answer = osmo.client.request(
        request["method"],
        filled(request["path"], known),
        params={key: filled(value, known) for key, value in request.get("params", {}).items()},
        headers=request.get("headers", {}),
        json=request.get("json"),
    )
    assert answer.status_code == expected["status"], answer.text
    if "content_type" in expected:
        assert answer.headers["content-type"] == expected["content_type"]
    assert all(name in answer.headers for name in expected.get("headers", []))
    if "shape" in expected:
        assert differences(expected["shape"], answer.json()) == []
    elif "lines" in expected:
        assert [line for line in answer.text.splitlines() if not LINES[expected["lines"]].fullmatch(line)] == []
    else:
        assert normal(answer.text) == expected["text"]


def test_every_divergence_has_a_reason():
    assert all(reason.endswith(".") for reason in json.loads((DATA / "divergences.json").read_text()).values())


@pytest.fixture(scope="module")
def shared_services(new_osmo: Any, hello: str) -> Iterator[Callable[[str], Any]]:
    """A service per `given`, for all the requests that change nothing in it."""
    with ExitStack() as stack:
        made: dict[str, Any] = {}

        def of(given: str) -> Any:
            if given not in made:
                osmo = stack.enter_context(new_osmo())
                made[given] = (osmo, prepare(osmo, hello, given))
            return made[given]

        yield of


@pytest.fixture
def prepared(shared_services: Callable[[str], Any], new_osmo: Any, hello: str) -> Iterator[Callable[..., Any]]:
    """A service in the state that `given` names, and what placeholders mean there."""
    with ExitStack() as stack:

        def of(given: str, *, shared: bool) -> Any:
            if shared:
                return shared_services(given)
            osmo = stack.enter_context(new_osmo())
            return osmo, prepare(osmo, hello, given)

        yield of


def changes_nothing(entry: dict[str, Any]) -> bool:
    params = entry["request"].get("params", {})
    return entry["request"]["method"] == "GET" or entry["response"]["status"] >= 400 or "validation_only" in params or "dry_run" in params


def prepare(osmo: Any, hello: str, given: str) -> dict[str, str]:
    """Brings about what a recording presupposes; returns what its placeholders mean."""
    today = dt.datetime.now(dt.UTC).date()
    known = {"soon": str(today + dt.timedelta(days=70)), "far": str(today + dt.timedelta(days=1500))}
    osmo.done("POST", "/api/profile/settings", json={"pool": "default"})
    workflow = GIVEN[given](osmo, hello) if given in GIVEN else None
    if workflow is None:
        return known
    if given.startswith("app"):
        return known | {"app_uuid": workflow, "workflow": workflow}
    return known | {"workflow": workflow, "uuid": osmo.workflow(workflow)["uuid"]}


def offline(osmo: Any, _hello: str) -> None:
    osmo.done("GET", "/api/configs/backend")
    osmo.cluster.apps -= {"osmo-operator/osmo-operator-osmo-backend-listener"}


def pools(osmo: Any, _hello: str) -> None:
    default = osmo.cluster.config["pools"]["default"]
    gpu = {"guarantee": 4, "maximum": 8, "weight": 1}
    maintained = {**default, "enable_maintenance": True, "default_platform": "h100", "platforms": {"h100": {"description": "H100"}}}
    osmo.cluster.config["pools"]["gpu"] = {**maintained, "resources": {"gpu": gpu}}
    osmo.cluster.config["pools"]["gpu2"] = {"backend": "nobackend"}


def pool_without_backend(osmo: Any, _hello: str) -> None:
    osmo.cluster.config["pools"]["gpu2"] = {"backend": "nobackend"}


def more_configuration(osmo: Any, _hello: str) -> None:
    rule = {"operator": "LE", "left_operand": "{{USER_GPU}}", "right_operand": "{{K8_GPU}}", "assert_message": "Too many GPUs"}
    validations = osmo.done("GET", "/api/configs/resource_validation")
    osmo.cluster.config["resource_validations"] = {**validations, "gpu_max": [rule]}
    policy = {"effect": "Allow", "actions": ["workflow:*", "pool:List"], "resources": ["pool/default"]}
    osmo.cluster.config["roles"] = {"team-a": {"description": "Team A", "policies": [policy]}}


def bucket(osmo: Any, _hello: str) -> None:
    content = {"dataset_path": "s3://osmo/datasets", "mode": "read-write", "default_credential": {"endpoint": "s3://osmo"}}
    osmo.cluster.config["dataset"] = {"buckets": {"primary": content}, "default_bucket": "primary"}


def registries_down(osmo: Any, _hello: str) -> None:
    osmo.faults["osmo.registry"] = {"unreachable": ["registry-1.docker.io", "quay.io"]}


def credentials(osmo: Any, _hello: str) -> None:
    for name, token in (("hf-token", {"token": "x"}), ("other", {"a": "1", "b": "2"})):
        osmo.done("POST", f"/api/credentials/{name}", json={"generic_credential": {"credential": token}})
    registry = {"registry": "nvcr.io", "username": "$oauthtoken", "auth": "x"}
    osmo.done("POST", "/api/credentials/nvcr2", json={"registry_credential": registry})
    data = {"endpoint": "s3://osmo", "access_key_id": "test", "access_key": "test"}
    osmo.done("POST", "/api/credentials/my-s3", json={"data_credential": data})


def alice(osmo: Any, _hello: str) -> None:
    osmo.done("POST", "/api/auth/user", json={"id": "alice", "roles": ["osmo-user"]})


def alice_with_tokens(osmo: Any, hello: str) -> None:
    alice(osmo, hello)
    day = str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30))
    for name in ("ci", "ci2"):
        osmo.done("POST", f"/api/auth/access_token/{name}", user="alice", params={"expires_at": day})


def app(osmo: Any, hello: str) -> str:
    osmo.done("POST", "/api/app/user/hello-app", params={"description": "Hello app"}, json=hello)
    return str(osmo.done("GET", "/api/app/user/hello-app")["uuid"])


def app_twice(osmo: Any, hello: str) -> str:
    uuid = app(osmo, hello)
    osmo.done("PATCH", "/api/app/user/hello-app", json=hello)
    return uuid


def app_deleted(osmo: Any, hello: str) -> str:
    uuid = app_twice(osmo, hello)
    osmo.done("DELETE", "/api/app/user/hello-app", params={"all_versions": "true"})
    return uuid


def app_renamed(osmo: Any, hello: str) -> str:
    uuid = app(osmo, hello)
    osmo.done("POST", "/api/app/user/hello-app/rename", json="hello-app-2")
    return uuid


def app_submitted(osmo: Any, hello: str) -> str:
    uuid = app(osmo, hello)
    osmo.runner.stop()
    return str(osmo.submit(hello, params={"app_uuid": uuid, "app_version": 1}))


def submitted(osmo: Any, hello: str) -> str:
    osmo.runner.stop()
    return str(osmo.submit(hello))


def unclaimed(osmo: Any, hello: str) -> str:
    osmo.cluster.apps -= {"osmo-operator/osmo-operator-osmo-backend-worker"}
    return reached(osmo, hello, "PROCESSING")


def unschedulable(osmo: Any, hello: str) -> str:
    osmo.cluster.schedules = False
    return reached(osmo, hello, "SCHEDULING")


def not_started(osmo: Any, hello: str) -> str:
    osmo.cluster.starts = False
    return reached(osmo, hello, "INITIALIZING")


def running(osmo: Any, hello: str) -> str:
    osmo.faults["osmo.outcome"] = LONG
    return reached(osmo, hello, "RUNNING")


def completed(osmo: Any, hello: str) -> str:
    return reached(osmo, hello, "COMPLETED")


def failed(osmo: Any, hello: str) -> str:
    osmo.faults["osmo.outcome"] = {"workflow": "verify-hello", "status": "FAILED", "exitCode": 2}
    name = reached(osmo, hello, "FAILED")
    osmo.faults.clear()
    return name


def restarted(osmo: Any, hello: str) -> str:
    name = failed(osmo, hello)
    osmo.runner.stop()
    return str(osmo.done("POST", f"/api/pool/default/workflow/{name}/restart")["name"])


def canceled(osmo: Any, hello: str) -> str:
    name = running(osmo, hello)
    osmo.done("POST", f"/api/workflow/{name}/cancel", params={"message": "stop it"})
    osmo.until_status(name, "FAILED_CANCELED")
    return name


def refused(osmo: Any, hello: str) -> str:
    osmo.call("POST", "/api/pool/default/workflow", json={"file": hello.replace("memory: 1Gi", "memory: 4000Gi")})
    return "verify-hello-1"


def two_groups(osmo: Any, _hello: str) -> str:
    osmo.cluster.apps -= {"osmo-operator/osmo-operator-osmo-backend-worker"}
    return reached(osmo, TWO_GROUPS, "PROCESSING", params={"priority": "LOW"})


def two_groups_second(osmo: Any, _hello: str) -> str:
    """The first group is done, the second waits for the backend."""
    osmo.cluster.starts = False
    name = reached(osmo, TWO_GROUPS, "INITIALIZING", params={"priority": "LOW"})
    osmo.cluster.apps -= {"osmo-operator/osmo-operator-osmo-backend-worker"}
    osmo.cluster.starts = True
    osmo.cluster.move_all()
    osmo.until(name, lambda found: found["groups"][1]["status"] == "PROCESSING")
    return name


def image_pull(osmo: Any, _hello: str) -> str:
    """The first group is done, the second finds no image."""
    name = two_groups_second(osmo, "")
    osmo.cluster.waiting_reason = "ErrImagePull"
    osmo.cluster.apps |= {"osmo-operator/osmo-operator-osmo-backend-worker"}
    osmo.until_status(name, "FAILED")
    return name


def with_environment(osmo: Any, hello: str) -> str:
    return str(osmo.submit(hello, params={"env_vars": "A=b"}))


def templated(osmo: Any, _hello: str) -> str:
    variables = {"set_variables": ["cpu=2"], "set_string_variables": ["msg=yo"], "uploaded_templated_spec": TEMPLATED}
    return str(osmo.submit(TEMPLATED, body=variables))


def reached(osmo: Any, text: str, status: str, **more: Any) -> str:
    name = str(osmo.submit(text, **more))
    osmo.until(name, lambda found: found["groups"][0]["status"] == status)
    return name


GIVEN: dict[str, Callable[[Any, str], str | None]] = {
    name.__name__.replace("_", "-"): name
    for name in (
        *(offline, pools, pool_without_backend, more_configuration, bucket, registries_down, credentials, alice, alice_with_tokens),
        *(app, app_twice, app_deleted, app_renamed, app_submitted, submitted, unclaimed, unschedulable, not_started, running, completed),
        *(failed, restarted, canceled, refused, two_groups, two_groups_second, image_pull, with_environment, templated),
    )
}


def filled(value: Any, known: dict[str, str]) -> Any:
    for name, meaning in known.items():
        value = value.replace(f"{{{name}}}", meaning) if isinstance(value, str) else value
    return value


def differences(shape: Any, found: Any, at: str = "$") -> list[str]:
    """Where an answer is not of the recorded shape."""
    if shape == "any" or "null" in (shape, found if found is not None else "null"):
        return []  # recorded or answered without a value
    if isinstance(shape, dict):
        return _map_differences(shape, found, at)
    if isinstance(shape, list):
        if not isinstance(found, list):
            return [f"{at}: {found!r} is no list"]
        return [text for index, item in enumerate(found if shape else []) for text in differences(shape[0], item, f"{at}[{index}]")]
    return [] if _is(shape, found) else [f"{at}: {found!r} is not {shape}"]


def _map_differences(shape: dict[str, Any], found: Any, at: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{at}: {found!r} is no map"]
    if set(shape) == {"*"}:
        return [text for key, item in found.items() for text in differences(shape["*"], item, f"{at}.{key}")]
    if shape and set(shape) != set(found):
        return [f"{at}: keys {sorted(set(shape) ^ set(found))} differ"]
    return [text for key, expected in shape.items() for text in differences(expected, found[key], f"{at}.{key}")]


def _is(shape: str, found: Any) -> bool:
    if shape.startswith("="):
        return normal(str(found)) in shape[1:].split("|") or normal(str(found)) == shape[1:]
    if shape.startswith("time"):
        return isinstance(found, str) and TIME.fullmatch(found.removesuffix("Z")) is not None and found.endswith("Z") == (shape == "timeZ")
    kinds = {"str": str, "bool": bool, "int": int, "float": float | int}
    return isinstance(found, kinds[shape]) and (shape == "bool" or not isinstance(found, bool))


def normal(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"errors\.pydantic\.dev/[\d.]+", "errors.pydantic.dev/V", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "<uuid>", text)
    return re.sub(r"\b(verify-hello|two-groups|tmpl)-\d+\b", r"\1-N", text)
