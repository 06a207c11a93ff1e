"""Telling Airflow what a task has done to a job's names, as asset events (`mldns.events.assets`)."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from mldns.events import assets
from mldns.events.assets import Phase, Writer
from mldns.records.rrset import RRset

if TYPE_CHECKING:
    from airflow.sdk import Context

OUTLET = AssetAlias(assets.ALIAS)
"""The outlet of every task that tells: the zones' own assets are known only when it runs."""


def with_outlet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """An operator's keyword arguments with `OUTLET` among its outlets."""
    return {**arguments, "outlets": [*(arguments.get("outlets") or ()), OUTLET]}


def tell(context: Context, asset: assets.Asset, extra: Mapping[str, Any]) -> None:
    """Add an event, which Airflow records when the task succeeds."""
    context["outlet_events"][OUTLET].add(Asset(name=asset.name, uri=asset.uri), extra=dict(extra))


def tell_of_job(context: Context, *, project: str, zone: str, job: str, phase: Phase, **facts: Any) -> None:
    """Tell that a job has come to `phase`; `facts` as of `mldns.events.assets.job_event`.

    An operator that somebody executes by hand, without Airflow around it, has nobody to tell.
    """
    if "outlet_events" not in context:
        return
    instance = context["ti"]
    writer = Writer(instance.dag_id, instance.run_id, instance.task_id, getattr(instance, "map_index", -1))
    facts = {"dns_name": None, **facts}
    extra = assets.job_event(project=project, zone=zone, job=job, phase=phase, now=time.time(), writer=writer, **facts)
    tell(context, assets.jobs_asset(project, zone), extra)


def tell_of_records(
    context: Context, *, project: str, zone: str, result: Mapping[str, Any], claimant: str, rrsets: Collection[RRset]
) -> None:
    """Tell what was written, for later checks to compare with; `result` as of `CloudDNSHook.apply`."""
    if "outlet_events" not in context:
        return
    extra = assets.records_event(
        project=project,
        zone=zone,
        job=result["owner"],
        claimant=claimant,
        lease=result["lease"],
        generation=result["generation"],
        rrsets=rrsets,
        now=time.time(),
    )
    tell(context, assets.records_asset(project, zone), extra)
