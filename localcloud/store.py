"""Everything that localcloud holds, in memory and, when told so, on disk.

One asyncio loop edits it, so there are no locks. The API reads and writes through `HostedZone`; the name servers read
`zones()` and follow each zone's journal.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.access.keys import ServiceAccountKey
from localcloud.archive import Archive
from localcloud.changes import Change, ZoneView
from localcloud.iam import Policy
from localcloud.model import JournalEntry, ManagedZone, ResourceRecordSet
from localcloud.ordering import CanonicalIndex
from localcloud.policy_log import PolicyLog

_ZONE_ID = re.compile(r"[0-9]{1,20}")
# Name servers may lag behind, so a deleted zone stays visible to them; longer than any sensible --serve-ms.
_KEEP_DELETED_S = 3_600.0


@dataclass(slots=True)
class HostedZone:
    """A zone with what the API keeps beside its records: the order of its names, its changes and its operations."""

    zone: ManagedZone
    index: CanonicalIndex
    changes: list[Change] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    order: tuple[int, list[tuple[str, str]]] | None = None
    """The names in Route 53's order, and the number of changes when they were sorted."""

    @property
    def resource(self) -> str:
        """The name under which the zone's IAM policy is stored."""
        return f"projects/{self.zone.project}/managedZones/{self.zone.id}"

    def view(self) -> ZoneView:
        return ZoneView(apex=self.zone.dns_name, rrsets=self.zone.rrsets, types_at=self.index.types_at)


class Store:
    """Zones, IAM policies and service accounts' keys of all projects.

    :param archive: where edits are kept across restarts; None forgets them with the process.
    :param clock: unix time, for the API's time stamps.
    :param monotonic: the name servers' time, for the journal.
    """

    def __init__(
        self,
        archive: Archive | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._archive = archive
        self.clock = clock
        self._monotonic = monotonic
        self._zones: dict[int, HostedZone] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._served: list[ManagedZone] = []
        self._deleted: deque[ManagedZone] = deque()
        self._policies: dict[str, Policy] = {}
        self._policy_log = PolicyLog(monotonic)
        self._keys: dict[str, ServiceAccountKey] = {}
        if archive is not None:
            self._restore(archive)

    def _restore(self, archive: Archive) -> None:
        kept = archive.load()
        for archived in kept.zones:
            zone = archived.zone
            index = CanonicalIndex(zone.dns_name)
            for key in zone.rrsets:
                index.add(key)
            # What was accepted before the restart is served from the first moment after it.
            zone.journal.append(JournalEntry(float("-inf"), (), tuple(zone.rrsets.values())))
            self._host(HostedZone(zone, index, archived.changes, archived.operations))
        self._policies.update(kept.policies)
        self._keys.update((key.id, key) for key in kept.keys)

    def zones(self) -> list[ManagedZone]:
        """Live and recently deleted zones (`deleted_at` set), in the order of creation. Read it, do not edit it."""
        if self._deleted:
            oldest = self._deleted[0]
            if oldest.deleted_at is not None and oldest.deleted_at < self._monotonic() - _KEEP_DELETED_S:
                self._deleted.popleft()
                self._served.remove(oldest)
        return self._served

    def hosted(self) -> Iterator[HostedZone]:
        """Live zones of all projects, in the order of creation."""
        return iter(self._zones.values())

    def find(self, project: str, name_or_id: str) -> HostedZone | None:
        """The live zone of `project` with that name or numeric id."""
        is_id = _ZONE_ID.fullmatch(name_or_id) is not None  # a zone's name starts with a letter
        zone_id = int(name_or_id) if is_id else self._ids.get((project, name_or_id), -1)
        hosted = self._zones.get(zone_id)
        return hosted if hosted is not None and hosted.zone.project == project else None

    def new_zone_id(self) -> int:
        """A free uint64; random, as Google's are, so that nobody comes to count on an order."""
        while True:
            zone_id = secrets.randbits(63) | 1
            if zone_id not in self._zones:
                return zone_id

    def add_zone(self, zone: ManagedZone, apex: Sequence[ResourceRecordSet]) -> HostedZone:
        """Take over a new zone; its NS and SOA are its change "0"."""
        hosted = HostedZone(zone, CanonicalIndex(zone.dns_name))
        change = Change(0, self.clock(), tuple(apex), ())
        if self._archive is not None:
            self._archive.save_zone(zone, change=change)
        self._host(hosted)
        self._apply(hosted, change)
        return hosted

    def update_zone(self, hosted: HostedZone, patched: ManagedZone, operation: dict[str, Any]) -> None:
        """Take over networks and attributes of `patched`, and the operation that says so."""
        if self._archive is not None:
            self._archive.save_zone(patched, operation=operation)
        hosted.zone.networks = patched.networks
        hosted.zone.attributes = patched.attributes
        hosted.operations.append(operation)

    def delete_zone(self, hosted: HostedZone) -> None:
        if self._archive is not None:
            self._archive.delete_zone(hosted.zone, hosted.resource)
        del self._zones[hosted.zone.id]
        del self._ids[hosted.zone.project, hosted.zone.name]
        self._policies.pop(hosted.resource, None)
        self._policy_log.forget(hosted.resource)
        hosted.zone.deleted_at = self._monotonic()
        self._deleted.append(hosted.zone)

    def commit(
        self, hosted: HostedZone, *, additions: Sequence[ResourceRecordSet], deletions: Sequence[ResourceRecordSet]
    ) -> Change:
        """Apply a change that `changes.check` has let through."""
        change = Change(len(hosted.changes), self.clock(), tuple(additions), tuple(deletions))
        if self._archive is not None:
            self._archive.save_change(hosted.zone, change)
        self._apply(hosted, change)
        return change

    def _host(self, hosted: HostedZone) -> None:
        self._zones[hosted.zone.id] = hosted
        self._ids[hosted.zone.project, hosted.zone.name] = hosted.zone.id
        self._served.append(hosted.zone)

    def _apply(self, hosted: HostedZone, change: Change) -> None:
        zone = hosted.zone
        for rrset in change.deletions:
            del zone.rrsets[rrset.key]
            hosted.index.remove(rrset.key)
        for rrset in change.additions:
            zone.rrsets[rrset.key] = rrset
            hosted.index.add(rrset.key)
        zone.journal.append(JournalEntry(self._monotonic(), change.deletions, change.additions))
        hosted.changes.append(change)

    def policy(self, resource: str, *, ago: float = 0.0) -> Policy:
        """The policy as it is, or as it was some seconds ago (by this process: a restart forgets what was)."""
        former = self._policy_log.some_time_ago(resource, ago) if ago else None
        return former or self._policies.get(resource, Policy())

    def set_policy(self, resource: str, policy: Policy) -> None:
        if self._archive is not None:
            self._archive.save_policy(resource, policy)
        self._policy_log.supersede(resource, self.policy(resource))
        self._policies[resource] = policy

    def service_account_key(self, key_id: str) -> ServiceAccountKey | None:
        return self._keys.get(key_id)

    def add_service_account_key(self, key: ServiceAccountKey) -> None:
        if self._archive is not None:
            self._archive.save_service_account_key(key)
        self._keys[key.id] = key

    def reset(self) -> None:
        """Forget everything, on disk too. The name servers forget it at once as well."""
        if self._archive is not None:
            self._archive.clear()
        self._zones.clear()
        self._ids.clear()
        self._served.clear()
        self._deleted.clear()
        self._policies.clear()
        self._policy_log.clear()
        self._keys.clear()

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
