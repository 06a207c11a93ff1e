"""A zone in memory that applies changes by Google's atomic rules: the reference for properties of the pure core."""

from __future__ import annotations

from collections.abc import Iterable

from mldns.plan.batches import Change
from mldns.records.names import Key
from mldns.records.rrset import RRset


class Refused(Exception):
    """The API would answer 404, 409 or 412; the zone is as before."""


class StrictZone:
    """Deletions must be exact, additions must be free, all against the state before; all or nothing."""

    def __init__(self, rrsets: Iterable[RRset] = ()) -> None:
        self.rrsets: dict[Key, RRset] = {rrset.key: rrset for rrset in rrsets}

    def apply(self, change: Change) -> None:
        after = dict(self.rrsets)
        if not change.additions and not change.deletions:
            raise Refused("empty change")
        for rrset in change.deletions:
            if after.get(rrset.key) != rrset:
                raise Refused(f"deletion of {rrset}: {after.get(rrset.key)}")
            del after[rrset.key]
        for rrset in change.additions:
            if rrset.key in after:
                raise Refused(f"addition of {rrset}: {after[rrset.key]}")
            after[rrset.key] = rrset
        names_with_cname = {name for name, kind in after if kind == "CNAME"}
        if any(name in names_with_cname and kind != "CNAME" for name, kind in after):
            raise Refused("CNAME beside other types")
        self.rrsets = after

    def at(self, *names: str) -> dict[Key, RRset]:
        return {key: rrset for key, rrset in self.rrsets.items() if key[0] in names}
