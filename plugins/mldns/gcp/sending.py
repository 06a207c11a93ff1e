"""Sending the changes of an edit one after the other, and keeping account of what they made live."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mldns import metrics
from mldns.exceptions import ChangeFailed, CloudUnavailable
from mldns.gcp.changes import send_change
from mldns.gcp.dns import DNSClient
from mldns.gcp.errors import AnswerLost
from mldns.gcp.retry import RetryPolicy
from mldns.plan.batches import Change
from mldns.records.names import Key

log = logging.getLogger(__name__)

_NAMES_TOLD = 3


@dataclass(slots=True)
class Progress:
    """What one call has made live so far, over all its tries. Counts are of rrsets, manifests left out.

    :param witness: the owner's manifest, which every change swaps.
    :param held: whether the names were seen in the caller's hands: what is lost after that is not taken again.
    :param unsent: the changes of the last try that are not known to be live.
    :param in_doubt: rrsets of a change whose answer was lost for good.
    """

    witness: Key
    held: bool = False
    created: int = 0
    changed: int = 0
    deleted: int = 0
    changes: int = 0
    last_id: str | None = None
    status: str = "done"
    in_doubt: int = 0
    unsent: list[Change] = field(default_factory=list)
    live_names: list[str] = field(default_factory=list)

    @property
    def live(self) -> int:
        return self.created + self.changed + self.deleted

    def failure(self, zone: str, reason: str) -> ChangeFailed:
        """What to tell of a call that stopped: what is live, what is not, and what nobody knows."""
        missing = [key for change in self.unsent for key in self._keys(change)]
        return ChangeFailed(
            zone=zone,
            live=self.live,
            missing=len(missing) - self.in_doubt,
            in_doubt=self.in_doubt,
            live_names=self.live_names,
            missing_names=_first_names(missing[self.in_doubt :]),
            reason=reason,
        )

    def sent(self, change: Change, change_id: str | None, status: str) -> tuple[int, int, int]:
        """Note the first of the unsent changes as live; returns how many rrsets it created, changed and deleted."""
        added = {rrset.key for rrset in change.additions} - {self.witness}
        removed = {rrset.key for rrset in change.deletions} - {self.witness}
        tally = len(added - removed), len(added & removed), len(removed - added)
        self.created += tally[0]
        self.changed += tally[1]
        self.deleted += tally[2]
        self.changes += 1
        self.last_id, self.status = change_id, status
        del self.unsent[0]
        if len(self.live_names) < _NAMES_TOLD:
            self.live_names = _first_names([*((name, "") for name in self.live_names), *self._keys(change)])
        return tally

    def count(self, change: Change) -> int:
        """How many rrsets a change touches."""
        return sum(1 for _ in self._keys(change))

    def _keys(self, change: Change) -> Iterator[Key]:
        """The rrsets that a change touches, each once, in the order of the change."""
        keys = dict.fromkeys(rrset.key for rrset in (*change.additions, *change.deletions))
        return (key for key in keys if key != self.witness)


def send_changes(
    client: DNSClient, zone: str, changes: Sequence[Change], progress: Progress, *, retrying: RetryPolicy
) -> None:
    """Send changes one after the other: each needs the manifest of the one before, none waits for `done`.

    Raises as `mldns.gcp.changes.send_change` does; `progress` then tells how far it came.
    """
    progress.unsent = list(changes)
    for number, change in enumerate(changes, start=1):
        try:
            answer = send_change(client, zone, change, witness=progress.witness, retrying=retrying)
        except CloudUnavailable as error:
            if isinstance(error.__cause__, AnswerLost):
                progress.in_doubt = progress.count(change)
            raise
        tally = progress.sent(change, answer.get("id"), answer.get("status", "pending"))
        metrics.change_sent(client.project, zone, tally)
        log.info(
            "zone %s: change %d of %d accepted as %s: %d created, %d changed, %d deleted",
            zone,
            number,
            len(changes),
            progress.last_id,
            *tally,
        )


def _first_names(keys: Sequence[Key]) -> list[str]:
    """The first names, each once; a thousand keys are no reason to look at all of them."""
    names: dict[str, None] = {}
    for name, _ in keys:
        names[name] = None
        if len(names) == _NAMES_TOLD:
            break
    return list(names)
