"""
### A Job on GKE, its workers found by label

The node pool's instances are found, named with PTR records, and an indexed Job in the shape of a JobSet runs a pod on
each. `GKEStartJobOperator` writes its own `parallelism` over the file's, so the counts are said here; the environment
is added to the container `base`. Needs apache-airflow-providers-cncf-kubernetes beside the Google provider.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from airflow.sdk import DAG

from mldns.operators.discovery import GceInstancesInventoryOperator
from mldns.task_groups import training_dns

NODES = 4
GPUS = 8

if find_spec("airflow.providers.cncf.kubernetes") and find_spec("airflow.providers.google"):
    from airflow.providers.google.cloud.operators.kubernetes_engine import GKEStartJobOperator

    with DAG("example_gke_job", schedule=None, doc_md=__doc__, tags=["mldns", "example"]):
        nodes = GceInstancesInventoryOperator(
            task_id="nodes",
            labels={"goog-k8s-node-pool-name": "trainers"},
            network="training",
            expected=NODES,
            slots=GPUS,
        )
        with training_dns(zone="ml", job="bert", workers=nodes.output, reverse_zone="reverse") as dns:
            GKEStartJobOperator(
                task_id="train",
                location="europe-west4",
                cluster_name="training",
                namespace="training",
                job_template_file=str(Path(__file__).with_name("gke_job.yaml")),
                completion_mode="Indexed",
                completions=NODES,
                parallelism=NODES,
                backoff_limit=0,
                hostnetwork=True,
                env_vars=dns.env,
                wait_until_job_complete=True,
                deferrable=True,
            )
