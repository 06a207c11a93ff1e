"""What an apply would do to a zone, as data that can be read, shown and agreed to before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mldns.exceptions import Conflict, InvalidInput
from mldns.messages import shorten
from mldns.records.rrset import RRset

POLICIES = ("create-only", "upsert-only", "sync")
DEFAULT_POLICY = "upsert-only"

_SAMPLE = 5


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


def parse_policy(policy: str) -> str:
    """One of `POLICIES`, or InvalidInput."""
    if policy not in POLICIES:
        raise InvalidInput(f"unknown policy {policy!r}: choose one of {', '.join(POLICIES)}")
    return policy


def _line(rrset: RRset) -> str:
    return f"{rrset.name} {rrset.ttl} {rrset.type} {shorten(rrset.rrdatas, 3)}"
