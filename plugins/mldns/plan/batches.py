"""Packing a plan's edits into changes that the API accepts: a name is never split, none is ever dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from mldns.exceptions import InvalidInput
from mldns.plan.plan import Plan
from mldns.records.rrset import RRset


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a change and a zone; the defaults are Google's documented ones.

    :param rrdata_bytes: of all additions and deletions of a change, in presentation format.
    :param elements: rrdatas of all additions and deletions of a change together, where the cloud counts them.
    :param manifest_bytes: of a manifest as it is sent, quotes included, where the cloud wants it smaller than mldns.
    :param atomic: whether a change of several rrsets is applied as a whole or not at all.
    """

    additions: int = 1_000
    deletions: int = 1_000
    rrdata_bytes: int = 100_000
    rrsets_per_zone: int = 10_000
    rrdatas_per_rrset: int = 100
    elements: int | None = None
    manifest_bytes: int | None = None
    atomic: bool = True

    def hold(self, additions: int, deletions: int, rrdata_bytes: int, elements: int) -> bool:
        """Return whether a change of this size is accepted.

        :param additions: how many rrsets it adds.
        :param deletions: how many rrsets it deletes.
        :param rrdata_bytes: of both together, as of the class.
        :param elements: rrdatas of both together.
        """
        if self.elements is not None and elements > self.elements:
            return False
        return additions <= self.additions and deletions <= self.deletions and rrdata_bytes <= self.rrdata_bytes


@dataclass(frozen=True, slots=True)
class Change:
    """One atomic change. The API applies deletions first, so delete + add of a key is a replacement."""

    additions: tuple[RRset, ...] = ()
    deletions: tuple[RRset, ...] = ()

    @property
    def rrdata_bytes(self) -> int:
        """Octets as sent: presentation format, the larger of the two readings of Google's limit."""
        return sum(len(item.encode()) for rrset in (*self.additions, *self.deletions) for item in rrset.rrdatas)

    @property
    def elements(self) -> int:
        """How many rrdatas it adds and deletes."""
        return sum(len(rrset.rrdatas) for rrset in (*self.additions, *self.deletions))

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


def pack(items: Iterable[Change], limits: Limits, *, swap_bytes: int) -> Iterator[Change]:
    """Yield changes that hold the edits in order, each with room for the manifest's swap.

    :param swap_bytes: rrdata kept free for the manifest's old and new form, beside an addition and a deletion.
    :raises InvalidInput: a single edit that no change can hold.
    """
    room = replace(
        limits,
        additions=limits.additions - 1,
        deletions=limits.deletions - 1,
        rrdata_bytes=limits.rrdata_bytes - swap_bytes,
        elements=None if limits.elements is None else limits.elements - 2,
    )
    additions: list[RRset] = []
    deletions: list[RRset] = []
    size = elements = 0
    for item in items:
        more, more_elements = item.rrdata_bytes, item.elements
        if not room.hold(len(item.additions), len(item.deletions), more, more_elements):
            name = (item.additions or item.deletions)[0].name
            raise InvalidInput(
                f"record {name} alone takes {more:,} bytes in {more_elements:,} rrdatas: a change holds "
                f"{room.rrdata_bytes:,}" + ("" if room.elements is None else f" in {room.elements:,}")
            )
        counts = len(additions) + len(item.additions), len(deletions) + len(item.deletions)
        if not room.hold(*counts, size + more, elements + more_elements):
            yield Change(tuple(additions), tuple(deletions))
            additions, deletions, size, elements = [], [], 0, 0
        additions += item.additions
        deletions += item.deletions
        size += more
        elements += more_elements
    if additions or deletions:
        yield Change(tuple(additions), tuple(deletions))
