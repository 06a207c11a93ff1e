"""Everything that a check found in a zone and did there, as one value. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from mldns.iam.grants import Standing
from mldns.messages import clipped
from mldns.ownership.leases import Over
from mldns.reconcile.answers import Answers
from mldns.reconcile.drift import ZoneReport

_LISTED = 50
_TEXT = 300


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
