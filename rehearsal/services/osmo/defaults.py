"""What the service uses where its configuration says nothing: the recorded configuration of a fresh 6.3.1."""

from __future__ import annotations

import copy
from typing import Any

MAX_TOKEN_DURATION = "365d"  # noqa: S105 - a duration
SECRET_MASK = "**********"  # noqa: S105 - what a secret reads as


def _assertions(name: str, upper: str, words: str) -> list[dict[str, str]]:
    user, node = f"{{{{USER_{name}}}}}", f"{{{{K8_{name}}}}}"
    return [
        {"operator": upper, "left_operand": user, "right_operand": node, "assert_message": f"Value {user} too high for {words}"},
        {
            "operator": "GT",
            "left_operand": user,
            "right_operand": "0",
            "assert_message": f"Value {user} needs to be greater than 0 for {words}",
        },
    ]


RESOURCE_VALIDATIONS: dict[str, Any] = {
    "default_cpu": _assertions("CPU", "LE", "CPU"),
    "default_memory": _assertions("MEMORY", "LE", "memory"),
    "default_storage": _assertions("STORAGE", "LT", "storage"),
}

_USER_LIMITS = {
    "cpu": "{{USER_CPU}}",
    "memory": "{{USER_MEMORY}}",
    "nvidia.com/gpu": "{{USER_GPU}}",
    "ephemeral-storage": "{{USER_STORAGE}}",
}
_CTRL_LIMITS = {key: value for key, value in _USER_LIMITS.items() if key != "nvidia.com/gpu"}
CTRL_CONTAINER = "osmo-ctrl"

POD_TEMPLATES: dict[str, Any] = {
    "default_ctrl": {
        "spec": {
            "containers": [
                {
                    "name": CTRL_CONTAINER,
                    "resources": {"limits": _CTRL_LIMITS, "requests": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}},
                }
            ]
        }
    },
    "default_user": {
        "spec": {"containers": [{"name": "{{USER_CONTAINER_NAME}}", "resources": {"limits": _USER_LIMITS, "requests": _USER_LIMITS}}]}
    },
}


def _role(name: str, description: str, *policies: tuple[list[str], list[str]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "policies": [{"effect": "Allow", "actions": actions, "resources": resources} for actions, resources in policies],
        "immutable": False,
        "sync_mode": "import",
        "external_roles": [name],
    }


_USER_ACTIONS = [
    *["app:*", "auth:Token", "credentials:*", "dataset:*", "pool:List", "profile:Read", "profile:Update", "resources:Read", "user:List"],
    *["workflow:List", "workflow:Read"],
]
_LOGIN_ACTIONS = ["auth:Login", "auth:Refresh", "profile:*", "system:Health", "system:Version"]
ROLES: dict[str, Any] = {
    role["name"]: role
    for role in (
        _role("osmo-admin", "Administrator with full access except internal endpoints", (["*:*"], ["*"]), ([], [])),
        _role(
            "osmo-backend",
            "For backend agents",
            (["config:Read", "internal:Operator", "pool:List"], ["backend/*", "pool/*", "config/backend"]),
        ),
        _role("osmo-ctrl", "For workflow pods", (["internal:Logger", "internal:Router"], ["*"])),
        _role("osmo-default", "Default role all users have access to", (_LOGIN_ACTIONS, ["*"])),
        _role("osmo-user", "Standard user role", (_USER_ACTIONS, ["*"]), (["workflow:*"], ["pool/default"])),
    )
}

RSYNC: dict[str, Any] = {
    "enabled": False,
    "enable_telemetry": False,
    "read_bandwidth_limit": 2621440,
    "write_bandwidth_limit": 2621440,
    "allowed_paths": {},
    "daemon_debounce_delay": 30.0,
    "daemon_poll_interval": 120.0,
    "daemon_reconcile_interval": 60.0,
    "client_upload_rate_limit": 2097152,
}

WORKFLOW: dict[str, Any] = {
    "workflow_data": {"credential": None, "base_url": "", "websocket_timeout": 1440, "data_timeout": 10, "download_type": "download"},
    "workflow_log": {"credential": None},
    "workflow_app": {"credential": None},
    "workflow_info": {"tags": [], "max_name_length": 64},
    "backend_images": {"init": "", "client": "", "credential": {"registry": "", "username": "", "auth": ""}},
    "workflow_alerts": {"slack_token": "", "smtp_settings": {"host": "", "sender": "", "password": ""}},
    "credential_config": {"disable_registry_validation": [], "disable_data_validation": []},
    "user_workflow_limits": {
        "max_num_workflows": None,
        "max_num_tasks": None,
        "jinja_sandbox_workers": 2,
        "jinja_sandbox_max_time": 0.5,
        "jinja_sandbox_memory_limit": 104857600,
    },
    "plugins_config": {"rsync": RSYNC},
    "max_num_tasks": 20,
    "max_num_ports_per_task": 30,
    "max_retry_per_task": 0,
    "max_retry_per_job": 5,
    "default_schedule_timeout": 30,
    "default_exec_timeout": "60d",
    "default_queue_timeout": "60d",
    "max_exec_timeout": "60d",
    "max_queue_timeout": "60d",
    "force_cleanup_delay": "1h",
    "max_log_lines": 10000,
    "max_task_log_lines": 1000,
    "max_error_log_lines": 100,
    "max_event_log_lines": 100,
    "task_heartbeat_frequency": "10m",
}

LOGIN_INFO = dict.fromkeys(
    ["device_endpoint", "device_client_id", "browser_endpoint", "browser_client_id", "token_endpoint", "logout_endpoint"]
)
SERVICE: dict[str, Any] = {
    "service_base_url": "",
    "service_auth": {
        "keys": {},
        "active_key": None,
        "issuer": "osmo",
        "audience": "osmo",
        "user_roles": ["osmo-user"],
        "ctrl_roles": ["osmo-user", "osmo-ctrl"],
        "login_info": LOGIN_INFO,
        "max_token_duration": MAX_TOKEN_DURATION,
    },
    "cli_config": {"latest_version": None, "min_supported_version": None, "client_install_url": None},
    "max_pod_restart_limit": "30m",
    "agent_queue_size": 1024,
}

DATASET: dict[str, Any] = {"buckets": {}, "default_bucket": ""}
BACKEND: dict[str, Any] = {
    "description": "",
    "dashboard_url": "",
    "grafana_url": "",
    "tests": [],
    "scheduler_settings": {"scheduler_type": "kai", "scheduler_name": "kai-scheduler", "scheduler_timeout": 30},
    "node_conditions": {"rules": {"Ready": "True"}, "prefix": "osmo.nvidia.com/"},
    "router_address": "",
}


def merged(base: Any, over: Any) -> Any:  # noqa: ANN401 - parts of a configuration, of any shape
    """`over` laid on `base`: maps merge deep, all else replaces, null leaves a map as it is. Neither argument is changed."""
    if not isinstance(base, dict):
        return copy.deepcopy(over)
    if not isinstance(over, dict):
        return copy.deepcopy(base if over is None else over)
    result = copy.deepcopy(base)
    for key, value in over.items():
        result[key] = merged(base.get(key), value)
    return result
