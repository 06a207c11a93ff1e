"""An inventory in a few bytes, in two forms: text for people and XComs, and packed addresses for a trigger's arguments.

`mldns.inventory.workers.parse_workers` reads the text, lines of addresses, runs of them as ranges:

    10.0.0.2-10.0.0.251,10.0.3.9,10.0.3.4 slots=8
    10.0.4.7 slots=8 role=ps

The order of the lines is the order of the ranks, a role at a time. Host names and ports are not in it: names of workers
come from their ranks, and the port of a rendezvous is an argument of whoever needs it.

Ten thousand addresses scattered over a /16 take 39 KB as compressed text and 25 KB packed: above 45 KB of arguments a
gate cannot wait in the triggerer.
"""

from __future__ import annotations

import base64
import ipaddress
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby, islice
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.inventory.workers import Worker

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_A_LINE = 50  # addresses and ranges: a person still reads it, and `slots=8` does not double the size

_MOST_BYTES = 16 << 20  # of one role's addresses, unpacked


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


def pack_addresses(workers: Iterable[Worker]) -> dict[str, str]:
    """Return a text for each role: the addresses of its ranks; slots, host names and ports are left out."""
    roles: dict[str, list[Address]] = {}
    for worker in sorted(workers, key=lambda worker: (worker.role, worker.rank)):
        roles.setdefault(worker.role, []).append(ipaddress.ip_address(worker.address))
    return {role: _packed(addresses) for role, addresses in roles.items()}


def unpack_addresses(packed: Mapping[str, str]) -> tuple[Worker, ...]:
    """Return the workers of which `pack_addresses` made this.

    :raises InvalidInput: it was packed by nobody.
    """
    return tuple(
        Worker(rank, address, role=role)
        for role, text in packed.items()
        for rank, address in enumerate(_unpacked(text))
    )


def _packed(addresses: Sequence[Address]) -> str:
    """`4` or `6` and all first octets, then all second ones, since neighbours compress to little; `t`: both as text."""
    versions = {address.version for address in addresses}
    if len(versions) > 1:
        return "t" + pack_bytes(" ".join(map(str, addresses)).encode())
    octets, width = b"".join(address.packed for address in addresses), len(addresses[0].packed)
    return f"{versions.pop()}{pack_bytes(b''.join(octets[column::width] for column in range(width)))}"


def _unpacked(text: str) -> list[str]:
    data = unpack_bytes(text[1:], most=_MOST_BYTES)
    if text[0] == "t":
        return data.decode().split()
    count = len(data) // (4 if text[0] == "4" else 16)
    columns = [data[start : start + count] for start in range(0, len(data), count)]
    return [str(ipaddress.ip_address(bytes(octets))) for octets in zip(*columns, strict=True)]


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
