"""Two trainings to be watched: one that goes on until it is asked to stop, one that needs a name which nobody knows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, task

from mldns.notifiers import WebhookAlertNotifier
from mldns.operators.cloud_dns import CloudDNSEnsureZoneOperator
from mldns.task_groups import training_dns

ZONE = "watched"
NETWORKS = ["projects/demo-project/global/networks/training"]
ALERT = {"on_failure_callback": WebhookAlertNotifier("alerts")}

with DAG("train_watched", schedule=None, default_args=ALERT, params={"until": Param("", type="string")}):
    ensure_zone = CloudDNSEnsureZoneOperator(
        task_id="ensure_zone", zone=ZONE, dns_name="watched.example.com.", networks=NETWORKS
    )

    @task
    def train(params: dict[str, Any]) -> None:
        while not Path(params["until"]).exists():
            time.sleep(0.2)

    with training_dns(zone=ZONE, job="watched", workers=["10.0.0.7", "10.0.0.8", "10.0.0.9"]) as dns:
        train()
    ensure_zone >> dns.group

with DAG("train_unresolved", schedule=None, default_args=ALERT):

    @task
    def train_in_vain() -> None:
        """Never reached."""

    with training_dns(
        zone=ZONE,
        job="lost",
        workers=["10.0.1.7", "10.0.1.8"],
        required_names=["datasets.elsewhere.example"],
        deferrable=False,
        gate_timeout=1.0,
    ):
        train_in_vain()
