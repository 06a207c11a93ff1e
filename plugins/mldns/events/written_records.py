"""The records that an upsert wrote, as its event keeps them, and which of them still count. Pure.

A manifest says which names are a job's, not what they hold. So the task that wrote them emits an event of its own: what
a later check compares with, and what a repair writes. It keeps what the records were made of: the inventory as ranges
of addresses (`mldns.inventory.compact`), and the explicit records.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.events.assets import SCHEMA
from mldns.exceptions import InvalidInput
from mldns.inventory.compact import as_text, pack_bytes, unpack_bytes
from mldns.inventory.job_records import DesiredRecords
from mldns.messages import timestamp
from mldns.ownership.claims import check_lease_hours
from mldns.ownership.manifest import Manifest, matches
from mldns.records.names import Key
from mldns.records.rrset import RRset, same

ROOM = 64_000
"""Characters of packed records in one event. Ten thousand workers take 60 where their addresses are neighbours, 40,000
where they are scattered over a /16 and 58,000 over a /8."""

_MOST_BYTES = 2 << 20  # ten thousand IPv6 addresses take 0.4 MB, what fits into `ROOM` without workers less

_ANY_ADDRESS = ("0.0.0.0/0", "::/0")  # they were allowed when they were written


@dataclass(frozen=True, slots=True)
class WrittenRecords:
    """What one task has written for `job`: all of `rrsets`, under a manifest that had `generation` then.

    :param claimant: under which they were written, in clear, as the lease.
    :param packed: the records as `pack` makes them; None where an event has no room for them.
    :param renew_hours: for how long a check renews the lease while its run is at work; None: it does not.
    """

    job: str
    claimant: str
    lease: str
    generation: int
    rrsets: tuple[RRset, ...]
    packed: str | None = None
    renew_hours: float | None = None

    def to_event(self, *, project: str, zone: str, now: float) -> dict[str, Any]:
        """Return the extra of their event; `parse` reads it back.

        :param project: the cloud project of the zone.
        :param zone: name of the managed zone.
        :param now: Unix seconds.
        """
        return {
            "schema": SCHEMA,
            "kind": "records",
            "project": project,
            "zone": zone,
            "job": self.job,
            "claimant": self.claimant,
            "lease": self.lease,
            "generation": self.generation,
            "at": timestamp(now),
            "records": len(self.rrsets),
            "packed": self.packed,
            "renew_hours": self.renew_hours,
        }


def pack(desired: DesiredRecords, *, pointers: bool = False) -> str | None:
    """Return what the records are made of as short text; None where it is too long for an event.

    :param pointers: the PTR records in the reverse zone, instead of the records in the job's own zone.
    """
    hosts_at = Counter(worker.address for worker in desired.workers)
    made_of = {
        "dns_name": desired.dns_name,
        "ttl": desired.ttl,
        "port": desired.port,
        "workers": as_text(desired.workers),
        "allow_addresses": [*_ANY_ADDRESS, *(address for address, hosts in hosts_at.items() if hosts > 1)],
        "records": [] if pointers else [rrset.to_api() for rrset in desired.records],
        "reverse_dns_name": desired.reverse_dns_name if pointers else "",
    }
    packed = pack_bytes(json.dumps(made_of, separators=(",", ":")).encode())
    return packed if len(packed) <= ROOM else None


def unpack(text: str, *, job: str) -> tuple[RRset, ...]:
    """Return the rrsets that were packed for a job.

    :raises InvalidInput: nobody packed this.
    """
    try:
        made_of = json.loads(unpack_bytes(text, most=_MOST_BYTES))
        desired = DesiredRecords.parse(owner=job, **made_of)
        return desired.pointers or desired.rrsets
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"packed records cannot be read: {error}") from None


def parse(extra: Mapping[str, Any]) -> WrittenRecords | None:
    """Read an event's extra (`WrittenRecords.to_event`); None for one that is not ours.

    Without `packed` it says only whose the lease is: there was no room for the records, or they cannot be read.
    """
    job, claimant, lease, generation = (extra.get(key) for key in ("job", "claimant", "lease", "generation"))
    if extra.get("kind") != "records" or extra.get("schema") != SCHEMA or not isinstance(job, str):
        return None
    packed = extra.get("packed")
    rrsets: tuple[RRset, ...] = ()
    if packed:
        try:
            rrsets = unpack(packed, job=job)
        except InvalidInput:
            packed = None
    known = generation if isinstance(generation, int) else -1
    hours = _hours(extra.get("renew_hours"))
    return WrittenRecords(job, str(claimant or ""), str(lease or ""), known, rrsets, packed or None, hours)


def _hours(found: Any) -> float | None:
    try:
        return check_lease_hours(found)
    except InvalidInput:
        return None


def of_lease(manifest: Manifest, written: Iterable[WrittenRecords]) -> list[WrittenRecords]:
    """Return what was written under the lease that holds the manifest's names now, in the order given."""
    return [
        one
        for one in written
        if one.job == manifest.owner and matches(manifest.claimant, one.claimant) and matches(manifest.lease, one.lease)
    ]


def of_generation(manifest: Manifest, written: Iterable[WrittenRecords]) -> list[WrittenRecords]:
    """Return what was written under the manifest as it is now, each once."""
    current = [one for one in of_lease(manifest, written) if one.generation == manifest.generation]
    return list({one.packed: one for one in current}.values())


def certain_records(manifest: Manifest, written: Iterable[WrittenRecords]) -> dict[Key, RRset]:
    """Return what a job's records must say, as far as that is certain.

    Nothing was written under this manifest since it had that generation, so what was written then still counts. Where
    the generation has moved on, an upsert may have given the names other addresses, and to restore the old ones would
    harm. Where two events of one generation disagree, one of them is wrong: then nothing is certain.
    """
    certain: dict[Key, RRset] = {}
    for one in of_lease(manifest, written):
        if one.generation != manifest.generation:
            continue
        for rrset in one.rrsets:
            if manifest.owns(rrset.key) and not same(certain.setdefault(rrset.key, rrset), rrset):
                return {}
    return certain
