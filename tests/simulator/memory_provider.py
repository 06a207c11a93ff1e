"""A DNS provider in memory by the rules of clouds: atomic changes, exact deletions, limits, policies with etags.

All that it holds is one immutable `World`. Whoever keeps a world can come back to it, so that a test may try one thing
after the other from the same state. A list is one call here, as it is for any job that fits on one page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mldns.exceptions import QuotaShort, ZoneNotEmpty, ZoneNotFound
from mldns.iam.policy import IamPolicy
from mldns.plan.batches import Change, Limits
from mldns.providers.base import OUR_LABEL, ChangeRef, ChangeStatus, Zone, ZoneSpec
from mldns.providers.errors import AlreadyExists, Call, PolicyMoved, ZoneMoved
from mldns.providers.retry import RetryPolicy
from mldns.records.names import Key, in_zone
from mldns.records.rrset import RRset

Records = Mapping[Key, RRset]


@dataclass(frozen=True)
class World:
    """What stands in the cloud: by zone its rrsets and its changes, the newest last; by resource its policy as JSON."""

    zones: Mapping[str, Zone] = field(default_factory=dict)
    rrsets: Mapping[str, Records] = field(default_factory=dict)
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A change that the zone as it is does not allow: `keys` say where."""

    def __init__(self, *keys: Key) -> None:
        self.keys = keys
        super().__init__(keys)


def applied(records: Records, change: Change) -> Records:
    """The records after a change: deletions must be exact, additions must be free, and all of it happens or nothing."""
    after = dict(records)
    for rrset in change.deletions:
        if after.pop(rrset.key, None) != rrset:
            raise Refused(rrset.key)
    for rrset in change.additions:
        if rrset.key in after:
            raise Refused(rrset.key)
        after[rrset.key] = rrset
    aliases = {name for name, kind in after if kind == "CNAME"}
    if clashes := [key for key in after if key[0] in aliases and key[1] != "CNAME"]:
        raise Refused(*clashes)
    if not (change.additions or change.deletions):
        raise Refused
    return after


class MemoryProvider:
    """`mldns.providers.base.DnsProvider` over a `World`.

    :param limits: those of every zone; a change or a zone above them is refused.
    :param polls: how often a change is `pending` when somebody asks.
    """

    project = "memory"

    def __init__(self, *zones: Zone, limits: Limits | None = None, polls: int = 0) -> None:
        self.documented = limits or Limits()
        self.retry = RetryPolicy(attempts=1)
        self.world = World()
        self._polls, self._asked = polls, dict[str, int]()
        for zone in zones:
            self._put(zone)

    def find_zone(self, name: str) -> Zone | None:
        return self.world.zones.get(name)

    def list_zones(self, *, dns_name: str | None = None) -> list[Zone]:
        return [zone for zone in self.world.zones.values() if dns_name in (None, zone.dns_name)]

    def create_zone(self, spec: ZoneSpec) -> Zone:
        if spec.name in self.world.zones:
            raise AlreadyExists(Call("zones.create", self.project), status=409, reason="exists", message=spec.name)
        labels = dict([*spec.labels.items(), OUR_LABEL])
        return self._put(Zone(spec.name, spec.dns_name, spec.visibility, networks=spec.networks, labels=labels))

    def delete_zone(self, zone: Zone) -> bool:
        if any(key != (zone.dns_name, "NS") for key in self.world.rrsets.get(zone.name, ())):
            raise ZoneNotEmpty(zone.name)
        kept = {name: found for name, found in self.world.zones.items() if name != zone.name}
        gone = len(kept) < len(self.world.zones)
        self.world = replace(self.world, zones=kept)
        return gone

    def limits(self, zone: Zone) -> Limits:
        return self.documented

    def rrsets(
        self, zone: Zone, *, below: str | None = None, name: str | None = None, type: str | None = None
    ) -> Iterator[RRset]:
        for rrset in sorted(self._records(zone).values(), key=lambda rrset: rrset.key):
            wanted = in_zone(rrset.name, below) if below else name in (None, rrset.name)
            if wanted and type in (None, rrset.type):
                yield rrset

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        call, limits = Call("changes.create", self.project, zone.name), self.documented
        try:
            after = applied(self._records(zone), change)
        except Refused as refused:
            raise ZoneMoved(f"{call}: moved", keys=refused.keys) from None
        elements = sum(len(rrset.rrdatas) for rrset in (*change.additions, *change.deletions))
        sizes = (len(change.additions), len(change.deletions), change.rrdata_bytes, elements, len(after))
        most = (limits.additions, limits.deletions, limits.rrdata_bytes, limits.elements, limits.rrsets_per_zone)
        if any(limit is not None and size > limit for size, limit in zip(sizes, most, strict=True)):
            raise QuotaShort(f"{call}: {sizes} of {most}")
        changes = (*self.world.changes[zone.name], change)
        self.world = replace(
            self.world,
            rrsets={**self.world.rrsets, zone.name: after},
            changes={**self.world.changes, zone.name: changes},
        )
        return self._ref(len(changes))

    def status(self, zone: Zone, change_id: str) -> ChangeStatus:
        self._asked[change_id] = self._asked.get(change_id, 0) + 1
        return ChangeStatus.PENDING if self._asked[change_id] <= self._polls else ChangeStatus.DONE

    def find_change(self, zone: Zone, change: Change | None = None) -> ChangeRef | None:
        changes = self.world.changes[zone.name]
        found = (n for n in range(len(changes), 0, -1) if change is None or changes[n - 1] == change)
        return next(map(self._ref, found), None)

    def policy(self, resource: str) -> MemoryPolicy:
        """The IAM policy of a resource, such as a zone's name."""
        return MemoryPolicy(self, resource)

    def _records(self, zone: Zone) -> Records:
        if zone.name not in self.world.zones:
            raise ZoneNotFound(zone.name, self.project)
        return self.world.rrsets[zone.name]

    def _put(self, zone: Zone) -> Zone:
        apex = RRset(zone.dns_name, "NS", 21_600, ("ns.example.",))
        self.world = World(
            {**self.world.zones, zone.name: zone},
            {**self.world.rrsets, zone.name: {apex.key: apex}},
            {**self.world.changes, zone.name: ()},
            self.world.policies,
        )
        return zone

    def _ref(self, number: int) -> ChangeRef:
        return ChangeRef(str(number), ChangeStatus.PENDING if self._polls else ChangeStatus.DONE)


@dataclass(frozen=True)
class MemoryPolicy:
    """One resource's IAM policy: each write must come with the etag that stands, and gives it another one."""

    provider: MemoryProvider
    resource: str

    def read(self) -> IamPolicy:
        empty = '{"version": 1, "etag": "0", "bindings": []}'
        return dict(json.loads(self.provider.world.policies.get(self.resource, empty)))

    def write(self, policy: IamPolicy) -> None:
        if policy.get("etag") != (now := self.read()["etag"]):
            call = Call("setIamPolicy", self.provider.project, self.resource)
            raise PolicyMoved(call, status=409, reason="aborted", message=f"etag {now}")
        text = json.dumps({**policy, "etag": str(int(now) + 1)})
        self.provider.world = replace(
            self.provider.world, policies={**self.provider.world.policies, self.resource: text}
        )

    def test(self, permissions: Sequence[str]) -> list[str]:
        return list(permissions)
