"""The example whose names come from another DAG, on a real Airflow: released whatever becomes of the training."""

from __future__ import annotations

import pytest

from demo.cloud import LocalCloud
from demo.standalone import Standalone
from tests.e2e.runs import addresses, start

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG_ID = "example_triggered"


def test_names_from_another_dag_are_released_whatever_ends_the_training(
    airflow: Standalone, live_cloud: LocalCloud
) -> None:
    """One training fails, another's run is marked failed: at once, since each takes a chain of three DAG runs."""
    fails = start(airflow.api, DAG_ID, {"job": "fails", "command": "exit 1"})
    marked = start(airflow.api, DAG_ID, {"job": "marked", "command": "sleep 600"})
    marked.wait_for_task("train", "running")
    assert addresses(live_cloud, "triggered", "marked.triggered.test.")["worker-0.marked.triggered.test."] == [
        "10.0.0.7"
    ]
    airflow.api.set_run_state(DAG_ID, marked.run_id, "failed")

    assert fails.wait() == "failed"
    states = fails.states()
    assert states == {"names": "success", "train": "failed", "release": "success"}
    marked.wait_for_task("release", "success")
    assert live_cloud.records("triggered", "fails.triggered.test.") == []
    assert live_cloud.records("triggered", "marked.triggered.test.") == []


@pytest.mark.exhaustive
def test_a_clear_of_the_training_has_its_names_triggered_again(airflow: Standalone, live_cloud: LocalCloud) -> None:
    run = start(airflow.api, DAG_ID, {"job": "again", "command": "exit 1"})
    assert run.wait() == "failed"
    assert live_cloud.records("triggered", "again.triggered.test.") == []
    airflow.api.clear(DAG_ID, run.run_id, ["train"])
    assert run.wait() == "failed", "by the training itself, which did start"
    assert {task.task_id: task.try_number for task in run.tasks()} == {"names": 2, "train": 2, "release": 2}
    assert not any("NotStarted" in line for line in run.log("train"))
    assert live_cloud.records("triggered", "again.triggered.test.") == []
