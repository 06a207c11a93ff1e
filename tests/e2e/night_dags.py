"""The DAGs of test_e2e_night.py: trainings whose first line is a proof of their names."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task_group

from mldns.task_groups import training_dns

JOB: dict[str, Any] = {"zone": "night", "workers": ["10.0.0.7", "10.0.0.8"], "ttl": 1}


def train(dns: Any, retries: int = 0) -> None:
    BashOperator(
        task_id="train",
        bash_command=f"{sys.executable} -m mldns check && {{{{ dag_run.conf.command }}}}",
        env={**dns.env, "PYTHONPATH": os.environ.get("AIRFLOW__CORE__PLUGINS_FOLDER", "")},
        append_env=True,
        retries=retries,
        retry_delay=timedelta(seconds=2),
    )


with DAG("proves_first", schedule=None), training_dns(**JOB, job="night") as one:
    train(one)

with DAG("proves_each", schedule=None), training_dns(**JOB, job="{{ dag_run.conf.job }}") as each:
    train(each, retries=1)

with DAG("proves_mapped", schedule=None):

    @task_group
    def part(job: str) -> None:
        with training_dns(**JOB, job=job) as dns:
            train(dns)

    part.expand(job=["part-0", "part-1", "part-2"])
