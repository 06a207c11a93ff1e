"""Chains of as many tasks, in the same shape, as mldns_pretraining: of tasks that do nothing.

In `idle_google` each task imports the Google base hook where an operator does, in `execute`; in `idle` not even that.
`tests/benchmarks/test_airflow_benchmark.py` holds the shape to that of the DAG itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import DAG, BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

UPSTREAM: dict[str, list[str]] = {
    "validate": [],
    "unless_dry_run": ["validate"],
    "ensure_zone": ["unless_dry_run"],
    "choose": ["validate", "ensure_zone"],
    "claim": ["choose"],
    "upsert_workers": ["claim"],
    "upsert_shared": ["choose"],
    "bind_iam": ["choose"],
    "gate": ["upsert_workers", "upsert_shared", "bind_iam"],
    "handoff": ["gate"],
}


class IdleOperator(BaseOperator):
    """Nothing at all."""

    def execute(self, context: Context) -> None:
        pass


class IdleGoogleOperator(BaseOperator):
    """What every task with a Google hook does first, and nothing else."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook  # noqa: F401


def chain(dag_id: str, kind: type[BaseOperator]) -> DAG:
    """A DAG of the shape above, of tasks of one kind."""
    with DAG(dag_id, schedule=None, is_paused_upon_creation=False) as dag:
        tasks = {task_id: kind(task_id=task_id) for task_id in UPSTREAM}
        for task_id, upstream in UPSTREAM.items():
            tasks[task_id].set_upstream([tasks[before] for before in upstream])
    return dag


idle = chain("idle", IdleOperator)
idle_google = chain("idle_google", IdleGoogleOperator)
