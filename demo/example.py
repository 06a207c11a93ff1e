"""One run of example_training, followed from its trigger to what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from demo.cloud import LocalCloud
from demo.lookups import Answer, ask_for_records
from demo.rest import TaskState
from demo.standalone import Standalone

DAG_ID = "example_training"
TRAINING_TASK = "train"


@dataclass(slots=True)
class Outcome:
    """What happened: the run's end, its tasks, what DNS answered while it trained, and what was there afterwards."""

    run_id: str
    state: str
    tasks: list[TaskState]
    answers: list[Answer] = field(default_factory=list)
    training_result: str = ""
    left_behind: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> TaskState | None:
        """The task that failed first, in the order that Airflow lists them; None if none did."""
        return next((task for task in self.tasks if task.state == "failed"), None)


def run_example(
    airflow: Standalone,
    cloud: LocalCloud,
    params: Mapping[str, Any],
    *,
    on_states: Callable[[list[TaskState]], None] | None = None,
    timeout: float = 420,
) -> Outcome:
    """Trigger example_training with `params` (zone, dns_name and job among them) and follow it to its end.

    :param on_states: called with the states of all tasks at each poll
    :raises TimeoutError: the run is not finished after `timeout` seconds
    """
    zone, suffix = params["zone"], f"{params['job']}.{params['dns_name']}"

    def check() -> None:
        airflow.process.check()
        cloud.process.check()

    run_id = airflow.api.trigger(DAG_ID, params)
    answers: list[Answer] = []
    states: list[TaskState] = []
    for states in airflow.api.follow(DAG_ID, run_id, timeout=timeout, check=check):
        if on_states is not None:
            on_states(states)
        if not answers and any(_is(task, TRAINING_TASK) and task.state == "running" for task in states):
            answers = ask_for_records(cloud.resolver, cloud.records(zone, suffix))
    outcome = Outcome(run_id, airflow.api.run_state(DAG_ID, run_id), states, answers)
    for task in states:
        if _is(task, TRAINING_TASK) and task.state == "success":
            outcome.training_result = str(airflow.api.xcom(DAG_ID, run_id, task.task_id))
    outcome.left_behind = cloud.records(zone, suffix)
    return outcome


def _is(task: TaskState, name: str) -> bool:
    return task.task_id.rpartition(".")[2] == name
