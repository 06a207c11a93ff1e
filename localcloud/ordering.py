"""The order in which a zone lists its record sets: canonical DNS order, then type, the apex NS and SOA first.

`CanonicalIndex` follows a zone edit by edit. Edits cost their own size; the sort is done on the next read, over a list
that is already nearly sorted, so that registering 10,000 names in batches stays linear.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from localcloud.model import RRsetKey

_APEX_FIRST = frozenset({"NS", "SOA"})


class Entry(NamedTuple):
    """One record set in the order; tuples of it compare as the server lists them."""

    labels: tuple[str, ...]
    rank: int
    type: str
    name: str

    @property
    def key(self) -> RRsetKey:
        return RRsetKey(self.name, self.type)


def reversed_labels(name: str) -> tuple[str, ...]:
    """Labels from the root down (RFC 4034 section 6.1). Names are unescaped lower case: text sorts as octets do."""
    return tuple(reversed(name.rstrip(".").split(".")))


class CanonicalIndex:
    """The keys of one zone in listing order, and the types at each name."""

    def __init__(self, apex: str) -> None:
        self._apex = apex
        self._types: dict[str, set[str]] = {}
        self._sorted: list[Entry] = []
        self._added: set[Entry] = set()
        self._removed: set[Entry] = set()

    def entry(self, key: RRsetKey) -> Entry:
        """Where `key` stands in the order, whether or not the zone has it."""
        rank = 0 if key.name == self._apex and key.type in _APEX_FIRST else 1
        return Entry(reversed_labels(key.name), rank, key.type, key.name)

    def add(self, key: RRsetKey) -> None:
        entry = self.entry(key)
        if entry in self._removed:
            self._removed.remove(entry)
        else:
            self._added.add(entry)
        self._types.setdefault(key.name, set()).add(key.type)

    def remove(self, key: RRsetKey) -> None:
        entry = self.entry(key)
        if entry in self._added:
            self._added.remove(entry)
        else:
            self._removed.add(entry)
        types = self._types[key.name]
        types.discard(key.type)
        if not types:
            del self._types[key.name]

    def types_at(self, name: str) -> AbstractSet[str]:
        return self._types.get(name, frozenset())

    def entries(self) -> list[Entry]:
        """All entries in order. The list is the index's own: read it, never keep it across an edit."""
        if self._removed:
            self._sorted = [entry for entry in self._sorted if entry not in self._removed]
            self._removed.clear()
        if self._added:
            self._sorted.extend(self._added)
            self._sorted.sort()
            self._added.clear()
        return self._sorted

    def span(self, suffix: str) -> tuple[int, int]:
        """Positions `[start, stop)` of `suffix` and everything below it, which stand side by side in this order."""
        labels = reversed_labels(suffix)
        entries = self.entries()
        start = bisect_left(entries, labels, key=lambda entry: entry.labels)
        stop = bisect_right(entries, labels, key=lambda entry: entry.labels[: len(labels)])
        return start, stop

    def position_after(self, key: RRsetKey) -> int:
        """Position of the first entry behind `key`, also when `key` has been deleted meanwhile."""
        return bisect_right(self.entries(), self.entry(key))
