"""What a look at the world found: hosts that are ready, and what is still in the way."""

from __future__ import annotations

from dataclasses import dataclass

from mldns.exceptions import MldnsError
from mldns.inventory.discovery.ranking import Host
from mldns.messages import shorten


class InventoryIncomplete(MldnsError):
    """Not all workers are there. `pending` are one line each: which host, and what keeps it."""

    def __init__(self, *, summary: str, pending: tuple[str, ...], way_out: str = "") -> None:
        self.pending = pending
        waiting = f": {shorten(pending, 20)}" if pending else ""
        super().__init__(f"{summary}{waiting}{f'; {way_out}' if way_out else ''}")


@dataclass(frozen=True, slots=True)
class Census:
    """One look. It is complete when nothing is pending and as many hosts are ready as there should be.

    :param source: what was asked, for messages: `instances of project 'p' in zone 'z' with filter '…'`.
    :param ready: hosts that can be workers now.
    :param pending: a line for each host that may yet become one.
    :param left_out: a line for each host that was passed over on purpose.
    :param doubts: a line for each thing that may be meant, and may be a mistake.
    :param expected: how many workers there should be; None takes as many as there are, but never none.
    """

    source: str
    ready: tuple[Host, ...]
    pending: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    expected: int | None = None

    @property
    def complete(self) -> bool:
        return not self.pending and bool(self.ready) and self.expected in (None, len(self.ready))

    @property
    def may_come(self) -> bool:
        """Whether waiting can complete it: too many are too many, whatever else is pending."""
        if self.expected is None:
            return bool(self.pending)
        return len(self.ready) < self.expected or (len(self.ready) == self.expected and bool(self.pending))

    def summary(self) -> str:
        """One line for the log: `2 of 3 workers ready (instances of project 'p'); pending: w-2 (STAGING)`."""
        of = "" if self.expected is None else f" of {self.expected:,}"
        text = f"{len(self.ready):,}{of} workers ready ({self.source})"
        for what, lines in (("pending", self.pending), ("left out", self.left_out)):
            if lines:
                text += f"; {what}: {shorten(lines)}"
        return text

    def incomplete(self, way_out: str = "") -> InventoryIncomplete:
        """Why this will not do."""
        if not self.ready and not self.pending:
            passed = f" ({len(self.left_out):,} left out: {shorten(self.left_out)})" if self.left_out else ""
            return InventoryIncomplete(
                summary=f"{self.source}: nothing found{passed}", pending=(), way_out=way_out or "check the filter"
            )
        of = "" if self.expected is None else f", {self.expected:,} expected"
        summary = f"{self.source}: {len(self.ready):,} ready{of}"
        if self.expected is not None and len(self.ready) > self.expected:
            summary += f" ({shorten([host.name for host in self.ready])}): narrow the filter, or correct expected"
        return InventoryIncomplete(summary=summary, pending=self.pending, way_out=way_out)
