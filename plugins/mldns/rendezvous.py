"""The hand-off: what a trainer needs to rendezvous by name, as one small JSON value.

Ten thousand workers are a pattern and a count, never a list: the value stays far below the 8 KiB that XCom should hold.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mldns import naming
from mldns.exceptions import InvalidInput
from mldns.inventory import Worker, world_size
from mldns.records import MAX_RRDATAS, master_of

VERSION = 1
DEFAULT_PORT = 29_500
"""The port that torchrun and most launchers use unless told otherwise."""


def hand_off(
    workers: Sequence[Worker] = (),
    *,
    zone: str,
    dns_name: str,
    owner: str,
    ttl: int,
    port: int | None = None,
    visibility: str = "private",
    name_servers: Sequence[str] = (),
    resolvers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the hand-off of a job, plain JSON.

    `pattern` gives a worker's name with `{role}` and `{rank}` filled in; `count` is ranks by role; `slots` is the
    number of processes on each host where all have the same, else null; `world_size` their sum; `digest` stands for
    the whole inventory. With no workers only the zone's part is there.

    :param resolvers: `HOST:PORT` of the resolvers that the workers use.
    """
    zone_name = naming.absolute(dns_name)
    value: dict[str, Any] = {
        "version": VERSION,
        "zone": zone,
        "dns_name": zone_name,
        "visibility": visibility,
        "name_servers": list(name_servers),
        "resolvers": list(resolvers),
        "job": naming.slug(owner),
        "ttl": ttl,
        "count": 0,
    }
    if not workers:
        return value
    master = master_of(workers)
    slots = {worker.slots for worker in workers}
    rendezvous_port = port or master.port or DEFAULT_PORT
    return value | {
        "pattern": f"{{role}}-{{rank}}.{value['job']}.{zone_name}",
        "count": len(workers),
        "roles": dict(Counter(worker.role for worker in workers)),
        "slots": slots.pop() if len(slots) == 1 else None,
        "world_size": world_size(workers),
        "master": naming.worker_name(master.role, master.rank, value["job"], zone_name),
        "master_alias": naming.master_name(value["job"], zone_name),
        "port": rendezvous_port,
        "endpoint": f"{naming.worker_name(master.role, master.rank, value['job'], zone_name)}:{rendezvous_port}",
        "workers_name": naming.workers_name(value["job"], zone_name) if len(workers) <= MAX_RRDATAS else None,
        "digest": inventory_digest(workers),
    }


def name_of(value: Mapping[str, Any], rank: int, role: str = "worker") -> str:
    """The name of a rank, from a hand-off."""
    count = value.get("roles", {}).get(role, 0)
    if not 0 <= rank < count:
        raise InvalidInput(f"job {value.get('job')!r} has no {role} rank {rank}: it has {count} of them")
    return str(value["pattern"]).format(role=role, rank=rank)


def inventory_digest(workers: Iterable[Worker]) -> str:
    """16 hex digits over every rank, address, role, port and slot count."""
    rows = [[worker.role, worker.rank, worker.address, worker.slots, worker.port] for worker in workers]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()[:16]
