"""The DAG of test_e2e_night.py: a training whose first line is a proof of its names."""

from __future__ import annotations

import os
import sys

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from mldns.task_groups import training_dns

with (
    DAG("proves_first", schedule=None),
    training_dns(zone="night", job="night", workers=["10.0.0.7", "10.0.0.8"], ttl=1) as dns,
):
    BashOperator(
        task_id="train",
        bash_command=f"{sys.executable} -m mldns check && {{{{ dag_run.conf.command }}}}",
        env={**dns.env, "PYTHONPATH": os.environ.get("AIRFLOW__CORE__PLUGINS_FOLDER", "")},
        append_env=True,
    )
