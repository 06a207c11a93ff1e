"""Writes the asset events that its conf lists: what mldns's tasks write, without a cloud behind it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, Param, task

ALIAS = AssetAlias("mldns")
JOBS = Asset("mldns jobs", "x-mldns://jobs")
"""Declared, as mldns's own operators do: so the page knows which DAGs emit events."""

with DAG("emit_events", schedule=None, params={"events": Param([], type="array")}):

    @task(outlets=[ALIAS], inlets=[JOBS])
    def emit(params: dict[str, Any], outlet_events: Any) -> None:
        for event in params["events"]:
            outlet_events[ALIAS].add(Asset(name=event["name"], uri=event["uri"]), extra=event["extra"])

    emit()
