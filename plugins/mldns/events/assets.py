"""The asset events of mldns in Airflow: which assets a zone has, and the extras of their events. Pure data.

Two assets of the whole deployment, which a DAG's operators declare, so that they exist before its first task runs:
`JOBS`, one event for each phase that a job reaches, and `RECORDS`, one for each upsert. Two more a zone, which the
scheduled check alone makes: `x-mldns://<project>/<zone>`, one event for each check, on which other DAGs can be
scheduled, and `…/checks`, the same events for the page. The page in Airflow's UI reads nothing else (docs/watching.md
has the fields).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mldns.messages import timestamp

SCHEMA = 1
"""Raised when a field changes its meaning; a page that does not know a schema leaves the event out."""

ALIAS = "mldns"
"""Name of the asset alias through which the check emits events of zones, whose assets are known only when it runs."""


class Phase(StrEnum):
    """How far a job has come. A gate that fails emits no event: Airflow has the run's own state."""

    CLAIMED = "claimed"
    WRITTEN = "written"
    READY = "ready"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset's identity in Airflow.

    The name of a zone's asset is its URI, so that `schedule=[Asset("x-mldns://p/ml")]` means it; the others' have
    another beginning, since Airflow's API picks events by the beginning of a name.
    """

    name: str
    uri: str


# Not one a zone: a task that emits an event for an asset which does not exist makes Airflow's API server create it, and
# where two tasks do so at once, the loser's UNIQUE constraint fails and Airflow sets the *task* to failed.
JOBS = Asset("mldns jobs", "x-mldns://jobs")
"""The asset of the phases of all jobs."""

RECORDS = Asset("mldns records", "x-mldns://records")
"""The asset of the records that jobs have written."""


def zone_asset(project: str, zone: str) -> Asset:
    """Return the asset of a zone's checks."""
    uri = f"x-mldns://{project}/{zone}"
    return Asset(uri, uri)


def checks_asset(project: str, zone: str) -> Asset:
    """Return the asset of the same checks for the page, on which no DAG may be scheduled.

    Airflow 3.3.2 refuses to list asset events as long as a run that one of them has created is queued: whoever
    schedules a DAG on a zone must not take the page away from everybody.
    """
    return Asset(f"mldns checks {project}/{zone}", f"x-mldns://{project}/{zone}/checks")


@dataclass(frozen=True, slots=True)
class Writer:
    """The task instance that emits an event."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a task knows of a job beside its phase; None for what it does not know.

    :param dns_name: what the zone serves.
    :param claimant: `deployment/dag_id` of whoever holds the names.
    :param lease: the run that holds them.
    :param expires: until when, as "2026-11-23T16:00:00Z".
    :param records: how many record sets the job has.
    :param gate: of `gate_facts`.
    """

    dns_name: str | None = None
    claimant: str | None = None
    lease: str | None = None
    expires: str | None = None
    records: int | None = None
    gate: Mapping[str, Any] | None = None


def job_event(
    *, project: str, zone: str, job: str, phase: Phase, now: float, writer: Writer, facts: JobFacts
) -> dict[str, Any]:
    """Return the extra of a job's event.

    :param project: the Google project of the zone.
    :param zone: the managed zone's name.
    :param job: the job's slug.
    :param phase: what is done now.
    :param now: Unix seconds.
    :param writer: the task instance that emits the event.
    :param facts: what else it knows.
    """
    return {
        "schema": SCHEMA,
        "kind": "job",
        "project": project,
        "zone": zone,
        "job": job,
        "phase": phase.value,
        "at": timestamp(now),
        "run": asdict(writer),
        **asdict(facts),
    }


def gate_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a gate's result: `{"ok", "seconds", "names", "servers", "answers"}`."""
    return {field: result.get(field) for field in ("ok", "seconds", "names", "servers", "answers")}
