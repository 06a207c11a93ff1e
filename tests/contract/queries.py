"""DNS questions to a zone's own name servers, over UDP and TCP, with nothing cached in between."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

_TIMEOUT = 3.0


class NoAnswer(Exception):
    """Nothing came back at all: says something about the network in between, and nothing about the servers."""


@dataclass(frozen=True, slots=True)
class NameServer:
    """`label` is the name it is known by, `address` an IP address."""

    label: str
    address: str
    port: int

    def ask(
        self, name: str, type_: str, *, tcp: bool = False, payload: int | None = None, attempts: int = 3
    ) -> dns.message.Message:
        """The server's answer, as it came (also truncated). Raises NoAnswer.

        :param payload: the EDNS0 UDP payload size to offer; None sends no OPT record at all.
        """
        query = dns.message.make_query(name, type_, use_edns=-1 if payload is None else 0, payload=payload or 0)
        query.flags &= ~dns.flags.RD  # an authoritative server is asked what it has, not to look elsewhere
        send = dns.query.tcp if tcp else dns.query.udp
        for _ in range(attempts):
            try:
                return send(query, self.address, port=self.port, timeout=_TIMEOUT)
            except (dns.exception.Timeout, OSError):
                continue
        raise NoAnswer(f"{self.label} ({self.address}) did not answer for {name} {type_}")


def name_servers(names: Sequence[str], overrides: Sequence[str]) -> tuple[NameServer, ...]:
    """The servers at `overrides` ("HOST:PORT") if there are any, else those called `names`. Raises NoAnswer."""
    if overrides:
        split = [override.rpartition(":") for override in overrides]
        return tuple(
            NameServer(f"{host}:{port}", socket.gethostbyname(host.strip("[]")), int(port)) for host, _, port in split
        )
    try:
        return tuple(NameServer(name, socket.gethostbyname(name.rstrip(".")), 53) for name in names)
    except socket.gaierror as error:
        raise NoAnswer(f"the name servers' own names do not resolve here: {error}") from error


def texts(message: dns.message.Message, name: str, type_: str) -> list[str]:
    """Sorted rdata of the answer section for one name and type, in presentation format."""
    wanted = (dns.name.from_text(name), dns.rdatatype.from_text(type_))
    return sorted(
        rdata.to_text() for found in message.answer if (found.name, found.rdtype) == wanted for rdata in found
    )


def soa_of(message: dns.message.Message) -> dns.rrset.RRset:
    """The SOA in the authority section; AssertionError when there is none."""
    found = [rrset for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA]
    assert found, f"no SOA in the authority section of {one_line(message)}"
    return found[0]


def one_line(message: dns.message.Message) -> str:
    """What came back, for the table: code, flags and how many records."""
    code, flags = dns.rcode.to_text(message.rcode()), dns.flags.to_text(message.flags)
    return f"{code} ({flags}), {len(message.answer)} answer, {len(message.authority)} authority rrsets"


def until_all(
    servers: Sequence[NameServer], holds: Callable[[NameServer], bool], patience: float
) -> Mapping[str, float]:
    """Poll until `holds` was true once for each server; seconds it took each. AssertionError after `patience`."""
    began = time.monotonic()
    took: dict[str, float] = {}
    while True:
        for server in servers:
            if server.label not in took and holds(server):
                took[server.label] = time.monotonic() - began
        late = [server.label for server in servers if server.label not in took]
        if not late:
            return took
        assert time.monotonic() - began < patience, f"after {patience:.0f} s not yet on {', '.join(late)}"
        time.sleep(0.05 if time.monotonic() - began < 1 else 1.0)
