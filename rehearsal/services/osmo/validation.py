"""What a submitted workflow must pass, in the service's order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rehearsal.services.osmo.assertions import Request, check_capacity, check_unit
from rehearsal.services.osmo.configuration import Configuration, Pool
from rehearsal.services.osmo.errors import ErrorCode, OsmoError, user_error
from rehearsal.services.osmo.images import parse_image, unreachable
from rehearsal.services.osmo.records import Credential, Priority
from rehearsal.services.osmo.resources import NodeResources
from rehearsal.services.osmo.spec import ResourceProfile, Task, TaskInput, VersionedWorkflowSpec
from rehearsal.services.osmo.templating import spec_name


class RejectedError(Exception):
    """A refusal that the service also stores, as a workflow that failed at submission."""

    def __init__(self, refusal: OsmoError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What validation looks at beside the spec.

    Attributes:
        nodes: what the backend reports; empty while it is not connected.
        unreachable_registries: hosts that do not answer, from a fault switch.
    """

    configuration: Configuration
    pool: Pool
    nodes: Sequence[NodeResources]
    credentials: Sequence[Credential]
    is_admin: bool
    priority: Priority
    unreachable_registries: Sequence[str] = ()


def validate(document: Mapping[str, Any], seen: Circumstances) -> tuple[VersionedWorkflowSpec, dict[str, Request]]:
    """The typed spec, and what each task asks for.

    Raises:
        OsmoError: refused, and forgotten.
        RejectedError: refused, and stored as `FAILED_SUBMISSION`.
    """
    spec = _schema(document)
    for profile in spec.workflow.resources.values():
        for field, value in (("memory", profile.memory), ("storage", profile.storage)):
            if value:
                check_unit(field, value)
    tasks = spec.workflow.all_tasks()
    limit = seen.configuration.workflow["max_num_tasks"]
    if len(tasks) > limit:
        raise user_error(f"Workflow cannot have more than {limit} tasks.")
    requests = {task.name: _request(task, spec.workflow.resources, seen) for task in tasks}
    _check_inputs(tasks)
    _check_pool(spec, requests, seen)
    try:
        _check_needs(spec, requests, seen)
    except OsmoError as refusal:
        raise RejectedError(refusal) from refusal
    return spec, requests


def _schema(document: Mapping[str, Any]) -> VersionedWorkflowSpec:
    try:
        return VersionedWorkflowSpec.model_validate(document)
    except ValidationError as error:
        refusal = OsmoError(ErrorCode.USAGE, str(error), workflow_id=spec_name(document))
        raise RejectedError(refusal) from error


def _request(task: Task, profiles: Mapping[str, ResourceProfile], seen: Circumstances) -> Request:
    profile = profiles.get(task.resource)
    if profile is None:
        if task.resource != "default":
            raise OsmoError(ErrorCode.RESOURCE, f"Requesting undefined resource {task.resource}.")
        profile = ResourceProfile()
    pool = seen.pool
    platform = profile.platform or pool.default_platform or ""
    if platform not in pool.platforms:
        raise OsmoError(ErrorCode.RESOURCE, f"Platform {platform} does not exist in pool {pool.name}!")
    defaults = {**pool.common_default_variables, **pool.platforms[platform].default_variables}
    return Request(
        task=task.name,
        pool=pool.name,
        platform=platform,
        # 0 is no request: the pool's default stands
        cpu=profile.cpu or int(defaults.get("USER_CPU", 1)),
        memory=profile.memory or str(defaults.get("USER_MEMORY", "1Gi")),
        storage=profile.storage or str(defaults.get("USER_STORAGE", "1Gi")),
        gpu=profile.gpu or int(defaults.get("USER_GPU", 0)),
    )


def _check_inputs(tasks: Iterable[Task]) -> None:
    names = {task.name for task in tasks}
    for task in tasks:
        for source in task.inputs:
            if isinstance(source, TaskInput) and source.task not in names:
                raise OsmoError(ErrorCode.SUBMISSION, f"Task input {source.task} does not exist.")


def _check_pool(spec: VersionedWorkflowSpec, requests: Mapping[str, Request], seen: Circumstances) -> None:
    pool = seen.pool
    if pool.enable_maintenance and not seen.is_admin:
        sentence = f"Pool {pool.name} is undergoing maintenance. Users will have to wait until maintenance is completed before submission."
        raise OsmoError(ErrorCode.USAGE, sentence)
    guarantee = pool.resources.gpu.guarantee if pool.resources.gpu else -1
    if guarantee == -1 or seen.priority == "LOW":
        return
    for group in spec.workflow.all_groups():
        wanted = sum(requests[task.name].gpu for task in group.tasks)
        if wanted > guarantee:
            sentence = f"Group {group.name} asks for {wanted} GPUs, more than the {guarantee} of pool {pool.name}: use LOW priority."
            raise OsmoError(ErrorCode.USAGE, sentence, workflow_id=spec.workflow.name)


def _check_needs(spec: VersionedWorkflowSpec, requests: Mapping[str, Request], seen: Circumstances) -> None:
    """Nodes, images and credentials: refusals that leave a trace."""
    for request in requests.values():
        check_capacity(request, seen.configuration.assertions(seen.pool, request.platform), seen.nodes, spec.workflow.name)
    tasks = spec.workflow.all_tasks()
    for image in dict.fromkeys(task.image for task in tasks):
        _check_image(image, seen)
    for task in tasks:
        _check_credentials(task, seen.credentials)


def _check_image(text: str, seen: Circumstances) -> None:
    """The name, and the registry unless its host is exempt. Whether the registry has the image is not rehearsed."""
    image = parse_image(text)
    exempt = seen.configuration.workflow["credential_config"]["disable_registry_validation"]
    if image.host in seen.unreachable_registries and image.host not in exempt:
        path = f"/v2/{image.path}/manifests/{image.reference}"
        raise unreachable(image.host, path, image.manifest_url)


def _check_credentials(task: Task, stored: Sequence[Credential]) -> None:
    for name, use in task.credentials.items():
        credential = next((credential for credential in stored if credential.cred_name == name), None)
        if credential is None:
            raise OsmoError(ErrorCode.CREDENTIAL, f"Could not find the credential: {name}.")
        for key in use.values() if isinstance(use, dict) else ():
            if key not in credential.keys:
                sentence = f"{key} is not a valid credential key please choose from dict_keys({credential.keys!r})"
                raise OsmoError(ErrorCode.CREDENTIAL, sentence)
