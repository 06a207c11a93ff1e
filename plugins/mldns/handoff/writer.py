"""The hand-off: what a trainer needs to rendezvous by name, as one small JSON value.

Ten thousand workers are a pattern, a count and digests, never a list: the value stays below the 8 KiB that XCom should
hold. What its keys mean is a contract, docs/hand-off.md; `mldns.handoff.reader` reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mldns.handoff import address_digest, run_lengths
from mldns.inventory.job_records import DesiredRecords, master_of
from mldns.inventory.workers import Worker, world_size
from mldns.records.names import master_name, worker_name, workers_name
from mldns.records.rrset import MAX_RRDATAS

VERSION = 1
"""Goes up when a reader of the former version would be wrong, not when a key is added."""

DEFAULT_PORT = 29_500
"""The port that torchrun and most launchers use unless told otherwise."""

RUN_CHARACTERS = 1_500
"""Of the runs of slots, at most: the hand-off has its other keys to hold, too."""


def hand_off(
    desired: DesiredRecords,
    *,
    zone: str,
    visibility: str = "private",
    name_servers: Sequence[str] = (),
    resolvers: Sequence[str] = (),
    lease: str = "",
) -> dict[str, Any]:
    """Return the hand-off of a job, plain JSON.

    `pattern` gives a worker's name with `{role}` and `{rank}` filled in; `count` is all hosts, `roles` those of each
    role; `slots` is the number of processes on each host where all have the same, else null, and then `slot_runs` has
    them by role, as `8*9990,4*10`, or is null, too, where they change too often to be told so; `world_size` is their
    sum; `record_type` is what all the names hold, A or AAAA, null where some hold the one and some the other; `digest`
    stands for the whole inventory, `addresses` for what DNS must answer, and `run` for the lease. With no workers only
    the zone's part is there.

    :param desired: its workers, their TTL and the rendezvous port; explicit records do not matter here.
    :param zone: name of the managed zone.
    :param visibility: of the zone, "public" or "private".
    :param name_servers: of the zone, `HOST` or `HOST:PORT`.
    :param resolvers: `HOST:PORT` of the resolvers that the workers use.
    :param lease: the run that holds the names; only its digest is handed over.
    """
    value: dict[str, Any] = {
        "version": VERSION,
        "zone": zone,
        "dns_name": desired.dns_name,
        "visibility": visibility,
        "name_servers": list(name_servers),
        "resolvers": list(resolvers),
        "job": desired.owner,
        "ttl": desired.ttl,
        "count": 0,
    }
    if not desired.workers:
        return value
    return value | _of_workers(desired) | {"run": _digest(lease.encode()) if lease else None}


def _of_workers(desired: DesiredRecords) -> dict[str, Any]:
    """The keys that are there only where there are workers."""
    workers, job, zone_name = desired.workers, desired.owner, desired.dns_name
    first = master_of(workers)
    master = worker_name(first.role, first.rank, job, zone_name)
    slots, slot_runs = _slots(workers)
    record_types = {worker.record_type for worker in workers}
    port = desired.port or DEFAULT_PORT
    return {
        "pattern": f"{{role}}-{{rank}}.{job}.{zone_name}",
        "count": len(workers),
        "roles": dict(Counter(worker.role for worker in workers)),
        "slots": slots,
        "slot_runs": slot_runs,
        "world_size": world_size(workers),
        "master": master,
        "master_alias": master_name(job, zone_name),
        "port": port,
        "endpoint": f"{master}:{port}",
        "workers_name": workers_name(job, zone_name) if len(workers) <= MAX_RRDATAS else None,
        "record_type": record_types.pop() if len(record_types) == 1 else None,
        "digest": inventory_digest(workers),
        "addresses": address_digest.summarise(address_lines(workers)),
    }


def address_lines(workers: Iterable[Worker]) -> list[str]:
    """What is digested of each host, in the order of role and rank."""
    ordered = sorted(workers, key=lambda worker: (worker.role, worker.rank))
    return [address_digest.line(worker.role, worker.rank, worker.address) for worker in ordered]


def inventory_digest(workers: Iterable[Worker]) -> str:
    """16 hex digits over every rank, address, role, port and slot count."""
    rows = [[worker.role, worker.rank, worker.address, worker.slots, worker.port] for worker in workers]
    return _digest(json.dumps(rows, separators=(",", ":")).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _slots(workers: Sequence[Worker]) -> tuple[int | None, dict[str, str] | None]:
    """The slots that all hosts have and None; or None and, where they are few, the runs of each role."""
    if len(found := {worker.slots for worker in workers}) == 1:
        return found.pop(), None
    by_role: dict[str, list[Worker]] = {}
    for worker in sorted(workers, key=lambda worker: (worker.role, worker.rank)):
        by_role.setdefault(worker.role, []).append(worker)
    runs = {role: run_lengths.encode(host.slots for host in hosts) for role, hosts in by_role.items()}
    return None, runs if len(json.dumps(runs)) <= RUN_CHARACTERS else None
