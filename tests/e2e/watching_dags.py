"""A DAG that runs whenever a zone was checked: test_e2e_watching.py loads it beside the repository's own."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, task

ZONE = Asset("x-mldns://demo-project/watched")

with DAG("after_check", schedule=[ZONE]):

    @task
    def drifted(triggering_asset_events: Any = None) -> dict[str, int]:
        """How much drift the check told that caused this run."""
        newest = triggering_asset_events[ZONE][-1]
        return {job["job"]: sum(job["drift"].values()) for job in newest.extra["jobs"]}

    drifted()
