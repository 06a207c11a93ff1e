"""A process that runs the DAGs of Airflow's folder with `dag.test()`, for as many runs as asked: one JSON a line.

    python -m tests.dags.dag_runner MARK       # MARK begins each answer among the log lines

    {"dag": "mldns_pretraining", "conf": {…}, "env": {"AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "…"}}
    {"run_id", "state", "tasks": {task_id: state}, "xcom": {task_id: value}, "errors": {task_id: "Class: message"},
     "events": [{"uri": "x-mldns://…", "extra": {…}}]}

Its own process, because Airflow reads its home and settings once, at import.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from mldns.airflow_versions import conf
from tests.airflow_versions import DagBag, read_dags, sync_bag_to_db

BUNDLE = "dags-folder"  # what Airflow calls its folder of DAGs


def serve(mark: str) -> None:
    """Answer each line of standard input."""
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(_bag(), BUNDLE, None)
    for line in sys.stdin:
        request = json.loads(line)
        os.environ.update(request["env"])
        # Read anew each time: dag.test() writes a run's conf into the Params of the DAG object.
        dag = _bag().dags[request["dag"]]
        answer = run(dag, request["conf"])
        print(f"{mark}{json.dumps(answer)}", flush=True)


def _bag() -> DagBag:
    return read_dags(conf.get("core", "dags_folder"))


def run(dag: Any, conf: Mapping[str, Any]) -> dict[str, Any]:
    """Run a DAG once, all its tasks in this process, and tell how it went."""
    errors: dict[str, str] = {}

    def note(context: Any) -> None:
        error = context["exception"]
        errors[context["ti"].task_id] = f"{type(error).__name__}: {error}"

    for task in dag.tasks:
        task.on_failure_callback = [note]
        task.retries = 0
    try:
        done = dag.test(run_conf=dict(conf))
    except ValueError as refused:  # the Params' schema
        return {
            "run_id": "",
            "state": "refused",
            "tasks": {},
            "xcom": {},
            "errors": {"params": str(refused)},
            "events": [],
        }
    return {
        "run_id": done.run_id,
        "state": str(done.state.value),
        "tasks": {ti.task_id: ti.state and str(ti.state) for ti in done.get_task_instances()},
        "xcom": {
            row.task_id + (f"[{row.map_index}]" if row.map_index >= 0 else ""): XComModel.deserialize_value(row)
            for row in _xcoms(dag.dag_id, done.run_id)
            if row.key == "return_value"
        },
        "errors": errors,
        "events": _events(dag.dag_id, done.run_id),
    }


def _xcoms(dag_id: str, run_id: str) -> list[Any]:
    with create_session() as session:
        return list(session.scalars(XComModel.get_many(run_id=run_id, dag_ids=dag_id)))


def _events(dag_id: str, run_id: str) -> list[dict[str, Any]]:
    """The asset events that the run's tasks told, oldest first."""
    told = select(AssetEvent).where(AssetEvent.source_dag_id == dag_id, AssetEvent.source_run_id == run_id)
    with create_session() as session:
        found = session.scalars(told.order_by(AssetEvent.id))
        return [{"uri": event.asset.uri, "extra": event.extra} for event in found]


if __name__ == "__main__":
    serve(sys.argv[1])
