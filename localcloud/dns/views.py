"""The zones as one listener knows them: the API's journal replayed up to `lag` seconds ago, and deletions as late."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import is_
from typing import Protocol

import dns.exception
import dns.rdatatype

from localcloud.dns.nametree import Labels, NameTree
from localcloud.model import ManagedZone, ResourceRecordSet

log = logging.getLogger(__name__)


class ZoneSource(Protocol):
    """What the listeners need of the store."""

    def zones(self) -> Iterable[ManagedZone]:
        """Live and recently deleted zones in creation order. A zone that was replaced is another object."""
        ...


class ServedZone:
    """One zone and how much of its journal this listener has taken in. The journal may only be appended to."""

    def __init__(self, zone: ManagedZone) -> None:
        self.zone = zone
        self.tree = NameTree(zone.dns_name)
        self._replayed = 0

    def advance(self, moment: float) -> bool:
        """Replay what was accepted up to `moment`, then say if the zone is served: loaded, and not deleted by then."""
        journal = self.zone.journal
        while self._replayed < len(journal) and journal[self._replayed].at <= moment:
            entry = journal[self._replayed]
            self._replayed += 1
            for rrset in entry.deletions:
                self._edit(self.tree.remove, rrset)
            for rrset in entry.additions:
                self._edit(self.tree.add, rrset)
        deleted_at = self.zone.deleted_at
        return dns.rdatatype.SOA in self.tree.apex.rrsets and (deleted_at is None or deleted_at > moment)

    def _edit(self, edit: Callable[[ResourceRecordSet], None], rrset: ResourceRecordSet) -> None:
        """One record that DNS cannot say must not take its zone down: it is left out, and the log says so."""
        try:
            edit(rrset)
        except (dns.exception.DNSException, ValueError) as error:
            log.warning("zone %s: %s %s is not served: %s", self.zone.name, rrset.name, rrset.type, error)


class ZoneViews:
    """All zones of the store, found by the longest suffix of a name."""

    def __init__(self, source: ZoneSource) -> None:
        self._source = source
        self._known: list[ManagedZone] = []
        self._served: dict[int, ServedZone] = {}
        self._by_origin: dict[Labels, list[ServedZone]] = {}
        self._deepest = 0

    def refresh(self) -> None:
        """Take up new zones and drop those the store has forgotten. Cheap when nothing changed: one pass of `is`."""
        zones = list(self._source.zones())
        if len(zones) == len(self._known) and all(map(is_, zones, self._known)):
            return
        # A served zone holds on to its zone, so an id in the old table cannot have been used again.
        old = self._served
        self._known = zones
        self._served = {id(zone): old.get(id(zone)) or ServedZone(zone) for zone in zones}
        self._by_origin = {}
        for served in self._served.values():
            self._by_origin.setdefault(served.tree.origin, []).append(served)
        self._deepest = max(map(len, self._by_origin), default=0)

    def find(self, labels: Labels, moment: float, admits: Callable[[ManagedZone], bool]) -> NameTree | None:
        """The zone that answers for a name: of those admitted and served at `moment` the one with the longest suffix.

        Of several with one dnsName the oldest answers. `labels` may be `()`, which no zone answers for.
        """
        for start in range(max(0, len(labels) - self._deepest), len(labels)):
            for served in self._by_origin.get(labels[start:], ()):
                if admits(served.zone) and served.advance(moment):
                    return served.tree
        return None

    def clear(self) -> None:
        """Forget everything; the next question replays the journals from their beginning."""
        self._known = []
        self._served = {}
        self._by_origin = {}
        self._deepest = 0


def is_public(zone: ManagedZone) -> bool:
    """Whether the whole world may ask for the zone."""
    return zone.visibility == "public"


def bound_to(network: str) -> Callable[[ManagedZone], bool]:
    """A predicate: the private zones visible in a network, which is a URL or `projects/…/global/networks/…`."""
    path = _network_path(network)

    def admits(zone: ManagedZone) -> bool:
        return zone.visibility == "private" and any(_network_path(url) == path for url in zone.networks)

    return admits


@lru_cache(maxsize=4_096)
def _network_path(url: str) -> str:
    """The part of a network URL that names the network, without the host and the API version before it."""
    match = re.search(r"projects/[^/]+/global/networks/[^/]+$", url)
    return match.group() if match else url
