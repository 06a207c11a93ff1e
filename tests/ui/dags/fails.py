"""A run whose second mapped task fails, as a gate does, and emits no event."""

from __future__ import annotations

from airflow.exceptions import AirflowFailException
from airflow.sdk import DAG, task

with DAG("fails", schedule=None):

    @task
    def prove(number: int) -> None:
        if number == 1:
            raise AirflowFailException("3 of 4 names do not answer")

    prove.expand(number=[0, 1])
