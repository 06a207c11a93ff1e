"""Asset events (`mldns.events.assets`) that a task emits about the zones and jobs it has worked on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, BaseOperator

from mldns.events import assets
from mldns.events.assets import JobFacts, Phase, Writer
from mldns.events.written_records import WrittenRecords

if TYPE_CHECKING:
    from airflow.sdk import Context

JOBS, RECORDS = (Asset(name=asset.name, uri=asset.uri) for asset in (assets.JOBS, assets.RECORDS))
"""Declared by the operators that emit them, so that they exist from the moment a DAG is parsed."""

ZONES = AssetAlias(assets.ALIAS)
"""The outlet of the scheduled check."""


def emit(context: Context, asset: assets.Asset, extra: Mapping[str, Any]) -> None:
    """Emit one event, which Airflow records when the task succeeds: the check's as many as it likes, others one.

    :param asset: only the check may name one that no DAG file declares (`mldns.events.assets.JOBS` says why).
    :param extra: the event's data, as JSON.
    """
    outlet, events = Asset(name=asset.name, uri=asset.uri), context["outlet_events"]
    if ZONES in context["task"].outlets:
        events[ZONES].add(outlet, extra=dict(extra))
    else:
        events[outlet].extra = dict(extra)


def leave_out_silent(operator: BaseOperator, context: Context) -> None:
    """Take away the outlets without an event, for which Airflow would record one that says nothing."""
    events = context["outlet_events"]
    operator.outlets = [outlet for outlet in operator.outlets if outlet not in (JOBS, RECORDS) or events[outlet].extra]


def emit_job_event(context: Context, *, project: str, zone: str, job: str, phase: Phase, **facts: Any) -> None:
    """Emit that a job has reached `phase`; nothing where an operator is executed by hand, without Airflow around it.

    :param context: of the task that did the work.
    :param project: the Google project of the zone.
    :param zone: the managed zone's name.
    :param job: the job's slug, which the hook calls owner.
    :param phase: what is done now.
    :param facts: fields of `mldns.events.assets.JobFacts`.
    """
    if "outlet_events" not in context:
        return
    instance = context["ti"]
    writer = Writer(instance.dag_id, instance.run_id, instance.task_id, getattr(instance, "map_index", -1))
    known = JobFacts(**facts)
    extra = assets.job_event(
        project=project, zone=zone, job=job, phase=phase, now=time.time(), writer=writer, facts=known
    )
    emit(context, assets.JOBS, extra)


def emit_records_event(context: Context, *, project: str, written: Mapping[str, WrittenRecords]) -> None:
    """Emit which records were written, so that later checks have something to compare with.

    :param context: of the task that wrote them.
    :param project: the Google project of the zones.
    :param written: by the managed zone's name: a job's own zone, then its reverse zone. A task has one event for both.
    """
    if "outlet_events" not in context:
        return
    now = time.time()
    extra, *rest = [records.to_event(project=project, zone=zone, now=now) for zone, records in written.items()]
    emit(context, assets.RECORDS, extra | {"reverse": rest[0] if rest else None})
