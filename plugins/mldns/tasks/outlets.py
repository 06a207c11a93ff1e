"""Asset events (`mldns.events.assets`) that a task emits about the zones and jobs it has worked on."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from mldns.events import assets
from mldns.events.assets import Phase, Writer
from mldns.events.written_records import records_event
from mldns.records.rrset import RRset

if TYPE_CHECKING:
    from airflow.sdk import Context

OUTLET = AssetAlias(assets.ALIAS)
"""The outlet of every task that emits events: the zones' own assets are known only when it runs."""


def with_outlet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Add `OUTLET` to the outlets in an operator's keyword arguments."""
    return {**arguments, "outlets": [*(arguments.get("outlets") or ()), OUTLET]}


def emit(context: Context, asset: assets.Asset, extra: Mapping[str, Any]) -> None:
    """Emit one event. Airflow records it when the task succeeds."""
    context["outlet_events"][OUTLET].add(Asset(name=asset.name, uri=asset.uri), extra=dict(extra))


def emit_job_event(context: Context, *, project: str, zone: str, job: str, phase: Phase, **facts: Any) -> None:
    """Emit that a job has reached `phase`; nothing where an operator is executed by hand, without Airflow around it.

    :param context: of the task that did the work.
    :param project: the Google project of the zone.
    :param zone: the managed zone's name.
    :param job: the job's slug, which the hook calls owner.
    :param phase: what is done now.
    :param facts: more fields of `mldns.events.assets.job_event`.
    """
    if "outlet_events" not in context:
        return
    instance = context["ti"]
    writer = Writer(instance.dag_id, instance.run_id, instance.task_id, getattr(instance, "map_index", -1))
    facts = {"dns_name": None, **facts}
    extra = assets.job_event(project=project, zone=zone, job=job, phase=phase, now=time.time(), writer=writer, **facts)
    emit(context, assets.jobs_asset(project, zone), extra)


def emit_records_event(
    context: Context, *, project: str, zone: str, result: Mapping[str, Any], claimant: str, rrsets: Collection[RRset]
) -> None:
    """Emit which records were written, so that later checks have something to compare with.

    :param context: of the task that wrote them.
    :param project: the Google project of the zone.
    :param zone: the managed zone's name.
    :param result: of `CloudDNSHook.apply`; its owner, lease and generation are used.
    :param claimant: under which they were written, in clear.
    :param rrsets: all that the task wrote.
    """
    if "outlet_events" not in context:
        return
    extra = records_event(
        project=project,
        zone=zone,
        job=result["owner"],
        claimant=claimant,
        lease=result["lease"],
        generation=result["generation"],
        rrsets=rrsets,
        now=time.time(),
    )
    emit(context, assets.records_asset(project, zone), extra)
