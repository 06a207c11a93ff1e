"""The names that a manifest covers, written as rank ranges a role plus explicit names.

Ten thousand workers are `worker=0-9989`: that is what lets a claim fit into one small TXT rrset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mldns.exceptions import InvalidInput
from mldns.records.addresses import TREES, address_of, address_text, names_of_range, parse_range
from mldns.records.names import Key, absolute, is_role, natural, relative, worker_name

EXPLICIT = "name"
"""The key of an explicit name; `name=master.job/A`."""

RESERVED = frozenset({EXPLICIT, "v", "claimant", "lease", "generation", "expires", "grant", "digest"})
"""Keys of a manifest that no role may be mistaken for: workers of such a role are listed as explicit names."""

MAX_NAMES = 100_000
"""Ten times what a zone holds: all manifests of a zone together cover no more, or they would exhaust memory."""

# Octets: with a role of up to 63 letters, "/AAAA=" and a mark an item stays below the 255 of a TXT string.
_RANGES_ROOM = 170
_RANGES = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*")


class NameSet:
    """A set of names that is written as items, and stays cheap to write while names come and go batch by batch.

    What is added or removed costs its own size and that of the ranges, not the size of the set.
    """

    def __init__(self, keys: Iterable[Key] = (), *, owner: str, dns_name: str) -> None:
        self._dns_name, self._suffix = dns_name, f".{owner}.{dns_name}"
        self._numbered: dict[str, list[Span]] = {}
        self._explicit: set[Key] = set()
        self.add(keys)

    def add(self, keys: Iterable[Key]) -> None:
        """Take keys in; those that are there stay."""
        numbers, explicit = self._sorted(keys)
        for heading, found in numbers.items():
            self._numbered[heading] = union(self._numbered.get(heading, []), spans_of(found))
        self._explicit.update(explicit)

    def discard(self, keys: Iterable[Key]) -> None:
        """Leave keys out; those that are not there do not matter."""
        numbers, explicit = self._sorted(keys)
        for heading, found in numbers.items():
            self._numbered[heading] = difference(self._numbered.get(heading, []), spans_of(found))
        self._explicit.difference_update(explicit)

    def items(self) -> tuple[str, ...]:
        """The set in a fixed order: `worker=0-3`, `worker/AAAA=4,6`, `name=master.job/A`.

        The PTR names of addresses are ranges, too: `in-addr.arpa=10.0.0.7-10.0.0.9`.
        """
        numbered = (
            f"{heading}={line}"
            for heading in sorted(self._numbered)
            for line in _wrap(_texts(heading, self._numbered[heading]))
        )
        explicit = sorted(self._explicit, key=natural)
        named = (f"{EXPLICIT}={relative(name, self._dns_name)}/{kind}" for name, kind in explicit)
        return (*numbered, *named)

    def _sorted(self, keys: Iterable[Key]) -> tuple[dict[str, list[int]], list[Key]]:
        """The numbers under each heading, and what can only be listed by name."""
        numbers: dict[str, list[int]] = {}
        explicit: list[Key] = []
        headings: dict[Key, str | None] = {}
        for key in keys:
            name, kind = key
            heading, number = None, 0
            if kind in ("A", "AAAA") and name.endswith(self._suffix):
                role, _, rank = name[: -len(self._suffix)].rpartition("-")
                if rank.isdecimal() and (rank == "0" or rank[0] != "0"):
                    if (role, kind) not in headings:
                        headings[role, kind] = _heading(role, kind)
                    heading, number = headings[role, kind], int(rank)
            elif kind == "PTR" and (address := address_of(name)):
                heading, number = TREES[address.version == 6], int(address)
            if heading is None:
                explicit.append(key)
            else:
                numbers.setdefault(heading, []).append(number)
        return numbers, explicit


def to_items(keys: Iterable[Key], *, owner: str, dns_name: str) -> tuple[str, ...]:
    """The items of a set of keys (`NameSet.items`).

    :param owner: whose workers are written as ranges.
    :param dns_name: of the zone; other names are written relative to it.
    """
    return NameSet(keys, owner=owner, dns_name=dns_name).items()


def size_of(item: str) -> int:
    """Return how many names an item stands for, without making them, or raise InvalidInput when it is none."""
    heading, _, value = item.partition("=")
    return 1 if heading == EXPLICIT else sum(high - low + 1 for low, high in _spans(heading, value))


def from_item(item: str, *, owner: str, dns_name: str) -> Iterator[Key]:
    """Yield the keys of one item.

    :param item: such as `worker=0-3,7`.
    :param owner: whose manifest it is in.
    :param dns_name: what the zone serves.
    :raises InvalidInput: it is no item, or stands for more than `MAX_NAMES`.
    """
    heading, _, value = item.partition("=")
    if heading == EXPLICIT:
        name, _, kind = value.rpartition("/")
        if not name or not kind.isupper():
            raise InvalidInput(f"{item!r} is not name=NAME/TYPE")
        yield (dns_name if name == "@" else absolute(f"{name}.{dns_name}"), kind)
        return
    spans = _spans(heading, value)
    if sum(high - low + 1 for low, high in spans) > MAX_NAMES:
        raise InvalidInput(f"{item!r} covers more than {MAX_NAMES:,} names")
    if heading in TREES:
        yield from ((name, "PTR") for low, high in spans for name in names_of_range(heading, low, high))
        return
    role, _, kind = heading.partition("/")
    # The role is validated once; a range of 10,000 names then costs string joins only.
    prefix, suffix = worker_name(role, 0, owner, dns_name).split("-0.", 1)
    for low, high in spans:
        yield from ((f"{prefix}-{rank}.{suffix}", kind or "A") for rank in range(low, high + 1))


def _spans(heading: str, value: str) -> list[Span]:
    """The first and last numbers of an item's ranges."""
    if heading in TREES:
        spans = [parse_range(heading, text) for text in value.split(",")]
    elif _RANGES.fullmatch(value):
        parts = [text.partition("-") for text in value.split(",")]
        spans = [(int(first), int(last or first)) for first, _, last in parts]
    else:
        raise InvalidInput(f"'{heading}={value}' is not ROLE=RANKS")
    if any(high < low for low, high in spans):
        raise InvalidInput(f"'{heading}={value}' has a range whose end comes before its beginning")
    return spans


def _heading(role: str, kind: str) -> str | None:
    """What the ranks of a role stand under; None for what is no role, or reads like another key of the manifest."""
    if not is_role(role) or role in RESERVED:
        return None
    return role if kind == "A" else f"{role}/{kind}"


def _texts(heading: str, spans: Iterable[Span]) -> Iterator[str]:
    text = address_text(heading) if heading in TREES else str
    return (text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in spans)


def _wrap(ranges: Iterable[str]) -> Iterator[str]:
    """Join ranges with commas, a new line before one becomes longer than a TXT string may be."""
    line = ""
    for text in ranges:
        if line and len(line) + 1 + len(text) > _RANGES_ROOM:
            yield line
            line = text
        else:
            line = f"{line},{text}" if line else text
    if line:
        yield line


Span = tuple[int, int]
"""First and last number."""


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """The spans of any numbers, in any order."""
    return joined((number, number) for number in sorted(numbers))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of their first numbers, which may touch or overlap, as a set."""
    merged: list[Span] = []
    first, last = 0, -2
    for low, high in spans:
        if low <= last + 1 and merged:
            last = max(last, high)
            merged[-1] = (first, last)
        else:
            first, last = low, high
            merged.append((low, high))
    return merged


def union(one: list[Span], other: list[Span]) -> list[Span]:
    """What is in either set."""
    return joined(sorted([*one, *other])) if one and other else one or other


def difference(spans: list[Span], gone: list[Span]) -> list[Span]:
    """What is in `spans` and not in `gone`."""
    left: list[Span] = []
    position = 0
    for first, last in spans:
        low = first
        while position < len(gone) and gone[position][0] <= last:
            start, end = gone[position]
            if start > low:
                left.append((low, start - 1))
            low = max(low, end + 1)
            if end > last:
                break  # it may reach into the next span, too
            position += 1
        if low <= last:
            left.append((low, last))
    return left
