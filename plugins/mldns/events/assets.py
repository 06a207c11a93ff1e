"""What mldns tells Airflow about zones and jobs: the assets, and the extras of their events. Pure data.

Two assets a zone: `x-mldns://<project>/<zone>`, one event for each check of the zone, on which other DAGs can be
scheduled; and `x-mldns://<project>/<zone>/jobs`, one event for each phase that a job comes to. Their extras are all
that the page in Airflow's UI reads (docs/watching.md has the fields).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from mldns.events.written_records import ROOM, pack
from mldns.records.rrset import RRset

SCHEMA = 1
"""Raised when a field changes its meaning; a page that does not know a schema leaves the event out."""

ALIAS = "mldns"
"""Name of the asset alias that a task needs among its outlets to tell of anything here."""


class Phase(StrEnum):
    """How far a job has come. A gate that fails tells nothing: the run's own state does."""

    CLAIMED = "claimed"
    WRITTEN = "written"
    READY = "ready"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset's identity in Airflow.

    The name of a zone's asset is its URI, so that `schedule=[Asset("x-mldns://p/ml")]` means it; the jobs' has another
    beginning, since Airflow's API picks events by the beginning of a name.
    """

    name: str
    uri: str


def zone_asset(project: str, zone: str) -> Asset:
    """The asset of a zone's checks."""
    uri = f"x-mldns://{project}/{zone}"
    return Asset(uri, uri)


def checks_asset(project: str, zone: str) -> Asset:
    """The asset of the same checks as the page reads them, on which no DAG is to be scheduled.

    Airflow 3.3.2 refuses to list asset events as long as a run that one of them has created is queued: whoever
    schedules a DAG on a zone must not take the page away from everybody.
    """
    return Asset(f"mldns checks {project}/{zone}", f"x-mldns://{project}/{zone}/checks")


def jobs_asset(project: str, zone: str) -> Asset:
    """The asset of the phases of a zone's jobs."""
    return Asset(f"mldns jobs {project}/{zone}", f"x-mldns://{project}/{zone}/jobs")


def records_asset(project: str, zone: str) -> Asset:
    """The asset of the records that jobs have written into a zone."""
    return Asset(f"mldns records {project}/{zone}", f"x-mldns://{project}/{zone}/records")


@dataclass(frozen=True, slots=True)
class Writer:
    """The task instance that tells."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


def job_event(
    *,
    project: str,
    zone: str,
    dns_name: str | None,
    job: str,
    phase: Phase,
    now: float,
    writer: Writer,
    claimant: str | None = None,
    lease: str | None = None,
    expires: str | None = None,
    records: int | None = None,
    gate: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The extra of a job's event; `now` in Unix seconds, `records` a count, `gate` of `gate_facts`."""
    return {
        "schema": SCHEMA,
        "kind": "job",
        "project": project,
        "zone": zone,
        "dns_name": dns_name,
        "job": job,
        "phase": phase.value,
        "at": utc(now),
        "records": records,
        "claimant": claimant,
        "lease": lease,
        "expires": expires,
        "run": {
            "dag_id": writer.dag_id,
            "run_id": writer.run_id,
            "task_id": writer.task_id,
            "map_index": writer.map_index,
        },
        "gate": None if gate is None else dict(gate),
    }


def records_event(
    *,
    project: str,
    zone: str,
    job: str,
    claimant: str,
    lease: str,
    generation: int | None,
    rrsets: Collection[RRset],
    now: float,
) -> dict[str, Any]:
    """The extra that tells what an upsert wrote; `generation` is the manifest's after it."""
    packed = pack(rrsets)
    return {
        "schema": SCHEMA,
        "kind": "records",
        "project": project,
        "zone": zone,
        "job": job,
        "claimant": claimant,
        "lease": lease,
        "generation": generation,
        "at": utc(now),
        "records": len(rrsets),
        "packed": packed if len(packed) <= ROOM else None,
    }


def gate_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the gate's task returns, what the page shows: `{"ok", "seconds", "names", "servers", "answers"}`."""
    return {field: result.get(field) for field in ("ok", "seconds", "names", "servers", "answers")}


def utc(moment: float) -> str:
    """Unix seconds as "2026-11-23T16:00:00Z"; the same width always, so that text sorts as time does."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
