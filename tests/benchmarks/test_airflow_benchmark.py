"""What the benchmark on a real Airflow compares, and what it makes of the times; they are told by a run of it."""

from __future__ import annotations

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from benchmarks import airflow as benchmark
from benchmarks.airflow import GOOGLE, IDLE, LATE, OURS, Run, Timed, timed
from demo.rest import TaskState
from demo.standalone import REPOSITORY


@pytest.fixture(scope="module")
def chains() -> DagBag:
    return DagBag(str(REPOSITORY / "benchmarks" / "dags"), bundle_name="dags-folder")


@pytest.mark.parametrize("dag_id", [GOOGLE, IDLE])
def test_a_chain_has_the_shape_of_the_dag_it_stands_beside(chains: DagBag, dag_id: str) -> None:
    ours = DagBag(str(REPOSITORY / "dags" / "mldns_pretraining.py"), bundle_name="dags-folder").dags[OURS]
    assert chains.import_errors == {}
    assert edges(chains.dags[dag_id]) == edges(ours)


def edges(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def state(task_id: str, started: float, ended: float) -> TaskState:
    begin, end = (f"2026-11-23T16:00:{moment:06.3f}Z" for moment in (started, ended))
    return TaskState(task_id, "success", 1, -1, ended - started, begin, end)


def test_a_run_is_timed_from_its_trigger_to_the_end_of_its_gate() -> None:
    four_o_clock = 1_795_449_600.0  # 2026-11-23T16:00:00Z
    states = [state("gate", 5, 6.5), state("validate", 1, 2), state("claim", 2.25, 4), state("handoff", 7, 9)]
    run = timed(states, four_o_clock + 0.5, deferred=True)
    assert run == Run(
        wall=6.0,
        tasks=(Timed("validate", 1.0, 0.5), Timed("claim", 1.75, 0.25), Timed("gate", 1.5, 1.0)),
        deferred=True,
    )


def run_of(wall: float, ran: float, *, deferred: bool = False) -> Run:
    return Run(wall, (Timed("validate", ran, 0.5), Timed("gate", ran, 0.5)), deferred)


def test_the_table_compares_medians_and_says_what_was_missed() -> None:
    runs = {
        OURS: [run_of(13.0, 1.0), run_of(14.0, 1.2), run_of(99.0, 1.4)],
        GOOGLE: [run_of(10.0, 0.7)] * 3,
        IDLE: [run_of(7.0, 0.2)] * 3,
        LATE: [run_of(20.0, 1.0, deferred=True)] * 3,
    }
    rows = benchmark.table(runs, workers=8).splitlines()
    assert "| mldns_pretraining | 14.0 | 13.0 | 99.0 |  |" in rows
    assert "| as many tasks that import the Google base hook | 10.0 | 10.0 | 10.0 | 1.40 x |" in rows
    assert "| as many tasks that do nothing | 7.0 | 7.0 | 7.0 | 2.00 x |" in rows
    assert "| gate | 1.20 | 0.70 | 0.20 | +0.50 |" in rows
    verdict = next(row for row in rows if row.startswith("Goal: "))
    assert "1.40 x, missed" in verdict
    assert "in 0 of 3 runs served at once and in 3 of 3 served late" in verdict
