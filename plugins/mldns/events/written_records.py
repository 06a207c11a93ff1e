"""Records as an event tells them: small enough for one at ten thousand workers, and which of them still count.

A manifest says which names are a job's, not what they hold. So the task that wrote them tells, in an event of its own,
what a check compares with later, and what a repair writes. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from mldns.events.assets import SCHEMA
from mldns.exceptions import InvalidInput
from mldns.inventory.compact import pack_bytes, unpack_bytes
from mldns.messages import timestamp
from mldns.ownership.manifest import Manifest, matches
from mldns.records.names import Key
from mldns.records.rrset import RRset, same

ROOM = 64_000
"""Characters of packed records in one event. Ten thousand workers take 600 where their addresses are neighbours, 37,000
where they are scattered over a /16 and 55,000 over a /8."""

_MOST_BYTES = 16 << 20
_MOST_RRSETS = 100_000  # ten times what a zone holds
_MOST_CHARACTERS = 64 << 20
_NUMBER = re.compile(r"\d+")
_HOLE = "\0"  # JSON text has no such character


@dataclass(frozen=True, slots=True)
class Told:
    """What one task has written for `job`: all of `rrsets`, under a manifest that had `generation` then."""

    job: str
    claimant: str
    lease: str
    generation: int
    rrsets: tuple[RRset, ...]


def records_event(
    *,
    project: str,
    zone: str,
    job: str,
    claimant: str,
    lease: str,
    generation: int | None,
    rrsets: Collection[RRset],
    now: float,
) -> dict[str, Any]:
    """Return the extra of the event for the records that an upsert wrote; `parse` reads it back.

    :param project: the Google project of the zone.
    :param zone: the managed zone's name.
    :param job: the job's slug.
    :param claimant: under which they were written, in clear.
    :param lease: as the claimant.
    :param generation: of the job's manifest after the upsert.
    :param rrsets: all that were written.
    :param now: Unix seconds.
    """
    packed = pack(rrsets)
    return {
        "schema": SCHEMA,
        "kind": "records",
        "project": project,
        "zone": zone,
        "job": job,
        "claimant": claimant,
        "lease": lease,
        "generation": generation,
        "at": timestamp(now),
        "records": len(rrsets),
        "packed": packed if len(packed) <= ROOM else None,
    }


def pack(rrsets: Iterable[RRset]) -> str:
    """Return rrsets as short text. Their order does not count.

    Each is a template with numbers in it; under one template the numbers are kept as differences, column by column, so
    that what is numbered through costs next to nothing.
    """
    rows: dict[str, list[list[int]]] = {}
    for rrset in sorted(rrsets, key=lambda rrset: (rrset.type, [_number(d) for d in _NUMBER.findall(rrset.name)])):
        text = json.dumps([rrset.name, rrset.type, rrset.ttl, *rrset.rrdatas])
        numbers: list[int] = []
        template = _NUMBER.sub(lambda digits, found=numbers: _taken(digits[0], found), text)  # type: ignore[misc]
        rows.setdefault(template, []).append(numbers)
    columns = {
        template: [_differences(column) for column in zip(*found, strict=True)] for template, found in rows.items()
    }
    counts = [len(found) for found in rows.values()]
    return pack_bytes(json.dumps([list(columns.items()), counts], separators=(",", ":")).encode())


def unpack(text: str) -> tuple[RRset, ...]:
    """Return the rrsets that were packed.

    :raises InvalidInput: nobody packed this.
    """
    try:
        columns, counts = json.loads(unpack_bytes(text, most=_MOST_BYTES))
        _check_size(columns, counts)
        return tuple(
            _rrset(template, numbers)
            for (template, differences), count in zip(columns, counts, strict=True)
            for numbers in _rows([list(accumulate(column)) for column in differences], count)
        )
    except (ValueError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"packed records cannot be read: {error}") from None


def parse(extra: Mapping[str, Any]) -> Told | None:
    """Read an event's extra (`records_event`); None for one that is not ours.

    Without `packed` it tells only whose the lease is: there was no room for the records.
    """
    job, claimant, lease, generation = (extra.get(key) for key in ("job", "claimant", "lease", "generation"))
    if extra.get("kind") != "records" or extra.get("schema") != SCHEMA or not isinstance(job, str):
        return None
    try:
        rrsets = unpack(extra["packed"]) if extra.get("packed") else ()
    except InvalidInput:
        rrsets = ()
    return Told(job, str(claimant or ""), str(lease or ""), generation if isinstance(generation, int) else -1, rrsets)


def of_lease(manifest: Manifest, told: Iterable[Told]) -> list[Told]:
    """What was told of the lease that holds the manifest's names now, in the order given."""
    return [
        one
        for one in told
        if one.job == manifest.owner and matches(manifest.claimant, one.claimant) and matches(manifest.lease, one.lease)
    ]


def known(manifest: Manifest, told: Iterable[Told]) -> dict[Key, RRset]:
    """What a job's records must say, as far as that is certain.

    Nothing was written under this manifest since it had that generation, so what was told then still counts. Where the
    generation has moved on, an upsert may have given the names other addresses, and to restore the old ones would harm.
    Whoever tells another thing of the same generation did not write it: then nothing is certain.
    """
    certain: dict[Key, RRset] = {}
    for one in of_lease(manifest, told):
        if one.generation != manifest.generation:
            continue
        for rrset in one.rrsets:
            if manifest.owns(rrset.key) and not same(certain.setdefault(rrset.key, rrset), rrset):
                return {}
    return {key: rrset for key, rrset in certain.items() if not rrset.routed}


def _taken(digits: str, numbers: list[int]) -> str:
    """A hole for a number that reads back as it was written; others stay where they are."""
    if len(digits) > 15 or (digits[0] == "0" and digits != "0"):
        return digits
    numbers.append(int(digits))
    return _HOLE


def _number(digits: str) -> int:
    return int(digits[:15])


def _differences(column: Sequence[int]) -> list[int]:
    return [value - before for before, value in zip((0, *column), column, strict=False)]


def _check_size(columns: Sequence[Any], counts: Sequence[int]) -> None:
    """A few octets can say a million times the same: what is too much is refused before it is written out."""
    if min(counts, default=0) < 0 or sum(counts) > _MOST_RRSETS:
        raise ValueError(f"more than {_MOST_RRSETS:,} record sets")
    characters = 0
    for (template, differences), count in zip(columns, counts, strict=True):
        characters += len(template) * count
        if any(len(column) != count for column in differences):
            raise ValueError("numbers are missing")
    if characters > _MOST_CHARACTERS:
        raise ValueError(f"more than {_MOST_CHARACTERS:,} characters")


def _rows(columns: Sequence[Sequence[int]], count: int) -> Iterable[tuple[int, ...]]:
    return zip(*columns, strict=True) if columns else [()] * count


def _rrset(template: str, numbers: Sequence[int]) -> RRset:
    pieces = template.split(_HOLE)
    text = "".join(f"{piece}{number}" for piece, number in zip(pieces, numbers, strict=False)) + pieces[-1]
    name, kind, ttl, *rrdatas = json.loads(text)
    if type(ttl) is not int or ttl < 0 or not all(isinstance(part, str) for part in (name, kind, *rrdatas)):
        raise ValueError(f"{text[:80]!r} is no record set")
    return RRset(name, kind, ttl, tuple(rrdatas))
