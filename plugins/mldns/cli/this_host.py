"""Which worker of a job this host is, and the network interface that the other ranks reach it by.

The rank is taken from the first of these that tells it: `--rank`, MLDNS_RANK, the PTR record of the address by which
this host reaches the master (`reverse_zone`), a scheduler's variable, the names' own addresses. Whatever told it, an
interface of this host must hold the address of that worker's name: a number that means another host is found out.

The host's own name is never asked about: on Debian it is 127.0.1.1, and whoever listens there waits for peers that
cannot come. Names are looked up as the training will: by the C library.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Iterator, Mapping

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render.launch import Place

RANK = "MLDNS_RANK"
SCHEDULERS = ("JOB_COMPLETION_INDEX", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "TPU_WORKER_ID")
"""Variables that tell the rank where the scheduler numbers its hosts as the inventory does."""

SOURCES = f"${RANK}, else a PTR record, else the scheduler's number, else the one name with an address of this host"

MAX_LOOKED_UP = 256
"""Hosts of a job whose names are all looked up for this host's address: 10,000 hosts would ask 100 million times."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def find(handoff: HandOff, *, rank: int | None, role: str | None, environment: Mapping[str, str]) -> Place:
    """Return which worker this host is.

    :param handoff: of the job; the names of its master and of this host must answer already.
    :param rank: as the command line says it.
    :param role: of that rank, where the job has several.
    :param environment: of this process.
    :raises InvalidInput: nothing tells the rank, or no interface holds its address.
    """
    told = str(rank) if rank is not None else environment.get(RANK)
    if told:
        return _by_number(handoff, told, role, RANK if rank is None else "--rank")
    address = _source_towards(handoff.master, handoff.port)
    pointers = _pointers(address)
    found = [host for host in handoff.hosts if host.name in pointers]
    if len(found) == 1:
        return _placed(found[0], f"the PTR record of {address}")
    for variable in SCHEDULERS:
        if number := environment.get(variable):
            return _by_number(handoff, number, role, variable)
    return _by_address(handoff, f"{address} has {f'the PTR record {pointers[0]}' if pointers else 'no PTR record'}")


def address_of(name: str) -> str:
    """Return the address that the C library has for a name.

    :raises InvalidInput: it has none.
    """
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise InvalidInput(f"this host does not resolve {name}: {error.strerror or error}") from None


def addresses() -> Iterator[tuple[str, _Address]]:
    """Every address of every network interface of this host, as Linux tells it over netlink."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
        # RTM_GETADDR with NLM_F_REQUEST and NLM_F_DUMP, of any family
        asked.send(struct.pack("=IHHII8x", 24, 22, 0x301, 1, 0))
        while True:
            data, offset = asked.recv(1 << 17), 0
            while offset < len(data):
                length, kind = struct.unpack_from("=IH", data, offset)
                if kind != 20:  # RTM_NEWADDR; what is none ends the answer
                    return
                yield from _address(data[offset : offset + length])
                offset += length + 3 & ~3


def _address(message: bytes) -> Iterator[tuple[str, _Address]]:
    """What one RTM_NEWADDR tells: IFA_LOCAL, which only IPv4 has, stands above IFA_ADDRESS."""
    (index,), offset = struct.unpack_from("=I", message, 20), 24
    found: dict[int, bytes] = {}
    while offset < len(message):
        length, kind = struct.unpack_from("=HH", message, offset)
        found[kind] = message[offset + 4 : offset + length]
        offset += length + 3 & ~3
    if value := found.get(2, found.get(1)):
        with contextlib.suppress(OSError):  # the interface went away meanwhile
            yield socket.if_indextoname(index), ipaddress.ip_address(value)


def _by_number(handoff: HandOff, told: str, role: str | None, source: str) -> Place:
    if not re.fullmatch(r"[0-9]{1,9}", told):
        raise InvalidInput(f"{source} is {told!r}, not a whole number")
    return _placed(handoff.host(int(told), role), f"{source} {told}")


def _by_address(handoff: HandOff, why_not: str) -> Place:
    """The one host whose name has an address of this host."""
    way_out = f"say the rank: --rank N, or {RANK}"
    if handoff.count > MAX_LOOKED_UP:
        raise InvalidInput(f"{why_not}, no worker of job {handoff.job!r}: give the job a reverse_zone, or {way_out}")
    mine = {str(address): name for name, address in addresses()}
    found = [
        Place(host, address, mine[address]) for host in handoff.hosts if (address := address_of(host.name)) in mine
    ]
    if len(found) == 1:
        return found[0]
    which = (
        f"has the addresses of {found[0].host.name} and {found[1].host.name}" if found else "has none of its addresses"
    )
    raise InvalidInput(f"{why_not}, and this host {which}: which worker of job {handoff.job!r} is it? {way_out}")


def _placed(host: JobHost, source: str) -> Place:
    address = address_of(host.name)
    wanted = ipaddress.ip_address(address)
    for name, found in addresses():
        if found == wanted or (found.is_loopback and wanted.is_loopback):
            return Place(host, address, name)
    raise InvalidInput(
        f"{source} means {host.name}, {address}, which no network interface of this host has: "
        "say the rank of this host, or write its address into the inventory"
    )


def _pointers(address: str) -> list[str]:
    """What the PTR records of an address say, without the trailing dot.

    Asked of DNS itself: the C library looks into /etc/hosts first, where Google's images write the VM's own name.
    """
    import dns.resolver
    from dns.exception import DNSException

    try:
        return [str(record.target).removesuffix(".") for record in dns.resolver.resolve_address(address)]
    except DNSException:
        return []  # none, or none that can be had: something else may tell the rank


def _source_towards(name: str, port: int) -> str:
    """The address that others see when this host speaks to `name`; nothing is sent."""
    target = address_of(name)
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, port))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise InvalidInput(f"this host has no way to {name}, {target}: {os.strerror(error.errno or 0)}") from None
