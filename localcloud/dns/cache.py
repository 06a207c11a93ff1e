"""What a resolver remembers: answers for their TTL, and denials for as long as the zone's SOA says (RFC 2308)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import dns.rdataset
import dns.rdatatype

from localcloud.dns.lookup import Denial, Records
from localcloud.dns.nametree import Labels
from localcloud.dns.rdatasets import negative_ttl, with_ttl

MAX_NEGATIVE_TTL = 10_800
"""Seconds; three hours, the bound that RFC 2308 section 5 proposes for denials."""

_Key = tuple[Labels, dns.rdatatype.RdataType | None]  # None: NXDOMAIN, which speaks for all types


class _Entry(NamedTuple):
    stored: float
    ttl: int
    what: dns.rdataset.Rdataset | Denial


class AnswerCache:
    """Answers and denials by name and type. `clock` is in seconds; a TTL counts down in whole ones.

    Beyond `capacity` entries the one stored first is forgotten.
    """

    def __init__(self, clock: Callable[[], float], *, capacity: int = 100_000) -> None:
        self._clock = clock
        self._capacity = capacity
        self._entries: dict[_Key, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, labels: Labels, rdataset: dns.rdataset.Rdataset) -> None:
        """Remember an answer for its TTL; one of TTL 0 is for its asker alone."""
        self._store((labels, rdataset.rdtype), rdataset.ttl, rdataset)

    def put_denial(self, labels: Labels, rdtype: dns.rdatatype.RdataType, denial: Denial) -> None:
        """Remember that there is no such name, or no such type at it."""
        ttl = min(negative_ttl(denial.soa.rdataset), MAX_NEGATIVE_TTL)
        self._store((labels, None if denial.nxdomain else rdtype), ttl, denial)

    def get(self, labels: Labels, rdtype: dns.rdatatype.RdataType) -> dns.rdataset.Rdataset | Denial | None:
        """What is known, its TTL counted down: the rdataset of the type or the name's CNAME, or a denial."""
        found = self._fresh((labels, rdtype)) or self._fresh((labels, None))
        if found is None and rdtype not in (dns.rdatatype.CNAME, dns.rdatatype.ANY):
            alias = self._fresh((labels, dns.rdatatype.CNAME))
            if isinstance(alias, dns.rdataset.Rdataset):  # a denied CNAME says nothing of other types
                return alias
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _store(self, key: _Key, ttl: int, what: dns.rdataset.Rdataset | Denial) -> None:
        self._entries.pop(key, None)  # so that the order of the dict is the order of storing
        if ttl <= 0:
            return
        self._entries[key] = _Entry(self._clock(), ttl, what)
        if len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]

    def _fresh(self, key: _Key) -> dns.rdataset.Rdataset | Denial | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        remaining = entry.ttl - int(self._clock() - entry.stored)
        if remaining <= 0:
            del self._entries[key]
            return None
        what = entry.what
        if isinstance(what, Denial):
            return Denial(what.nxdomain, Records(what.soa.owner, with_ttl(what.soa.rdataset, remaining)))
        return with_ttl(what, remaining)
