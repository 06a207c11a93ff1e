"""What one check found in one zone, as the extra of one asset event: at most 48 KiB of JSON, whatever the zone holds.

Where more was found, the exceptions of each job are cut first, then jobs that need nobody are left out, then others;
the totals always count everything. docs/watching.md has the fields.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mldns.events.assets import SCHEMA
from mldns.messages import clipped, timestamp
from mldns.reconcile import attention
from mldns.reconcile.answers import Answers, Unanswered
from mldns.reconcile.findings import Findings
from mldns.reconcile.job_rows import Exceptions, job_row

ROOM = 48 * 1024
"""Bytes of a snapshot's JSON."""

EXCEPTIONS = 200
"""Of one job; the rest is counted."""

_SAMPLE = 5
_DAMAGED = 20
_LISTED = 50  # name servers, networks, lost grants
_TEXT = 300


def zone_event(
    zone: Mapping[str, Any],
    found: Findings | str,
    *,
    project: str,
    now: float,
    dag_id: str,
    run_id: str,
    room: int = ROOM,
) -> dict[str, Any]:
    """Return the extra of a zone's event.

    :param zone: as the API gives it.
    :param found: or one line: why the zone could not be read.
    :param project: the Google project of the zone.
    :param now: Unix seconds.
    :param dag_id: of the run that checks.
    :param run_id: as `dag_id`.
    :param room: bytes of JSON that it may take.
    """
    base = {
        "schema": SCHEMA,
        "kind": "zone",
        "project": project,
        "zone": zone["name"],
        "dns_name": zone.get("dnsName"),
        "visibility": zone.get("visibility", "public"),
        "name_servers": list(zone.get("nameServers", ()))[:_LISTED],
        "networks": networks(zone)[:_LISTED],
        "taken": timestamp(now),
        "run": {"dag_id": dag_id, "run_id": run_id},
    }
    if isinstance(found, str):
        return {**base, **_unread(), "error": clipped(found, _TEXT), "attention": True, **attention.listed([])}
    unanswered = _by_owner(found)
    rows = [job_row(owner, unanswered.get(owner.manifest.owner, [])) for owner in found.report.owners]
    rows.sort(key=lambda row: row["state"] in ("ready", "pending", "ended") and not row["exceptions_total"])
    return cut({**base, **_facts(found), "jobs_total": len(rows), "jobs": rows, "error": None}, room)


def networks(zone: Mapping[str, Any]) -> list[str]:
    """Return the networks that see a private zone, as `projects/P/global/networks/N` or `vpc-…@REGION`."""
    if "networks" in zone:
        return [str(network) for network in zone["networks"]]
    config = zone.get("privateVisibilityConfig") or {}
    urls = [str(network.get("networkUrl", "")) for network in config.get("networks", ())]
    return [f"projects/{url.partition('/projects/')[2]}" if "/projects/" in url else url for url in urls]


def cut(event: Mapping[str, Any], room: int = ROOM) -> dict[str, Any]:
    """Return the event within `room` bytes of JSON: fewer exceptions a job, then fewer jobs, the last ones first."""
    jobs: Sequence[Mapping[str, Any]] = event["jobs"]
    room -= _size({**event, "jobs": []})
    most = EXCEPTIONS
    shown = _jobs_with(jobs, most)
    while most and sum(map(_listed_size, shown)) > room:
        most //= 2
        shown = _jobs_with(jobs, most)
    left: list[Mapping[str, Any]] = []
    for job in shown:
        room -= _listed_size(job)
        if room < 0:
            break
        left.append(job)
    return {**event, "jobs": left}


def _unread() -> dict[str, Any]:
    return {
        "quota": None,
        "resolution": None,
        "resolution_reason": "the zone could not be read",
        "iam": None,
        "jobs_total": 0,
        "jobs": [],
        "foreign": {"count": 0, "first": []},
        "damaged": [],
        "actions": None,
    }


def _facts(found: Findings) -> dict[str, Any]:
    report, answers = found.report, found.answers
    quota = None if found.limit is None else {"rrsets": report.rrsets, "limit": found.limit}
    lost = None if found.grants is None else found.grants.to_json()
    if lost is not None:
        lost["lost"] = lost["lost"][:_LISTED]
    refused = found.actions.refused if found.actions else ()
    facts: dict[str, Any] = {
        "attention": found.attention,
        **attention.listed(attention.reasons(report, answers, found.grants, refused)),
        "quota": quota,
        "resolution": _resolution(answers),
        "iam": lost,
        "foreign": {
            "count": len(report.foreign),
            "first": [f"{name} {kind}" for name, kind in report.foreign[:_SAMPLE]],
        },
        "damaged": [clipped(line, _TEXT) for line in report.damaged[:_DAMAGED]],
        "actions": None if found.actions is None else found.actions.to_json(),
    }
    if quota is None:
        facts["quota_reason"] = clipped(found.limit_reason, _TEXT)
    if lost is None:
        facts["iam_reason"] = clipped(found.grants_reason, _TEXT)
    if facts["resolution"] is None:
        facts["resolution_reason"] = clipped(answers.reason if answers else "not asked", _TEXT)
    return facts


def _resolution(answers: Answers | None) -> dict[str, Any] | None:
    if answers is None or answers.reason:
        return None
    return {
        "names": answers.names,
        "ok": answers.ok,
        "seconds": answers.seconds,
        "servers": [asked.to_json() for asked in answers.servers[:_LISTED]],
    }


def _by_owner(found: Findings) -> dict[str, list[Unanswered]]:
    if found.answers is None:
        return {}
    owner_of = {key: owner.manifest.owner for owner in found.report.owners for key in owner.manifest.names}
    grouped: dict[str, list[Unanswered]] = {}
    for item in found.answers.unanswered:
        if item.expectation.key in owner_of:
            grouped.setdefault(owner_of[item.expectation.key], []).append(item)
    return grouped


def _jobs_with(jobs: Iterable[Mapping[str, Any]], most: int) -> list[dict[str, Any]]:
    return [{**job, "exceptions": _mixed(job["exceptions"], most)} for job in jobs]


def _mixed(exceptions: Exceptions, most: int) -> Exceptions:
    """The first ones of every kind, so that thousands of one kind do not hide the only one of another."""
    if len(exceptions) <= most:
        return exceptions
    kinds = Counter[str]()
    ranked = []
    for number, row in enumerate(exceptions):
        ranked.append((kinds[row["what"]], number))
        kinds[row["what"]] += 1
    return [exceptions[number] for number in sorted(number for _, number in sorted(ranked)[:most])]


def _listed_size(job: Mapping[str, Any]) -> int:
    return _size(job) + 2  # and the comma


def _size(value: Any) -> int:
    return len(json.dumps(value).encode())
