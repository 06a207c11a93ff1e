"""The names that a manifest covers, written as rank ranges a role plus explicit names.

Ten thousand workers are `worker=0-9989`: that is what lets a claim fit into one small TXT rrset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from mldns.exceptions import InvalidInput
from mldns.naming import absolute, is_role, relative, worker_name
from mldns.plan import natural
from mldns.records import Key
from mldns.reverse_names import TREES, Address, address_of, names_of_range, ranges

EXPLICIT = "name"
"""The key of an explicit name; `name=master.job/A`."""

RESERVED = frozenset({EXPLICIT, "v", "claimant", "lease", "generation", "expires", "grant", "digest"})
"""Keys of a manifest that no role may be mistaken for: workers of such a role are listed as explicit names."""

MAX_NAMES = 100_000
"""Ten times what a zone holds: a manifest that claims more is damaged, and must not exhaust memory."""

# Octets: with a role of up to 63 letters, "/AAAA=" and a mark an item stays below the 255 of a TXT string.
_RANGES_ROOM = 170
_RANGES = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*")


# Every batch of an apply writes the manifest anew, mostly with the same ten thousand names.
@lru_cache(maxsize=4)
def to_items(keys: frozenset[Key], *, owner: str, dns_name: str) -> tuple[str, ...]:
    """Return items for the keys, in a fixed order: `worker=0-3`, `worker/AAAA=4,6`, `name=master.job/A`.

    The PTR names of addresses are ranges, too: `in-addr.arpa=10.0.0.7-10.0.0.9`.
    """
    suffix = f".{owner}.{dns_name}"
    ranks: dict[tuple[str, str], list[int]] = {}
    explicit: list[Key] = []
    addresses: dict[str, list[Address]] = {}
    for name, kind in keys:
        if kind == "PTR" and (address := address_of(name)):
            addresses.setdefault(TREES[address.version == 6], []).append(address)
            continue
        role, dash, rank = name.removesuffix(suffix).rpartition("-")
        ranked = dash and rank.isdecimal() and (rank == "0" or rank[0] != "0")
        if ranked and kind in ("A", "AAAA") and name.endswith(suffix):
            ranks.setdefault((role, kind), []).append(int(rank))
        else:
            explicit.append((name, kind))
    lines: dict[str, Iterator[str]] = {}
    for (role, kind), found in ranks.items():
        if is_role(role) and role not in RESERVED:
            lines[role if kind == "A" else f"{role}/{kind}"] = _wrap(_ranges(sorted(found)))
        else:
            explicit += [(f"{role}-{rank}{suffix}", kind) for rank in found]
    lines |= {tree: _wrap(ranges(found)) for tree, found in addresses.items()}
    items = [f"{heading}={line}" for heading in sorted(lines) for line in lines[heading]]
    items += [f"{EXPLICIT}={relative(name, dns_name)}/{kind}" for name, kind in sorted(explicit, key=natural)]
    return tuple(items)


def from_item(item: str, *, owner: str, dns_name: str) -> Iterator[Key]:
    """Yield the keys of one item, or raise InvalidInput when it is none."""
    heading, _, value = item.partition("=")
    if heading == EXPLICIT:
        name, _, kind = value.rpartition("/")
        if not name or not kind.isupper():
            raise InvalidInput(f"{item!r} is not name=NAME/TYPE")
        yield (dns_name if name == "@" else absolute(f"{name}.{dns_name}"), kind)
        return
    if heading in TREES:
        for text in value.split(","):
            yield from ((name, "PTR") for name in names_of_range(heading, text, MAX_NAMES))
        return
    role, _, kind = heading.partition("/")
    if not _RANGES.fullmatch(value):
        raise InvalidInput(f"{item!r} is not ROLE=RANKS")
    for part in value.split(","):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if high - low >= MAX_NAMES:
            raise InvalidInput(f"{item!r} covers more than {MAX_NAMES:,} names")
        # The role is validated once; a range of 10,000 names then costs string joins only.
        prefix, suffix = worker_name(role, 0, owner, dns_name).split("-0.", 1)
        yield from ((f"{prefix}-{rank}.{suffix}", kind or "A") for rank in range(low, high + 1))


def _ranges(ranks: list[int]) -> Iterator[str]:
    start = previous = ranks[0]
    for rank in [*ranks[1:], None]:
        if rank is not None and rank <= previous + 1:
            previous = rank
            continue
        yield str(start) if start == previous else f"{start}-{previous}"
        if rank is not None:
            start = previous = rank


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
