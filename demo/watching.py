"""What makes the page "DNS" worth a look after the example: a job that holds its names, and a check of the zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.cloud import LocalCloud
from demo.standalone import Standalone

CHECK = "mldns_reconcile"
PREPARATION = "mldns_pretraining"
JOB = "waiting"
"""Prepared and not released: the example's own names are gone when it ends."""


def page_of(airflow: Standalone) -> str:
    """The page's address."""
    return f"{airflow.url}/plugin/dns"


def fill_page(airflow: Standalone, cloud: LocalCloud, example: Mapping[str, Any]) -> dict[str, str]:
    """Prepare `JOB` in the example's zone, switch the scheduled check on and run it once; DAG to the end of its run.

    :param example: the conf of the example's run.
    """
    prepared = {
        "zone": example["zone"],
        "dns_name": example["dns_name"],
        "networks": example.get("networks", ["projects/demo-project/global/networks/training"]),
        "gcp_conn_id": example.get("gcp_conn_id", "google_cloud_default"),
        "job": JOB,
        "workers": ["10.0.0.7", "10.0.0.8"],
        "lease_hours": 24,
    }
    airflow.wait_for_dag(CHECK)
    return {dag_id: _end_of(airflow, cloud, dag_id, conf) for dag_id, conf in ((PREPARATION, prepared), (CHECK, {}))}


def _end_of(airflow: Standalone, cloud: LocalCloud, dag_id: str, conf: Mapping[str, Any]) -> str:
    def check() -> None:
        airflow.process.check()
        cloud.process.check()

    run_id = airflow.api.trigger(dag_id, conf)
    for _ in airflow.api.follow(dag_id, run_id, timeout=120, check=check):
        pass
    return airflow.api.run_state(dag_id, run_id)
