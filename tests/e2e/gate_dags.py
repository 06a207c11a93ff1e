"""The DAGs of test_e2e_gate.py: an Airflow of its own loads this folder's copy."""

from __future__ import annotations

from airflow.sdk import DAG, task

from mldns.sensors.resolution import DNSResolutionSensor

WORKERS = [f"10.0.{rank >> 8}.{rank & 255}" for rank in range(9_990)]

with DAG("wait_for_names", schedule=None):
    DNSResolutionSensor(
        task_id="gate", zone="ml", job="job", workers=WORKERS, deferrable=True, poke_interval=1, timeout=240
    )

with DAG("other_work", schedule=None):

    @task
    def work() -> str:
        return "done"

    work()
