"""An inventory in a few bytes: lines of addresses, runs of them as ranges, as `mldns.inventory.parse_workers` reads it.

    10.0.0.2-10.0.0.251 slots=8
    10.0.4.7 slots=8 role=ps

The order of the lines is the order of the ranks, a role at a time. Host names and ports are not in it: names of workers
come from their ranks, and the port of a rendezvous is an argument of whoever needs it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from mldns.inventory import Worker

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def as_text(workers: Iterable[Worker]) -> str:
    """The workers, sorted by role and rank, as lines; `parse_workers` makes the same of them, but for host names."""
    return "\n".join(_lines(workers))


def as_list(workers: Iterable[Worker]) -> list[dict[str, Any]]:
    """The workers as mappings, host names and all."""
    return [asdict(worker) for worker in workers]


def _lines(workers: Iterable[Worker]) -> Iterator[str]:
    first: Address | None = None
    last: Address | None = None
    options = ""
    for worker in workers:
        address = ipaddress.ip_address(worker.address)
        follows = last is not None and address.version == last.version and int(address) == int(last) + 1
        if first is not None and last is not None and not (follows and _options(worker) == options):
            yield _line(first, last, options)
            first = None
        first = first or address
        last, options = address, _options(worker)
    if first is not None and last is not None:
        yield _line(first, last, options)


def _options(worker: Worker) -> str:
    slots = f" slots={worker.slots}" if worker.slots != 1 else ""
    return slots + (f" role={worker.role}" if worker.role != "worker" else "")


def _line(first: Address, last: Address, options: str) -> str:
    return f"{first}{f'-{last}' if last != first else ''}{options}"
