"""A job's row in a zone's event: its state, and its names that are not as claimed, with what to do about each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mldns.gate.report import ADVICE
from mldns.messages import clipped, shown_rrdatas, timestamp
from mldns.ownership.leases import Over
from mldns.reconcile.answers import Unanswered
from mldns.reconcile.drift import OwnerReport
from mldns.records.names import Key
from mldns.records.rrset import RRset

Exceptions = list[dict[str, Any]]

_TEXT = 300

_REPAIR = "run mldns_reconcile with repair"
_REWRITE = "run the job's upsert again: what it held is not certain any more"
_COLLECT = "its lease is over: run mldns_reconcile with collect"
_RERUN = "wait for the job's own task, which has begun to write; where it has failed, run it again"
_BY_HAND = "somebody made it a routing policy: delete that by hand, and run mldns_reconcile with repair"
_STRANGER = "find out who wrote it below the job's name: mldns did not, and leaves it alone"


def job_row(owner: OwnerReport, unanswered: Sequence[Unanswered]) -> dict[str, Any]:
    """Return the row of one job, with all its exceptions.

    :param owner: what was found of the job.
    :param unanswered: its names that a server did not answer rightly.
    """
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
        expected = shown(owner.certain[key]) if key in owner.certain else "as the job wrote it"
        rows.append(_row(key, "missing", expected, "not in the zone", usual))
    for item in owner.changed:
        todo = _BY_HAND if item.found.routed else usual
        rows.append(_row(item.wanted.key, "changed", shown(item.wanted), shown(item.found), todo))
    for rrset in owner.extra:
        in_the_way = rrset.key in owner.manifest.pending
        todo = "delete it by hand: the job's upsert is refused as long as it is there" if in_the_way else _STRANGER
        rows.append(_row(rrset.key, "extra", "nothing of anybody else", shown(rrset), todo))
    return rows


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
