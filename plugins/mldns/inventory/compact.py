"""An inventory in a few bytes: lines of addresses, runs of them as ranges.

`mldns.inventory.workers.parse_workers` reads it.

    10.0.0.2-10.0.0.251,10.0.3.9,10.0.3.4 slots=8
    10.0.4.7 slots=8 role=ps

The order of the lines is the order of the ranks, a role at a time. Host names and ports are not in it: names of workers
come from their ranks, and the port of a rendezvous is an argument of whoever needs it.
"""

from __future__ import annotations

import base64
import ipaddress
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import groupby, islice
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.inventory.workers import Worker

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_A_LINE = 50  # addresses and ranges: a person still reads it, and `slots=8` does not double the size


def as_text(workers: Iterable[Worker]) -> str:
    """The workers, sorted by role and rank, as lines; `parse_workers` makes the same of them, but for host names."""
    return "\n".join(_lines(workers))


def as_list(workers: Iterable[Worker]) -> list[dict[str, Any]]:
    """The workers as mappings, host names and all."""
    return [asdict(worker) for worker in workers]


def _lines(workers: Iterable[Worker]) -> Iterator[str]:
    for options, alike in groupby(workers, key=_options):
        ranges = _ranges(ipaddress.ip_address(worker.address) for worker in alike)
        while line := list(islice(ranges, _A_LINE)):
            yield ",".join(line) + options


def _options(worker: Worker) -> str:
    slots = f" slots={worker.slots}" if worker.slots != 1 else ""
    return slots + (f" role={worker.role}" if worker.role != "worker" else "")


def _ranges(addresses: Iterable[Address]) -> Iterator[str]:
    """In the order given, neighbours that follow each other as one range."""
    # Within a run of neighbours, address and position grow alike.
    keyed = ((address.version, int(address) - position, address) for position, address in enumerate(addresses))
    for _, run in groupby(keyed, key=lambda entry: entry[:2]):
        first, *rest = [address for _, _, address in run]
        yield f"{first}-{rest[-1]}" if rest else str(first)


def pack_bytes(data: bytes) -> str:
    """Return text of five letters for four compressed bytes."""
    return base64.b85encode(zlib.compress(data, 9)).decode("ascii")


def unpack_bytes(text: str, *, most: int) -> bytes:
    """Return what was packed.

    :param most: bytes that are expected at most: compressed text may stand for a thousand times as much.
    :raises InvalidInput: it was packed by nobody, or is longer.
    """
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b85decode(text), most)
    except (ValueError, zlib.error) as error:
        raise InvalidInput(f"packed text cannot be read: {error}") from None
    if not stream.eof:
        raise InvalidInput(f"packed text cannot be read: cut off, or above {most:,} bytes")
    return data
