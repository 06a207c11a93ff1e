"""Fixtures for operators: a connection to localcloud, and execution with rendered templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from mldns.operators.cloud_dns import CloudDNSClaimOperator
from tests.cloud_fixture import Cloud

RUN_ID = "manual__2026-01-02T03:04:05+00:00"
WRITES = ("changes.create", "managedZones.create", "managedZones.setIamPolicy", "projects.setIamPolicy")

Execute = Callable[..., Any]


@pytest.fixture
def connected(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An empty localcloud behind the default connection."""
    connect(monkeypatch, cloud)
    return cloud


def connect(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, api: str = "") -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", cloud.connection(api))


@pytest.fixture
def execute() -> Execute:
    """`execute(Operator, params={…}, run_id="…", **arguments)`: render the arguments as a task does, and execute.

    With `resume`, the next method and its arguments, as Airflow does when a deferral is over.
    """

    def run(  # noqa: PLR0917 - what a task has beside its arguments
        operator: type[BaseOperator],
        params: dict[str, Any] | None = None,
        run_id: str = RUN_ID,
        ti: Any = None,
        dag_id: str = "a_dag",
        resume: tuple[str, dict[str, Any]] | None = None,
        **arguments: Any,
    ) -> Any:
        if operator is CloudDNSClaimOperator:
            arguments.setdefault("claim_timeout", 0)  # nobody resumes a task here
        with DAG(dag_id) as dag:
            task = operator(task_id="task", **arguments)
        context: Any = {"params": params or {}, "run_id": run_id, "dag": dag, "ti": ti}
        task.render_template_fields(context)
        return task.resume_execution(*resume, context) if resume else task.execute(context)

    return run


def writes(cloud: Cloud) -> int:
    """How many calls that write anything the cloud has answered since its reset."""
    return sum(sum(codes.values()) for method, codes in cloud.stats().items() if method in WRITES)


def records(cloud: Cloud, zone: str = "ml") -> dict[str, list[str]]:
    """What the zone holds besides its apex, by `name type`."""
    return {key: record["rrdatas"] for key, record in cloud.records(zone).items()}


def a_record(name: str, rrdata: str, ttl: int = 30) -> dict[str, Any]:
    return {"name": name, "type": "A", "ttl": ttl, "rrdatas": [rrdata]}
