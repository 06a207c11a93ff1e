"""What mldns's tasks report, in the shapes of `mldns.reconcile.snapshot`, through the DAG `emit_events`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.rest import AirflowApi

PROJECT = "demo-project"


def at(minutes_ago: float = 0) -> str:
    """A moment as the events have it."""
    return (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def exception(name: str, **fields: Any) -> dict[str, Any]:
    """One name that is not as claimed."""
    return {
        "name": name,
        "type": "A",
        "what": "wrong",
        "server": "192.0.2.53:53",
        "expected": "10.0.0.7",
        "got": "10.9.9.9",
        "do": "run mldns_reconcile with repair",
        **fields,
    }


def job_row(job: str, **fields: Any) -> dict[str, Any]:
    """A job as a snapshot has it: ready and well, unless said otherwise."""
    return {
        "job": job,
        "claimant": "airflow/train_bert",
        "dag_id": "train_bert",
        "run_id": f"manual__{job}",
        "expires": at(-600),
        "expired": False,
        "run_state": "running",
        "generation": 3,
        "records": 34,
        "pending": 0,
        "grants": 0,
        "state": "ready",
        "drift": {"changed": 0, "missing": 0, "extra": 0, "unresolved": 0},
        "exceptions_total": 0,
        "exceptions": [],
        **fields,
    }


def zone_event(
    zone: str, jobs: Sequence[Mapping[str, Any]], *, run_id: str, minutes_ago: float = 1, **fields: Any
) -> dict[str, Any]:
    """One check's snapshot of a zone."""
    names = sum(job["records"] for job in jobs)
    extra = {
        "schema": 1,
        "kind": "zone",
        "project": PROJECT,
        "zone": zone,
        "dns_name": f"{zone}.example.com.",
        "visibility": "private",
        "name_servers": ["ns-gcp-private.googledomains.com."],
        "networks": [f"projects/{PROJECT}/global/networks/training"],
        "taken": at(minutes_ago),
        "run": {"dag_id": "mldns_reconcile", "run_id": run_id},
        "quota": {"rrsets": names + 4, "limit": 10_000},
        "resolution": {
            "names": names,
            "ok": names,
            "seconds": 0.4,
            "servers": [{"server": "127.0.0.1:5300", "role": "resolver", "ok": names, "failed": 0}],
        },
        "iam": {"recorded": 1, "standing": 1, "lost": []},
        "jobs_total": len(jobs),
        "jobs": list(jobs),
        "foreign": {"count": 0, "first": []},
        "damaged": [],
        "error": None,
        "attention": False,
        "reasons": [],
        "reasons_total": 0,
        "actions": None,
        **fields,
    }
    return {"name": f"mldns checks {PROJECT}/{zone}", "uri": f"x-mldns://{PROJECT}/{zone}/checks", "extra": extra}


def job_event(job: str, phase: str, *, zone: str = "ml", minutes_ago: float = 0, **fields: Any) -> dict[str, Any]:
    """A phase that a job's task has come to."""
    gate = {"ok": True, "seconds": 2.1, "names": 34, "servers": 1, "answers": 34} if phase == "ready" else None
    extra = {
        "schema": 1,
        "kind": "job",
        "project": PROJECT,
        "zone": zone,
        "dns_name": f"{zone}.example.com.",
        "job": job,
        "phase": phase,
        "at": at(minutes_ago),
        "records": 34,
        "claimant": "airflow/train_bert",
        "lease": f"manual__{job}",
        "expires": at(-600),
        "run": {"dag_id": "train_bert", "run_id": f"manual__{job}", "task_id": f"dns.{phase}", "map_index": -1},
        "gate": gate,
        **fields,
    }
    return {"name": "mldns jobs", "uri": "x-mldns://jobs", "extra": extra}


def emit(api: AirflowApi, events: Iterable[Mapping[str, Any]]) -> str:
    """Have a run of `emit_events` write the events, oldest first; returns its run id."""
    run_id = api.trigger("emit_events", {"events": list(events)})
    deadline = time.monotonic() + 60
    while (state := api.run_state("emit_events", run_id)) != "success":
        if state == "failed" or time.monotonic() > deadline:
            raise RuntimeError(f"the run {run_id} that emits events is {state}")
        time.sleep(0.3)
    return run_id
