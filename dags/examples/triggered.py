"""
### Names from another DAG, and their release

`mldns_pretraining` and `mldns_release` do the work, triggered with this run's own claimant and lease; a training of any
kind stands in between. The names are a setup, so that a clear of the training triggers them anew, and `require_names`
keeps the training from starting without them. The release is a teardown of no setup: it runs whatever failed before,
names that were written in part included, also when the run is marked failed, and it does not make a success of a failed
training.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

from mldns.task_groups import require_names
from mldns.tasks.lease import deployment

WAIT: dict[str, Any] = {
    "wait_for_completion": True,
    "deferrable": True,
    "poke_interval": 5,
    "fail_when_dag_is_paused": True,
}

# Run ids repeat from DAG to DAG: the lease is this run's only together with the claimant.
MINE = {"claimant": f"{deployment()}/{{{{ dag.dag_id }}}}", "lease": "{{ run_id }}"}

with DAG("example_triggered", schedule=None, doc_md=__doc__, tags=["mldns", "example"]):
    names = TriggerDagRunOperator(
        task_id="names",
        trigger_dag_id="mldns_pretraining",
        conf={
            "zone": "ml",
            "dns_name": "ml.example.com.",
            "networks": ["projects/my-project/global/networks/training"],
            "job": "bert",
            "workers": ["10.0.0.7", "10.0.0.8"],
            **MINE,
            "lease_hours": 48,
        },
        **WAIT,
    ).as_setup()
    train = BashOperator(
        task_id="train",
        bash_command="echo rendezvous at worker-0.bert.ml.example.com:29500",
        pre_execute=require_names(zone="ml", job="bert", again="names"),
    )
    release = TriggerDagRunOperator(
        task_id="release",
        trigger_dag_id="mldns_release",
        conf={"zone": "ml", "job": "bert", **MINE},
        **WAIT,
    ).as_teardown()
    names >> train >> release
