"""A zone in memory for the pure core, by the rules of the provider in memory."""

from __future__ import annotations

from collections.abc import Iterable

from mldns.plan.batches import Change
from mldns.records.names import Key
from mldns.records.rrset import RRset
from tests.simulator.memory_provider import applied


class StrictZone:
    """Deletions must be exact, additions must be free; all or nothing."""

    def __init__(self, rrsets: Iterable[RRset] = ()) -> None:
        self.rrsets: dict[Key, RRset] = {rrset.key: rrset for rrset in rrsets}

    def apply(self, change: Change) -> None:
        self.rrsets = dict(applied(self.rrsets, change))
