"""Why a person should look at a zone, beside the names of its jobs: a line each, and what to do. Pure.

What is wrong with a job's names is in the job's own row (`mldns.reconcile.job_rows`), and not said twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mldns.iam.grants import Standing, held_notes
from mldns.messages import clipped
from mldns.reconcile.answers import Answers
from mldns.reconcile.drift import ZoneReport

LISTED = 20
"""Reasons of one zone; the rest is counted."""

_TEXT = 200

Reason = dict[str, Any]
"""`{"what", "job", "do"}`: `job` is the slug of whom it is about, or None for the zone itself."""


def reasons(
    report: ZoneReport, answers: Answers | None, grants: Standing | None, refused: Sequence[str]
) -> list[Reason]:
    """Return all of them, the zone's own first.

    :param report: what was found in the zone.
    :param answers: of its servers; None where they were not asked.
    :param grants: that are still there; None where that is not known.
    :param refused: what a repair or a collection could not do (`mldns.reconcile.findings.Actions`).
    """
    return [
        *(_reason(line, None, "read docs/ownership.md: who holds its names is not known") for line in report.damaged),
        *(_silent(answers) if answers else ()),
        *(_lost(report, grants) if grants else ()),
        *_refused(report, refused),
    ]


def listed(found: Sequence[Reason]) -> dict[str, Any]:
    """Return as many as an event has room for, and how many there are."""
    return {"reasons": list(found[:LISTED]), "reasons_total": len(found)}


def _silent(answers: Answers) -> Iterator[Reason]:
    """Servers that say nothing of the zone at all: of others, the names that they fail are in the jobs' rows."""
    speaking = {item.server for item in answers.unanswered}
    for asked in answers.servers:
        if asked.failed and asked.server not in speaking:
            what = f"{asked.server.role.value} server {asked.server.label} does not answer for the zone"
            yield _reason(what, None, "make it serve the zone, or take it out of the delegation")
    if answers.attention and not answers.servers:
        yield _reason(answers.reason or "no server was asked", None, "look at the servers and the way to them")


def _lost(report: ZoneReport, grants: Standing) -> Iterator[Reason]:
    """By the jobs whose manifests note them; a note is `scope role digest`, and perhaps a condition's digest."""
    for text in grants.lost:
        scope, _, rest = text.partition(" ")
        role, _, whom = rest.partition(" ")
        what = f"the grant of {role} on the {scope} to {whom} is gone" if whom else f"the grant {text} is gone"
        jobs: list[str | None] = [
            owner.manifest.owner for owner in report.owners if text in held_notes(owner.manifest.grants)
        ]
        for job in jobs or [None]:
            yield _reason(what, job, "run the job's grant task again, or its revoke task where nobody needs it")


def _refused(report: ZoneReport, refused: Sequence[str]) -> Iterator[Reason]:
    jobs = {owner.manifest.owner for owner in report.owners}
    for line in refused:
        job, _, why = line.partition(": ")
        if job in jobs:
            yield _reason(f"mldns_reconcile could not put it right: {why}", job, "do what the line says")
        else:
            yield _reason(f"mldns_reconcile could not put it right: {line}", None, "do what the line says")


def _reason(what: str, job: str | None, todo: str) -> Reason:
    return {"what": clipped(what, _TEXT), "job": job, "do": todo}
