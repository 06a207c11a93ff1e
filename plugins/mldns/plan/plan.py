"""The difference between what a zone holds and what an owner wants, as data that can be read before it is applied.

What happens to a wanted rrset, by what stands in the zone (`ours`: the owner's manifest covers it and it was written):

    in the zone      create-only   upsert-only   sync
    ---------------  ------------  ------------  ------------
    nothing          create        create        create
    ours, the same   unchanged     unchanged     unchanged
    ours, another    skipped       replace       replace
    not ours         conflict      conflict      conflict
    ours, unwanted   -             -             delete

What would be created, replaced or deleted, but is another job's by its manifest, is not ours: a conflict where it is
wanted, left alone where it is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mldns.exceptions import Conflict, InvalidInput
from mldns.messages import shorten
from mldns.records.names import Key, natural
from mldns.records.rrset import RRset, same

POLICIES = ("create-only", "upsert-only", "sync")
DEFAULT_POLICY = "upsert-only"

_SAMPLE = 5
_ROUTED = "a routing policy answers there, which mldns does not write: delete it or give the name plain data by hand"


@dataclass(frozen=True, slots=True)
class Replace:
    """One rrset that changes: `before` exactly as listed, `after` as wanted."""

    before: RRset
    after: RRset


@dataclass(frozen=True, slots=True)
class Room:
    """How full a zone will be: `rrsets` once the plan is applied, of at most `limit` by the project's quota."""

    rrsets: int
    limit: int

    @property
    def headroom(self) -> int:
        """How many more fit; below 0 how many are too many."""
        return self.limit - self.rrsets

    def to_json(self) -> dict[str, int]:
        return {"rrsets": self.rrsets, "limit": self.limit, "headroom": self.headroom}

    def __str__(self) -> str:
        left = f"{self.headroom:,} left" if self.headroom >= 0 else f"{-self.headroom:,} too many"
        return f"{self.rrsets:,} of {self.limit:,} record sets once applied, {left}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an apply would do. Every tuple is in natural order of names (worker-2 before worker-10).

    `room` is known where the whole zone was listed, else None.
    """

    creates: tuple[RRset, ...] = ()
    replaces: tuple[Replace, ...] = ()
    deletes: tuple[RRset, ...] = ()
    unchanged: tuple[RRset, ...] = ()
    skipped: tuple[RRset, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    room: Room | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.creates or self.replaces or self.deletes)

    @property
    def digest(self) -> str:
        """16 hex digits over everything that would be written: equal digests write the same."""
        edits = [(sign, rrset.name, rrset.type, rrset.ttl, rrset.rrdatas) for sign, rrset in self._edits()]
        return hashlib.sha256(json.dumps(edits).encode()).hexdigest()[:16]

    def counts(self) -> dict[str, int]:
        """How many rrsets fall under each heading."""
        return {heading: len(getattr(self, heading)) for heading in self.__slots__ if heading != "room"}

    def names(self) -> list[str]:
        """The names that would be written, in order."""
        return list(dict.fromkeys(rrset.name for _, rrset in self._writes()))

    def summary(self) -> str:
        """One log line: the counts and the first names."""
        counts = ", ".join(f"{count:,} {heading}" for heading, count in self.counts().items() if count)
        names = self.names()
        return (counts or "nothing to do") + (f": {shorten(names, _SAMPLE)}" if names else "")

    def to_json(self, *, full: bool = False) -> dict[str, Any]:
        """Counts, digest, room, first names and first conflicts; with `full` all, and every rrset as in the API."""
        view: dict[str, Any] = {
            "counts": self.counts(),
            "digest": self.digest,
            "names": self.names()[:_SAMPLE],
            "conflicts": [conflict.to_json() for conflict in self.conflicts[:_SAMPLE]],
            "room": self.room.to_json() if self.room else None,
        }
        if full:
            view |= {
                "creates": [rrset.to_api() for rrset in self.creates],
                "replaces": [{"before": item.before.to_api(), "after": item.after.to_api()} for item in self.replaces],
                "deletes": [rrset.to_api() for rrset in self.deletes],
                "unchanged": [rrset.to_api() for rrset in self.unchanged],
                "skipped": [rrset.to_api() for rrset in self.skipped],
                "conflicts": [conflict.to_json() for conflict in self.conflicts],
            }
        return view

    def table(self, limit: int = 20) -> str:
        """The plan for a person: `+` create, `~` replace, `-` delete, `!` conflict, `=` the zone's room.

        At most `limit` lines of the first four; what stays as it is comes as a count.
        """
        lines = [f"{sign} {_line(rrset)}" for sign, rrset in self._writes()]
        lines += [f"! {conflict}" for conflict in self.conflicts]
        if len(lines) > limit:
            lines = [*lines[:limit], f"  … and {len(lines) - limit:,} more"]
        lines = lines or ["  nothing to do"]
        if kept := len(self.unchanged) + len(self.skipped):
            lines.append(f"  {kept:,} stay as they are")
        if self.room:
            lines.append(f"= {self.room}")
        return "\n".join(lines)

    def _edits(self) -> Iterator[tuple[str, RRset]]:
        yield from (("+", rrset) for rrset in self.creates)
        for item in self.replaces:
            yield "<", item.before
            yield ">", item.after
        yield from (("-", rrset) for rrset in self.deletes)

    def _writes(self) -> Iterator[tuple[str, RRset]]:
        yield from (("+", rrset) for rrset in self.creates)
        yield from (("~", item.after) for item in self.replaces)
        yield from (("-", rrset) for rrset in self.deletes)


def compute_plan(
    *,
    current: Iterable[RRset],
    desired: Iterable[RRset],
    owned: Callable[[Key], bool],
    owner_of: Callable[[Key], str | None],
    rival_of: Callable[[Key], str | None] = lambda _: None,
    policy: str = DEFAULT_POLICY,
    adopt: bool = False,
) -> Plan:
    """Return the plan that turns `current` into `desired` for what is owned.

    :param current: what the zone holds at the names in question, as listed; the owner's manifest left out.
    :param owned: whether the owner's manifest covers a key and says that it was written.
    :param owner_of: whose a key is, asked only for conflicts; None where nothing tells.
    :param rival_of: the other job that has claimed or written a key, asked only for what would be touched; else None.
    :param adopt: a record that nobody owns and that already says what is wanted becomes ours instead of a conflict.
    """
    parse_policy(policy)
    listed = {rrset.key: rrset for rrset in current}
    wanted = {rrset.key: rrset for rrset in desired}
    differ = _Differ(listed, owned, owner_of, rival_of, policy, adopt)
    for key in sorted(wanted, key=natural):
        differ.decide(wanted[key])
    if policy == "sync":
        differ.deletes |= {key: rrset for key, rrset in listed.items() if key not in wanted and differ.ours(key)}
    return differ.plan()


def parse_policy(policy: str) -> str:
    """One of `POLICIES`, or InvalidInput."""
    if policy not in POLICIES:
        raise InvalidInput(f"unknown policy {policy!r}: choose one of {', '.join(POLICIES)}")
    return policy


@dataclass(slots=True)
class _Differ:
    """Decides one wanted rrset after the other and collects what that means for the zone."""

    listed: Mapping[Key, RRset]
    owned: Callable[[Key], bool]
    owner_of: Callable[[Key], str | None]
    rival_of: Callable[[Key], str | None]
    policy: str
    adopt: bool
    types: dict[str, set[str]] = field(default_factory=dict)
    creates: list[RRset] = field(default_factory=list)
    replaces: list[Replace] = field(default_factory=list)
    deletes: dict[Key, RRset] = field(default_factory=dict)
    unchanged: list[RRset] = field(default_factory=list)
    skipped: list[RRset] = field(default_factory=list)
    conflicts: dict[Key, Conflict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in self.listed:
            self.types.setdefault(name, set()).add(kind)

    def decide(self, rrset: RRset) -> None:
        """Sort one wanted rrset under its heading (the table of this module)."""
        before = self.listed.get(rrset.key)
        if before is None:
            if rival := self.rival_of(rrset.key):
                self.conflicts[rrset.key] = Conflict(rrset.name, rrset.type, rival)
            elif self._make_room(rrset):
                self.creates.append(rrset)
        elif not self.owned(rrset.key):
            if self.adopt and same(before, rrset) and self.owner_of(rrset.key) is None:
                self.unchanged.append(before)
            else:
                self._refuse(before)
        elif same(before, rrset):
            self.unchanged.append(before)
        elif self.policy == "create-only":
            self.skipped.append(before)
        elif not self.ours(rrset.key):
            self._refuse(before)
        else:
            self.replaces.append(Replace(before, rrset))

    def ours(self, key: Key) -> bool:
        """Whether a listed rrset may be replaced or deleted."""
        return self.owned(key) and not self.listed[key].routed and self.rival_of(key) is None

    def plan(self) -> Plan:
        return Plan(
            creates=tuple(self.creates),
            replaces=tuple(self.replaces),
            deletes=tuple(self.deletes[key] for key in sorted(self.deletes, key=natural)),
            unchanged=tuple(self.unchanged),
            skipped=tuple(self.skipped),
            conflicts=tuple(self.conflicts.values()),
        )

    def _make_room(self, rrset: RRset) -> bool:
        """Whether nothing stands at the name that a CNAME cannot stand beside; own records there are deleted."""
        others = self.types.get(rrset.name, set()) - {rrset.type}
        clashes = [self.listed[rrset.name, kind] for kind in sorted(others) if "CNAME" in (kind, rrset.type)]
        foreign = [found for found in clashes if not self.ours(found.key)]
        for found in foreign:
            self._refuse(found)
        if clashes and not foreign and self.policy == "create-only":
            self.skipped.append(rrset)
            return False
        self.deletes |= {found.key: found for found in clashes if not foreign}
        return not foreign

    def _refuse(self, found: RRset) -> None:
        owner = self.rival_of(found.key)
        if owner is None and not self.owned(found.key):
            owner = self.owner_of(found.key)
        why = _ROUTED if found.routed else ""
        self.conflicts[found.key] = Conflict(found.name, found.type, owner, found.rrdatas, why)


def _line(rrset: RRset) -> str:
    return f"{rrset.name} {rrset.ttl} {rrset.type} {shorten(rrset.rrdatas, 3)}"
