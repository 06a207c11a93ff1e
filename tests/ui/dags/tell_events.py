"""Writes the asset events that its conf lists: what mldns's tasks write, without a cloud behind it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, AssetAlias, Param, task

ALIAS = AssetAlias("mldns")

with DAG("tell_events", schedule=None, params={"events": Param([], type="array")}):

    @task(outlets=[ALIAS])
    def tell(params: dict[str, Any], outlet_events: Any) -> None:
        for event in params["events"]:
            outlet_events[ALIAS].add(Asset(name=event["name"], uri=event["uri"]), extra=event["extra"])

    tell()
