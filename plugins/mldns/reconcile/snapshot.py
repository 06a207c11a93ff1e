"""What one check found in one zone, as the extra of one asset event: at most 48 KiB of JSON, whatever the zone holds.

Where more was found, the exceptions of each job are cut first, then jobs that need nobody are left out, then others;
the totals always count everything. docs/watching.md has the fields.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mldns.events.assets import SCHEMA
from mldns.gate.expectations import Verdict
from mldns.iam.grants import Standing
from mldns.messages import clipped, shown_rrdatas, timestamp
from mldns.ownership.leases import Over
from mldns.reconcile import attention
from mldns.reconcile.answers import Answers, Unanswered
from mldns.reconcile.drift import OwnerReport, ZoneReport
from mldns.records.names import Key
from mldns.records.rrset import RRset

ROOM = 48 * 1024
"""Bytes of a snapshot's JSON."""

EXCEPTIONS = 200
"""Of one job; the rest is counted."""

_SAMPLE = 5
_DAMAGED = 20
_LISTED = 50  # name servers, networks, lost grants
_TEXT = 300

_REPAIR = "run mldns_reconcile with repair"
_REWRITE = "run the job's upsert again: what it held is not certain any more"
_COLLECT = "its lease is over: run mldns_reconcile with collect"
_RERUN = "wait for the job's own task, which has begun to write; where it has failed, run it again"
_BY_HAND = "somebody made it a routing policy: delete that by hand, and run mldns_reconcile with repair"
ADVICE = {
    Verdict.MISSING: "wait for the change to be served; where that lasts, look at the zone's delegation",
    Verdict.WRONG: "wait for the TTL; where it lasts, another zone or a cache answers for this name",
    Verdict.STALE: "wait: the server's cache runs out with the TTL",
    Verdict.SERVFAIL: "look at that server: it fails to answer",
    Verdict.REFUSED: "let that server answer to this host",
    Verdict.TIMEOUT: "look at that server and the way to it: nothing comes back",
    Verdict.LAME: "take that server out of the delegation: it does not serve the zone",
}
"""What to do about a name that a server does not answer as the zone says."""

Exceptions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Actions:
    """What a repair or a collection did, or would do.

    :param repaired: how many rrsets.
    :param collected: jobs.
    :param refused: a line each for what was not possible.
    """

    dry_run: bool
    repaired: int = 0
    collected: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run,
            "repaired": self.repaired,
            "collected": list(self.collected[:_LISTED]),
            "refused": [clipped(line, _TEXT) for line in self.refused[:_LISTED]],
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a check found in a zone. A reason says why its neighbour is None."""

    report: ZoneReport
    answers: Answers | None = None
    limit: int | None = None
    limit_reason: str = ""
    grants: Standing | None = None
    grants_reason: str = ""
    actions: Actions | None = None

    @property
    def attention(self) -> bool:
        """Whether a person should look at the zone."""
        lost = self.grants is not None and bool(self.grants.lost)
        refused = self.actions is not None and bool(self.actions.refused)
        return self.report.attention or lost or refused or (self.answers is not None and self.answers.attention)

    def kinds(self) -> dict[str, int]:
        """How much is not as it should be, by kind: record sets, then jobs whose lease is over, then grants."""
        owners, unanswered = self.report.owners, self.answers.unanswered if self.answers else ()
        over = Counter(owner.over for owner in owners)
        return {
            "missing": sum(len(owner.missing) for owner in owners),
            "changed": sum(len(owner.changed) for owner in owners),
            "extra": sum(len(owner.extra) for owner in owners),
            "unresolved": len({item.expectation.key for item in unanswered}),
            "expired": over[Over.EXPIRED],
            "orphaned": over[Over.ORPHANED],
            "grants": len(self.grants.lost) if self.grants else 0,
        }


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
    """The extra of a zone's event.

    :param zone: as the API gives it.
    :param found: or one line: why the zone could not be read.
    :param now: Unix seconds.
    :param dag_id: of the run that checks, as `run_id`.
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
        return {**base, **_unread(), "error": clipped(found, _TEXT), "attention": True, **attention.told([])}
    unanswered = _by_owner(found)
    rows = [_job(owner, unanswered.get(owner.manifest.owner, [])) for owner in found.report.owners]
    rows.sort(key=lambda row: row["state"] in ("ready", "pending", "ended") and not row["exceptions_total"])
    return cut({**base, **_facts(found), "jobs_total": len(rows), "jobs": rows, "error": None}, room)


def networks(zone: Mapping[str, Any]) -> list[str]:
    """The networks that see a private zone, as `projects/P/global/networks/N`."""
    config = zone.get("privateVisibilityConfig") or {}
    urls = [str(network.get("networkUrl", "")) for network in config.get("networks", ())]
    return [f"projects/{url.partition('/projects/')[2]}" if "/projects/" in url else url for url in urls]


def cut(event: Mapping[str, Any], room: int = ROOM) -> dict[str, Any]:
    """An event that takes at most `room` bytes: fewer exceptions a job, then fewer jobs, the last ones first."""
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
        **attention.told(attention.reasons(report, answers, found.grants, refused)),
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


def _job(owner: OwnerReport, unanswered: Sequence[Unanswered]) -> dict[str, Any]:
    manifest, holding = owner.manifest, owner.holding
    exceptions = [*_drifted(owner), *map(_unresolved, unanswered)]
    return {
        "job": manifest.owner,
        "claimant": holding.claimant,
        "dag_id": holding.dag_id,
        "run_id": holding.run_id,
        "expires": None if manifest.expires is None else timestamp(manifest.expires),
        "expired": owner.expired,
        "run_state": holding.state.value,
        "generation": manifest.generation,
        "records": len(manifest.names),
        "pending": len(manifest.pending),
        "grants": len(manifest.grants),
        "state": _state(owner),
        "drift": {
            "changed": len(owner.changed),
            "missing": len(owner.missing),
            "extra": len(owner.extra),
            "unresolved": len({item.expectation.key for item in unanswered}),
        },
        "exceptions_total": len(exceptions),
        "exceptions": exceptions,
    }


def _state(owner: OwnerReport) -> str:
    if owner.manifest.idle:
        return "ended"
    if owner.over is not None:
        return "orphaned" if owner.over is Over.ORPHANED else "expired"
    if owner.drifted:
        return "drifted"
    return "pending" if owner.manifest.pending else "ready"


def _drifted(owner: OwnerReport) -> Exceptions:
    """What the zone does not hold as claimed: missing, changed, extra."""
    rows: Exceptions = []
    usual = _REPAIR if owner.restorable else _REWRITE
    if owner.over is not None:
        usual = _COLLECT
    elif owner.manifest.pending:
        usual = _RERUN
    for key in owner.missing:
        expected = shown(owner.known[key]) if key in owner.known else "as the job wrote it"
        rows.append(_row(key, "missing", expected, "not in the zone", usual))
    for item in owner.changed:
        todo = _BY_HAND if item.found.routed else usual
        rows.append(_row(item.wanted.key, "changed", shown(item.wanted), shown(item.found), todo))
    for rrset in owner.extra:
        in_the_way = rrset.key in owner.manifest.pending
        todo = "delete it by hand: the job's upsert is refused as long as it is there" if in_the_way else _STRANGER
        rows.append(_row(rrset.key, "extra", "nothing of anybody else", shown(rrset), todo))
    return rows


_STRANGER = "find out who wrote it below the job's name: mldns did not, and leaves it alone"


def _unresolved(item: Unanswered) -> dict[str, Any]:
    verdict, expected = item.judgement.verdict, item.expectation.shown
    return _row(
        item.expectation.key, verdict.value, expected, item.judgement.got, ADVICE[verdict], server=item.server.label
    )


def _row(key: Key, what: str, expected: str, got: str, todo: str, *, server: str | None = None) -> dict[str, Any]:
    return {
        "name": key[0],
        "type": key[1],
        "what": what,
        "server": server,
        "expected": clipped(expected, _TEXT),
        "got": clipped(got, _TEXT),
        "do": todo,
    }


def shown(rrset: RRset) -> str:
    """An rrset's data and TTL in one short line."""
    return "a routing policy" if rrset.routed else f"{shown_rrdatas(rrset.rrdatas)} ttl {rrset.ttl}"


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
