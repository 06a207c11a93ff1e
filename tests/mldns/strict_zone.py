"""A zone in memory that applies changes by Google's atomic rules: the reference for properties of the pure core."""

from __future__ import annotations

from collections.abc import Iterable

from mldns.plan.batches import Change
from mldns.records.names import Key
from mldns.records.rrset import RRset
from tests.simulator.memory_provider import Refused, applied

__all__ = ["Refused", "StrictZone"]


class StrictZone:
    """Deletions must be exact, additions must be free, all against the state before; all or nothing."""

    def __init__(self, rrsets: Iterable[RRset] = ()) -> None:
        self.rrsets: dict[Key, RRset] = {rrset.key: rrset for rrset in rrsets}

    def apply(self, change: Change) -> None:
        self.rrsets = dict(applied(self.rrsets, change))

    def at(self, *names: str) -> dict[Key, RRset]:
        return {key: rrset for key, rrset in self.rrsets.items() if key[0] in names}
