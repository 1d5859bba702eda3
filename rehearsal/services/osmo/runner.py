"""Drives workflows: creates their pods, follows them by watch, and ends them in time."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

from rehearsal.api import ApiError, Object
from rehearsal.services.osmo import task_logs
from rehearsal.services.osmo.clock import now
from rehearsal.services.osmo.context import Service
from rehearsal.services.osmo.errors import UnavailableError
from rehearsal.services.osmo.observation import Failure, Observation, lost_node, observe, refused, removed
from rehearsal.services.osmo.outcomes import Outcome, outcome_of
from rehearsal.services.osmo.pods import finished_status, pod_manifest, pull_secret_manifest
from rehearsal.services.osmo.progress import Step, next_deadline
from rehearsal.services.osmo.records import Database, GroupRecord, TaskRecord, WorkflowRecord
from rehearsal.services.osmo.scheduling import admitted, pod_group, pod_group_name
from rehearsal.services.osmo.states import TaskStatus

log = logging.getLogger(__name__)
_TICK = 0.5  # seconds between looks while something is under way
_AWAY = 2.0  # the same where the cluster does not answer
_IDLE = 5.0  # seconds between looks while nothing is


class PodTable:
    """The last known state of every workflow pod, and which of them are gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: dict[str, Object] = {}
        self._gone: set[str] = set()
        self._synced = False

    def put(self, pod: Object) -> None:
        with self._lock:
            self._pods[pod["metadata"]["name"]] = pod

    def drop(self, name: str) -> None:
        with self._lock:
            self._gone.add(name)

    def sync(self, pods: list[Object]) -> None:
        """Takes over a fresh list: what was seen before and is not in it is gone. What was only just created has no uid yet."""
        names = {pod["metadata"]["name"] for pod in pods}
        with self._lock:
            self._gone |= {name for name, pod in self._pods.items() if "uid" in pod["metadata"]} - names
            self._pods |= {pod["metadata"]["name"]: pod for pod in pods}
            self._synced = True

    def keep(self, names: set[str]) -> None:
        """Forgets every other pod."""
        with self._lock:
            self._pods = {name: pod for name, pod in self._pods.items() if name in names}
            self._gone &= names

    def get(self, name: str) -> tuple[Object | None, bool]:
        """The pod, and whether it is gone; a pod that was never seen is gone too, once all were listed."""
        with self._lock:
            pod = self._pods.get(name)
            return pod, name in self._gone or (pod is None and self._synced)


class WorkflowRunner:
    """Runs in threads of its own between `start` and `stop`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pods = PodTable()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._stop.clear()
        loops = {"osmo-runner": self._run, "osmo-pods": self._follow_pods, "osmo-events": self._follow_events}
        self._threads = [threading.Thread(target=loop, name=name, daemon=True) for name, loop in loops.items()]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the runner; its watches end with their next change, or with the process."""
        self._stop.set()
        self.wake()
        if self._threads:
            self._threads[0].join(timeout=5)

    def wake(self) -> None:
        """Says that there is something to do."""
        self._wake.put(None)

    def _run(self) -> None:
        pause = _IDLE
        while not self._stop.is_set():
            self._wait(pause)
            try:
                pause = self.step()
            except UnavailableError:
                pause = _TICK
            except ApiError as error:  # the cluster is away, or gone
                log.info("the workflow runner waits: %s", error)
                pause = _AWAY
            except Exception:  # a broken cluster must not end the runner
                log.exception("the workflow runner failed; it goes on")
                pause = _TICK

    def _wait(self, seconds: float) -> None:
        try:
            self._wake.get(timeout=seconds)
            while True:
                self._wake.get_nowait()
        except queue.Empty:
            pass

    def step(self) -> float:
        """Moves every unfinished workflow on; returns how long to wait at most for the next step."""
        with self._service.reading() as database:
            if not _unfinished(database):
                return _IDLE
        with self._service.writing() as database:
            step = Step(_Backend(self._service, self._pods), self._outcome)
            for workflow in _unfinished(database):
                step.advance(workflow)
            left = _unfinished(database)
            self._pods.keep({task.pod_name for workflow in left for _group, task in workflow.tasks()})
            return _pause(left)

    def _outcome(self, workflow: WorkflowRecord, task: TaskRecord) -> Outcome | None:
        return outcome_of(self._service.faults, workflow, task)

    def _follow_pods(self) -> None:
        for event in self._events("pods"):
            if event["type"] == "SYNC":
                self._pods.sync(event["items"])
            elif event["type"] == "DELETED":
                self._pods.put(event["object"])
                self._pods.drop(event["object"]["metadata"]["name"])
            else:
                self._pods.put(event["object"])
                self._note_conditions(event["object"])
            self.wake()

    def _follow_events(self) -> None:
        for event in self._events("events"):
            for item in event["items"] if event["type"] == "SYNC" else [event["object"]]:
                if item.get("involvedObject", {}).get("kind") == "Pod":
                    self._note(item["involvedObject"]["name"], f"{item.get('reason')}: {item.get('message')}")

    def _events(self, kind: str) -> Iterator[Object]:
        """Watch events for as long as the runner lives, whatever happens to the connection."""
        while not self._stop.is_set():
            try:
                for event in self._service.cluster.watch(kind, self._stop):
                    if self._stop.is_set():
                        return
                    if event["type"] != "BOOKMARK":
                        yield event
            except ApiError as error:
                log.debug("watch of %s: %s", kind, error)
                self._stop.wait(_TICK)

    def _note_conditions(self, pod: Object) -> None:
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition["type"] == "PodScheduled":
                self._note(pod["metadata"]["name"], f"PodScheduled: {condition['status']}")

    def _note(self, pod_name: str, text: str) -> None:
        """Keeps an event with the task that it is about."""
        try:
            with self._service.reading() as database:
                for workflow in reversed(database.workflows):
                    for _group, task in workflow.tasks():
                        if task.pod_name == pod_name:
                            task_logs.note_event(task, now(), text)
                            return
        except (UnavailableError, ApiError):
            return


class _Backend:
    """The operator's part: what it creates, sees and removes in the cluster."""

    def __init__(self, service: Service, pods: PodTable) -> None:
        self._service, self._cluster, self._pods = service, service.cluster, pods

    def online(self) -> bool:
        return self._service.backend_online(worker=True) and self._service.scheduler_runs()

    def create(self, workflow: WorkflowRecord, group: GroupRecord) -> Failure | None:
        configuration, namespace = self._service.configuration(), self._cluster.layout.workflows
        try:
            credential = self._pull_credential()
            if credential:
                workflow.pull_secret = f"{workflow.uuid[:16]}-pull"
                self._cluster.create_secret(pull_secret_manifest(workflow.pull_secret, namespace, credential))
            self._cluster.create_pod_group(pod_group(workflow, group, namespace))
            runtime_class = self._cluster.gpu_runtime_class()
            for task in group.tasks:
                manifest = admitted(pod_manifest(configuration, workflow, group.name, task, namespace), group, runtime_class)
                self._pods.put(manifest)
                self._cluster.create_pod(manifest)
        except ApiError as error:
            if error.code == 0:
                raise
            self._cluster.delete_pod_group(pod_group_name(group))
            return refused(str(error))
        return None

    def observe(self, task: TaskRecord) -> Observation | None:
        pod, gone = self._pods.get(task.pod_name)
        if pod is None:
            return removed() if gone else None
        seen = observe(pod, gone=gone)
        if seen.failure is None and seen.node and task.status is TaskStatus.RUNNING and not self._cluster.node_exists(seen.node):
            return Observation(seen.phase, seen.node, seen.ip, lost_node(seen.node))
        return seen

    def remove(self, workflow: WorkflowRecord, task: TaskRecord) -> None:
        succeeded = task.status is TaskStatus.COMPLETED
        self._cluster.finish_pod(task.pod_name, finished_status(succeeded, task.exit_code or 0))
        self._cluster.delete_pod(task.pod_name)
        for group in workflow.groups:
            if group.tasks[-1] is task:
                self._cluster.delete_pod_group(pod_group_name(group))
        last = all(other is task or other.status.terminal for _group, other in workflow.tasks())
        if last and workflow.pull_secret:
            self._cluster.delete_secret(workflow.pull_secret)

    def _pull_credential(self) -> dict[str, str] | None:
        """The configured login for the platform's images; None when none is configured."""
        credential = self._service.configuration().workflow["backend_images"].get("credential") or {}
        if name := credential.get("secretName"):
            # one that is not mounted is logged, and the pods pull anonymously
            fields = self._cluster.secret(self._cluster.layout.service, name) if name in self._cluster.mounted_secrets() else None
            key = credential.get("secretKey")
            return {field: value for field, value in (fields or {}).items() if key in (None, field)} or None
        return credential if credential.get("auth") else None


def _unfinished(database: Database) -> list[WorkflowRecord]:
    return [workflow for workflow in database.workflows if not workflow.status.terminal]


def _pause(workflows: list[WorkflowRecord]) -> float:
    if not workflows:
        return _IDLE
    moment = now()
    # a task past its deadline runs on because a switch says so: the tick is soon enough for it
    due = [deadline for workflow in workflows if (deadline := next_deadline(workflow)) and deadline > moment]
    until = min(((deadline - moment).total_seconds() for deadline in due), default=_TICK)
    return min(_TICK, max(0.01, until))
