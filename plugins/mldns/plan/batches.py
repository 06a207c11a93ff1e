"""Packing a plan's edits into changes that the API accepts: a name is never split, none is ever dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from mldns.exceptions import InvalidInput
from mldns.plan.plan import Plan
from mldns.records.rrset import RRset


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a change and a zone; the defaults are Google's documented ones.

    :param rrdata_bytes: of all additions and deletions of a change, in presentation format.
    :param elements: rrdatas of all additions and deletions of a change together, where the cloud counts them.
    :param manifest_bytes: of one TXT rrset, without the quotes.
    :param atomic: whether a change of several rrsets is applied as a whole or not at all.
    """

    additions: int = 1_000
    deletions: int = 1_000
    rrdata_bytes: int = 100_000
    rrsets_per_zone: int = 10_000
    rrdatas_per_rrset: int = 100
    elements: int | None = None
    manifest_bytes: int = 4_096
    atomic: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One atomic change. The API applies deletions first, so delete + add of a key is a replacement."""

    additions: tuple[RRset, ...] = ()
    deletions: tuple[RRset, ...] = ()

    @property
    def rrdata_bytes(self) -> int:
        """Octets as sent: presentation format, the larger of the two readings of Google's limit."""
        return sum(len(item.encode()) for rrset in (*self.additions, *self.deletions) for item in rrset.rrdatas)

    def __add__(self, other: Change) -> Change:
        return Change(self.additions + other.additions, self.deletions + other.deletions)


def edits(plan: Plan) -> Iterator[Change]:
    """The plan as one edit a name: unwanted names go first (they make room), then replacements, then creations."""
    rrsets = chain(plan.deletes, (pair.after for pair in plan.replaces), plan.creates)
    shared = {name for name, times in Counter(rrset.name for rrset in rrsets).items() if times > 1}
    # Names with several rrsets that change are few. The rest is made one at a time: ten thousand changes alive at once
    # would keep the garbage collector busy.
    joined: dict[str, Change] = {}
    for name, edit in _single_edits(plan) if shared else ():
        if name in shared:
            joined[name] = joined.get(name, Change()) + edit
    for name, edit in _single_edits(plan):
        if name not in shared:
            yield edit
        elif name in joined:
            yield joined.pop(name)


def _single_edits(plan: Plan) -> Iterator[tuple[str, Change]]:
    yield from ((item.name, Change(deletions=(item,))) for item in plan.deletes)
    yield from ((pair.after.name, Change((pair.after,), (pair.before,))) for pair in plan.replaces)
    yield from ((item.name, Change((item,))) for item in plan.creates)


def pack(items: Iterable[Change], limits: Limits, *, reserved_bytes: int) -> Iterator[Change]:
    """Yield changes that hold the edits in order, each with room for the manifest's swap.

    :param reserved_bytes: rrdata octets kept free for the manifest (its old and its new form), beside one addition
        and one deletion.
    :raises InvalidInput: a single edit that no change can hold.
    """
    room = Limits(limits.additions - 1, limits.deletions - 1, limits.rrdata_bytes - reserved_bytes)
    additions: list[RRset] = []
    deletions: list[RRset] = []
    size = 0
    for item in items:
        more = item.rrdata_bytes
        if not _fits(len(item.additions), len(item.deletions), more, room):
            name = (item.additions or item.deletions)[0].name
            raise InvalidInput(
                f"record {name} alone takes {more:,} bytes of rrdata: a change holds {room.rrdata_bytes:,}"
            )
        if not _fits(len(additions) + len(item.additions), len(deletions) + len(item.deletions), size + more, room):
            yield Change(tuple(additions), tuple(deletions))
            additions, deletions, size = [], [], 0
        additions += item.additions
        deletions += item.deletions
        size += more
    if additions or deletions:
        yield Change(tuple(additions), tuple(deletions))


def _fits(additions: int, deletions: int, size: int, room: Limits) -> bool:
    return additions <= room.additions and deletions <= room.deletions and size <= room.rrdata_bytes
