"""Start this host's part of a training; all it needs to be told is the hand-off.

    MLDNS_HANDOFF='{"pattern": …}' python on_host.py torchrun torch_worker.py --steps 200
    MLDNS_HANDOFF='{"pattern": …}' python on_host.py jax jax_worker.py --steps 200

Which rank this host is comes from `--rank` or MLDNS_RANK, else from DNS: the address by which this host reaches the
master has a PTR record that says its worker's name, where the job has a `reverse_zone`. Else it is JOB_COMPLETION_INDEX
of an indexed Kubernetes Job, which says the rank only where the names were given to its pods. Names are looked up as
the training itself will: through the host's own resolver.

The host's own name is never asked about. On many hosts it stands in /etc/hosts as 127.0.1.1, and gloo, which listens on
whatever it resolves to, then waits there for peers that cannot come. So gloo and NCCL are told the interface that holds
the worker's address, and torchrun who is the master (`mldns.handoff.render.torchrun`).
"""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import os
import re
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import dns.resolver  # noqa: TID253 - a program of its own, not a DAG file
from dns.exception import DNSException

from mldns.exceptions import InvalidInput
from mldns.handoff import reader
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render import torchrun

RANK, POD_INDEX = "MLDNS_RANK", "JOB_COMPLETION_INDEX"
_SIOCGIFADDR = 0x8915  # linux/sockios.h


class CannotStart(RuntimeError):
    """This host cannot find its part in the training."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the launcher of this host; the process is replaced."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rank", help="which worker this host is; by default from the environment or from DNS")
    parser.add_argument("launcher", choices=("torchrun", "jax"))
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the training's program and its own arguments")
    options = parser.parse_args(arguments)
    try:
        job = reader.read(os.environ.get("MLDNS_HANDOFF", ""))
        host, address = find_itself(job, options.rank, os.environ)
        interface = interface_of(address)
        command = launch_command(options.launcher, options.program, job, host)
    except (InvalidInput, CannotStart, DNSException, OSError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from None
    # Exact names: gloo takes one as it is, NCCL takes any that begins with it unless a "=" stands in front.
    os.environ |= {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": f"={interface}"}
    print(f"this is {host.name}, {address} on {interface}", flush=True)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def launch_command(launcher: str, program: Sequence[str], job: HandOff, host: JobHost) -> list[str]:
    """What this process becomes: torchrun, or the program itself with its rank."""
    if launcher == "jax":
        return [sys.executable, *program, "--rank", str(host.index)]
    options = torchrun.options(torchrun.settings(job, host))
    return [sys.executable, "-m", "torch.distributed.run", *options, *program]


def find_itself(job: HandOff, rank: str | None, environment: Mapping[str, str]) -> tuple[JobHost, str]:
    """Which worker this host is, and its address as the other ranks know it.

    :raises CannotStart: nothing tells the rank.
    """
    told = rank or environment.get(RANK)
    if told:
        return _by_rank(job, told)
    address = source_towards(job.master, job.port)
    names = names_of(address)
    found = [host for host in job.hosts if host.name in names]
    if len(found) == 1:
        return found[0], address
    if index := environment.get(POD_INDEX):
        return _by_rank(job, index)
    which = f"is {', '.join(names)}" if names else "has no PTR record"
    raise CannotStart(
        f"{address} {which}, and so no one worker of job {job.job}: give the job a reverse_zone, or this program --rank"
    )


def _by_rank(job: HandOff, told: str) -> tuple[JobHost, str]:
    if not re.fullmatch(r"\d{1,9}", told):
        raise CannotStart(f"rank {told!r} is not a whole number")
    host = job.host(int(told))
    return host, address_of(host.name, job.port)


def names_of(address: str) -> list[str]:
    """What the PTR records of an address say, without the trailing dot.

    Asked of DNS itself: the C library looks into /etc/hosts first, where Google's images write the VM's own name.
    """
    try:
        return [str(record.target).removesuffix(".") for record in dns.resolver.resolve_address(address)]
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []


def address_of(name: str, port: int) -> str:
    """The address that the host's own resolver gives for a name."""
    return str(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][4][0])


def source_towards(name: str, port: int) -> str:
    """The address that others see when this host speaks to `name`; nothing is sent."""
    family, kind, _, _, target = socket.getaddrinfo(name, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])


def interface_of(address: str) -> str:
    """The network interface that holds an address of this host.

    :raises CannotStart: none does: the name points at another host.
    """
    wanted = ipaddress.ip_address(address)
    for name, found in _addresses():
        if found == wanted:
            return name
    raise CannotStart(f"no network interface of this host has {address}: is this the host that the inventory means?")


def _addresses() -> Iterator[tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    """The first IPv4 address and the IPv6 addresses of each interface (Linux)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(asked, _SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue  # it has none
            yield name, ipaddress.IPv4Address(answer[20:24])
    table = Path("/proc/net/if_inet6")
    for line in table.read_text().splitlines() if table.exists() else ():
        digits, *_, name = line.split()
        yield name, ipaddress.IPv6Address(bytes.fromhex(digits))


if __name__ == "__main__":
    main()
