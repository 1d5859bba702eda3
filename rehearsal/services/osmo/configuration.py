"""The service's configuration in ConfigMap mode: read from the mounted file, never written."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rehearsal.services.osmo import defaults
from rehearsal.services.osmo.templates import merge_templates

JsonMap = dict[str, Any]
log = logging.getLogger(__name__)


class ConfigurationError(Exception):
    """The file cannot be used. The real service then keeps its last good one, or does not start."""


class Assertion(BaseModel):
    """One rule of a resource validation; operands hold `{{USER_CPU}}` and `{{K8_CPU}}` style tokens."""

    operator: str
    left_operand: str
    right_operand: str
    assert_message: str


class Platform(BaseModel):
    """A kind of node within a pool."""

    model_config = ConfigDict(extra="ignore")

    description: str = ""
    host_network_allowed: bool = False
    privileged_allowed: bool = False
    allowed_mounts: list[str] = Field(default_factory=list)
    default_mounts: list[str] = Field(default_factory=list)
    default_variables: JsonMap = Field(default_factory=dict)
    resource_validations: list[str] = Field(default_factory=list)
    override_pod_template: list[str] = Field(default_factory=list)


class GpuShare(BaseModel):
    """A pool's part of the GPUs; -1 is unlimited."""

    guarantee: int = -1
    maximum: int = -1
    weight: int = 1


class PoolResources(BaseModel):
    gpu: GpuShare | None = None


class Pool(BaseModel):
    """A pool as configured. Times are texts; an empty one means the service's default."""

    model_config = ConfigDict(extra="ignore")

    name: str = ""
    description: str = ""
    backend: str
    download_type: str | None = None
    enable_maintenance: bool = False
    default_platform: str | None = None
    default_exec_timeout: str = ""
    default_queue_timeout: str = ""
    max_exec_timeout: str = ""
    max_queue_timeout: str = ""
    default_exit_actions: JsonMap = Field(default_factory=dict)
    resources: PoolResources = Field(default_factory=PoolResources)
    topology_keys: list[JsonMap] = Field(default_factory=list)
    common_default_variables: JsonMap = Field(default_factory=dict)
    common_resource_validations: list[str] = Field(default_factory=list)
    common_pod_template: list[str] = Field(default_factory=list)
    common_group_templates: list[str] = Field(default_factory=list)
    platforms: dict[str, Platform] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every section of the file, with the service's defaults filled in."""

    service: JsonMap
    workflow: JsonMap
    dataset: JsonMap
    pools: dict[str, Pool]
    pod_templates: dict[str, JsonMap]
    group_templates: dict[str, JsonMap]
    resource_validations: dict[str, list[Assertion]]
    backends: dict[str, JsonMap]
    backend_tests: JsonMap
    roles: dict[str, JsonMap]

    @property
    def base_url(self) -> str:
        return str(self.service.get("service_base_url") or "").rstrip("/")

    def pod_template(self, pool: Pool, platform: str) -> JsonMap:
        """The pod template of a pool's platform: the common ones with the platform's own laid over them."""
        names = [*pool.common_pod_template, *(pool.platforms[platform].override_pod_template if platform in pool.platforms else [])]
        return merge_templates([self.pod_templates[name] for name in names])

    def assertions(self, pool: Pool, platform: str) -> list[Assertion]:
        own = pool.platforms[platform].resource_validations if platform in pool.platforms else []
        return [assertion for name in [*pool.common_resource_validations, *own] for assertion in self.resource_validations[name]]


def parse_configuration(text: str) -> Configuration:
    """The configuration that the file's text means.

    Raises:
        ConfigurationError: the text is no YAML mapping, or a section does not hold together.
    """
    try:
        content = yaml.safe_load(text) or {}
        if not isinstance(content, dict):
            raise ConfigurationError("the configuration is not a mapping")
        return _checked(_sections(content))
    except (yaml.YAMLError, ValidationError, AttributeError, TypeError) as error:
        raise ConfigurationError(str(error)) from error


def _sections(content: JsonMap) -> Configuration:
    pools = {name: Pool.model_validate({**(pool or {}), "name": name}) for name, pool in (content.get("pools") or {}).items()}
    validations = content.get("resource_validations") or defaults.RESOURCE_VALIDATIONS
    roles = {name: {"name": name, **(role or {})} for name, role in (content.get("roles") or defaults.ROLES).items()}
    return Configuration(
        service=defaults.merged(defaults.SERVICE, content.get("service") or {}),
        workflow=defaults.merged(defaults.WORKFLOW, content.get("workflow") or {}),
        dataset=defaults.merged(defaults.DATASET, content.get("dataset") or {}),
        pools=pools,
        pod_templates=content.get("pod_templates") or defaults.POD_TEMPLATES,
        group_templates=content.get("group_templates") or {},
        resource_validations={name: [Assertion.model_validate(rule) for rule in rules] for name, rules in validations.items()},
        backends={name: backend or {} for name, backend in (content.get("backends") or {}).items()},
        backend_tests=content.get("backend_tests") or {},
        roles=roles,
    )


def _checked(found: Configuration) -> Configuration:
    """Refuses references to templates and validations that do not exist."""
    for pool in found.pools.values():
        platforms = pool.platforms.values()
        for name in [*pool.common_pod_template, *(name for platform in platforms for name in platform.override_pod_template)]:
            if name not in found.pod_templates:
                raise ConfigurationError(f"Pod template {name} does not exist!")
        for name in [*pool.common_resource_validations, *(name for platform in platforms for name in platform.resource_validations)]:
            if name not in found.resource_validations:
                raise ConfigurationError(f"Resource validation {name} does not exist!")
    return found


class ConfigurationSource:
    """Follows the file: a new text is read when it changes, a bad one is ignored once a good one was seen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text: str | None = None
        self._good: Configuration | None = None

    def read(self, text: str | None) -> Configuration | None:
        """The configuration to use now; None when there never was a good one."""
        with self._lock:
            if text is not None and text != self._text:
                self._text = text
                self._good = _parsed_or(text, self._good)
            return self._good


def _parsed_or(text: str, good: Configuration | None) -> Configuration | None:
    try:
        return parse_configuration(text)
    except ConfigurationError as error:
        log.warning("the OSMO configuration is not usable and ignored: %s", error)
        return good
