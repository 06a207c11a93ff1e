"""Triggering DAGs and waiting for them, as the tests say it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.cloud import NETWORK, LocalCloud
from demo.rest import FINAL_RUN_STATES, AirflowApi, TaskState

RUN_SECONDS = 420.0
NETWORK_NAME = NETWORK.partition("/compute/v1/")[2]
"""The network that localcloud's resolver is in, as a Param takes it."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was triggered."""

    api: AirflowApi
    dag_id: str
    run_id: str

    def wait(self, timeout: float = RUN_SECONDS) -> str:
        """Return the final state."""
        for _ in self.api.follow(self.dag_id, self.run_id, timeout=timeout):
            pass
        return self.api.run_state(self.dag_id, self.run_id)

    def wait_for_task(self, task_id: str, state: str, timeout: float = RUN_SECONDS) -> None:
        """Return when a task is in `state`; AssertionError when the run has ended without."""
        deadline = time.monotonic() + timeout
        while self.states().get(task_id) != state:
            ended = self.api.run_state(self.dag_id, self.run_id) in FINAL_RUN_STATES
            assert not ended or self.states().get(task_id) == state, f"{task_id} never {state}: {self.states()}"
            assert time.monotonic() < deadline, f"{task_id} not {state} after {timeout:.0f} s: {self.states()}"
            time.sleep(0.3)

    def states(self) -> dict[str, str | None]:
        return {task.task_id: task.state for task in self.tasks()}

    def tasks(self) -> list[TaskState]:
        return self.api.task_states(self.dag_id, self.run_id)

    def xcom(self, task_id: str) -> Any:
        return self.api.xcom(self.dag_id, self.run_id, task_id)

    def log(self, task_id: str, map_index: int = -1) -> list[str]:
        task = next(task for task in self.tasks() if (task.task_id, task.map_index) == (task_id, map_index))
        return self.api.task_log(self.dag_id, self.run_id, task)

    def failures(self) -> str:
        """The logs of the tasks that failed, for a test's message."""
        return "\n".join(
            "\n".join([f"--- {task.task_id}", *self.log(task.task_id)[-15:]])
            for task in self.tasks()
            if task.state == "failed"
        )

    def succeed(self) -> None:
        """Wait, and fail the test with the logs of what failed."""
        state = self.wait()
        assert state == "success", f"{self.states()}\n{self.failures()}"


def start(api: AirflowApi, dag_id: str, params: Mapping[str, Any]) -> Run:
    return Run(api, dag_id, api.trigger(dag_id, params))


def snapshot(cloud: LocalCloud) -> dict[str, Any]:
    """Everything the cloud holds: zones with their records and policies, and the project's policy."""
    return {
        "project": cloud.project_bindings(),
        "zones": {
            zone["name"]: [zone, cloud.records(zone["name"]), cloud.zone_bindings(zone["name"])]
            for zone in cloud.zones()
        },
    }


def writes(cloud: LocalCloud) -> dict[str, dict[str, int]]:
    """Calls so far of the methods that change something, by HTTP status."""
    reading = ("get", "list", "getIamPolicy", "testIamPermissions", "stats")
    return {method: codes for method, codes in cloud.calls().items() if method.rpartition(".")[2] not in reading}


def addresses(cloud: LocalCloud, zone: str, suffix: str) -> dict[str, list[str]]:
    """Name to addresses of the A records at and below `suffix`."""
    return {
        record["name"]: sorted(record["rrdatas"]) for record in cloud.records(zone, suffix) if record["type"] == "A"
    }
