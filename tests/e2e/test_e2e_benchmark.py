"""What `make bench-airflow` measures is there to measure; how long it takes is told by a whole run of it."""

from __future__ import annotations

import pytest

from benchmarks.airflow import GATE, GOOGLE, OURS, job, one_run
from benchmarks.dags.idle_chains import UPSTREAM
from demo.cloud import LocalCloud
from demo.standalone import Standalone

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]


def test_both_chains_are_timed_task_by_task_up_to_the_gate(airflow: Standalone, live_cloud: LocalCloud) -> None:
    airflow.wait_for_dag(GOOGLE)
    conf = {OURS: job("timed", workers=4, late=False), GOOGLE: {}}
    runs = {dag_id: one_run(airflow.api, dag_id, conf[dag_id], check=airflow.process.check) for dag_id in conf}
    for run in runs.values():
        assert {task.task_id for task in run.tasks} == set(UPSTREAM) - {"handoff"}
        assert run.tasks[-1].task_id == GATE
        assert all(0 < task.ran < run.wall and task.waited >= 0 for task in run.tasks)
    assert {record["name"] for record in live_cloud.records("timed")} >= {"worker-3.bert.timed.bench.test."}
