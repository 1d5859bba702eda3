"""Workflows, groups and tasks on the wire."""

from __future__ import annotations

from typing import Any

from rehearsal.services.osmo.clock import now, stamp
from rehearsal.services.osmo.quantities import parse
from rehearsal.services.osmo.records import GroupRecord, TaskRecord, WorkflowRecord
from rehearsal.services.osmo.resources import GIB
from rehearsal.services.osmo.states import TaskStatus, WorkflowStatus

JsonMap = dict[str, Any]


class Urls:
    """Addresses of a workflow below the service's base; an empty base gives relative ones."""

    def __init__(self, base: str, workflow: WorkflowRecord) -> None:
        self.api = f"{base}/api/workflow/{workflow.name}"
        self.overview = f"{base}/workflows/{workflow.name}"


def submit_view(base: str, workflow: WorkflowRecord) -> JsonMap:
    urls = Urls(base, workflow)
    return {"name": workflow.name, "overview": urls.overview, "logs": f"{urls.api}/logs", "spec": None, "dashboard_url": None}


def workflow_view(base: str, workflow: WorkflowRecord, *, groups: bool = True) -> JsonMap:
    """One workflow in full."""
    urls = Urls(base, workflow)
    return {
        "name": workflow.name,
        "uuid": workflow.uuid,
        "submitted_by": workflow.submitted_by,
        "cancelled_by": workflow.cancelled_by,
        "spec": f"{urls.api}/spec",
        "template_spec": f"{urls.api}/spec?use_template=true",
        "logs": f"{urls.api}/logs?last_n_lines=1000",
        "events": f"{urls.api}/events",
        "overview": urls.overview,
        "parent_name": workflow.parent_name,
        "parent_job_id": workflow.parent_job_id,
        "dashboard_url": None,
        "grafana_url": None,
        "tags": [],
        "submit_time": stamp(workflow.submit_time),
        "start_time": stamp(workflow.start_time),
        "end_time": stamp(workflow.end_time),
        "exec_timeout": workflow.exec_timeout,
        "queue_timeout": workflow.queue_timeout,
        "duration": duration(workflow),
        "queued_time": queued_time(workflow),
        "status": workflow.status.value,
        "outputs": "",
        "groups": [_group_view(urls, workflow, group) for group in workflow.groups] if groups else [],
        "pool": workflow.pool,
        "backend": workflow.backend,
        "app_owner": workflow.app_owner,
        "app_name": workflow.app_name,
        "app_version": workflow.app_version,
        "plugins": {"rsync": False},
        "priority": workflow.priority,
    }


def workflow_row(base: str, workflow: WorkflowRecord) -> JsonMap:
    """One line of a list."""
    urls = Urls(base, workflow)
    return {
        "user": workflow.submitted_by,
        "name": workflow.name,
        "workflow_uuid": workflow.uuid,
        "submit_time": stamp(workflow.submit_time),
        "start_time": stamp(workflow.start_time),
        "end_time": stamp(workflow.end_time),
        "queued_time": queued_time(workflow),
        "duration": duration(workflow),
        "status": workflow.status.value,
        "overview": urls.overview,
        "logs": f"{urls.api}/logs",
        "error_logs": f"{urls.api}/error_logs" if workflow.status.failed else None,
        "grafana_url": None,
        "dashboard_url": None,
        "pool": workflow.pool,
        "app_owner": workflow.app_owner,
        "app_name": workflow.app_name,
        "app_version": workflow.app_version,
        "priority": workflow.priority,
    }


def task_row(base: str, workflow: WorkflowRecord, task: TaskRecord) -> JsonMap:
    """One line of the list of tasks."""
    urls = Urls(base, workflow)
    return {
        "user": workflow.submitted_by,
        "workflow_id": workflow.name,
        "workflow_uuid": workflow.uuid,
        "task_name": task.name,
        "retry_id": task.retry_id,
        "pool": workflow.pool,
        "node": task.node_name,
        "start_time": stamp(task.start_time),
        "end_time": stamp(task.end_time),
        "duration": ((task.end_time or now()) - task.start_time).total_seconds() if task.start_time else None,
        "status": task.status.value,
        "overview": urls.overview,
        "logs": f"{urls.api}/logs?task_name={task.name}",
        "error_logs": _error_logs(urls, task),
        "grafana_url": None,
        "dashboard_url": None,
        **task_needs(task),
        "priority": workflow.priority,
    }


def task_view(workflow: WorkflowRecord, task: TaskRecord) -> JsonMap:
    """One task with what it asked for."""
    return {
        "workflow_id": workflow.name,
        "task_name": task.name,
        "node": task.node_name,
        "start_time": stamp(task.start_time),
        "end_time": stamp(task.end_time),
        "status": task.status.value,
        **task_needs(task),
    }


def task_needs(task: TaskRecord) -> JsonMap:
    """Storage and memory in Gi."""
    return {"storage": _gi(task.storage), "cpu": task.cpu, "memory": _gi(task.memory), "gpu": task.gpu}


def _gi(amount: str) -> float:
    return float(parse(amount) / GIB)


def duration(workflow: WorkflowRecord) -> float | None:
    return ((workflow.end_time or now()) - workflow.start_time).total_seconds() if workflow.start_time else None


def queued_time(workflow: WorkflowRecord) -> float:
    return ((workflow.start_time or workflow.end_time or now()) - workflow.submit_time).total_seconds()


def _group_view(urls: Urls, workflow: WorkflowRecord, group: GroupRecord) -> JsonMap:
    unfinished = {other.name for other in workflow.groups if other.status is not TaskStatus.COMPLETED}
    return {
        "name": group.name,
        "status": group.status.value,
        "start_time": stamp(group.start_time),
        "end_time": stamp(group.end_time),
        "processing_start_time": stamp(group.processing_start_time),
        "scheduling_start_time": stamp(group.scheduling_start_time),
        "initializing_start_time": stamp(group.initializing_start_time),
        "remaining_upstream_groups": [name for name in group.upstream if name in unfinished],
        "downstream_groups": list(group.downstream),
        "failure_message": group.failure_message,
        "tasks": [_task_in_group(urls, task) for task in group.tasks],
    }


def _task_in_group(urls: Urls, task: TaskRecord) -> JsonMap:
    mine = f"task_name={task.name}&retry_id={task.retry_id}"
    return {
        "name": task.name,
        "retry_id": task.retry_id,
        "status": task.status.value,
        "failure_message": task.failure_message,
        "exit_code": task.exit_code,
        "logs": f"{urls.api}/logs?last_n_lines=1000&{mine}",
        "error_logs": _error_logs(urls, task),
        "processing_start_time": stamp(task.processing_start_time),
        "scheduling_start_time": stamp(task.scheduling_start_time),
        "initializing_start_time": stamp(task.initializing_start_time),
        "events": f"{urls.api}/events?{mine}",
        "start_time": stamp(task.start_time),
        "end_time": stamp(task.end_time),
        "input_download_start_time": None,
        "input_download_end_time": None,
        "output_upload_start_time": None,
        "dashboard_url": None,
        "pod_name": task.pod_name,
        "pod_ip": task.pod_ip,
        "task_uuid": task.task_uuid,
        "node_name": task.node_name,
        "lead": task.lead,
    }


def _error_logs(urls: Urls, task: TaskRecord) -> str | None:
    """Only a container that ran and failed has error logs."""
    if not (task.status.failed and task.exit_code):
        return None
    return f"{urls.api}/error_logs?task_name={task.name}&retry_id={task.retry_id}"


def is_listed(status: WorkflowStatus, asked: set[WorkflowStatus]) -> bool:
    """Refused submissions are hidden unless asked for."""
    return status in asked if asked else status is not WorkflowStatus.FAILED_SUBMISSION
