"""Whom the gate asks: name servers, resolvers, and the ports of hosts. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mldns.exceptions import InvalidInput

METADATA_RESOLVER = "169.254.169.254"
"""The resolver of every Google Cloud VM: the only server that answers for the private zones of its network."""


DNS_PORT = 53


# Python takes any text for the scope of a link-local address; these go into files that others parse.
_SCOPE = re.compile(r"[A-Za-z0-9_.-]+")


_HOST = re.compile(r"[\w.-]+")


class ServerRole(StrEnum):
    """In the order in which servers are asked: a resolver caches a denial, an authoritative server does not."""

    AUTHORITATIVE = "authoritative"
    RESOLVER = "resolver"


@dataclass(frozen=True, slots=True)
class Server:
    """A DNS server; `host` is an IP address or a host name."""

    host: str
    port: int
    role: ServerRole

    @property
    def label(self) -> str:
        """How people know it: with its port only where that is not 53."""
        host = self.host.removesuffix(".")
        if self.port == DNS_PORT:
            return host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def parse_server(text: str, role: ServerRole) -> Server:
    """Read `HOST`, `HOST:PORT`, an IPv6 address or `[IPv6]:PORT`; the port is 53 unless given.

    A link-local address names its interface: `fe80::1%eth0`.

    :raises InvalidInput: naming the text.
    """
    value = text.strip() if isinstance(text, str) else ""
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        port = rest.removeprefix(":") if rest else str(DNS_PORT)
        if not bracket or not _is_ipv6(host) or (rest and not rest.startswith(":")):
            raise _bad_server(text)
    elif _is_ipv6(value):
        host, port = value, str(DNS_PORT)
    else:
        host, colon, port = value.partition(":")
        port = port if colon else str(DNS_PORT)
    if not (_HOST.fullmatch(host) or _is_ipv6(host)):
        raise _bad_server(text)
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise _bad_server(text)
    return Server(host, int(port), role)


def servers_to_ask(
    *, visibility: str, name_servers: Sequence[str], resolvers: Sequence[str], vpc_resolver: str = METADATA_RESOLVER
) -> tuple[Server, ...]:
    """Return the servers that must all agree, in the order of asking.

    A public zone: its authoritative servers, then the workers' resolvers where these are known. A private zone: the
    resolvers alone, for its authoritative server cannot be reached; the network's own resolver where none is named.

    :param visibility: of the zone, "public" or "private".
    :param name_servers: of a public zone, `HOST` or `HOST:PORT`.
    :param resolvers: those of the workers, likewise.
    :param vpc_resolver: the network's own.
    :raises InvalidInput: for an address that cannot be read, or a public zone without name servers.
    """
    if visibility == "private":
        return _distinct(resolvers or (vpc_resolver,), ServerRole.RESOLVER)
    if not name_servers:
        raise InvalidInput("the public zone has no name servers to ask: name some with name_servers")
    return _distinct(name_servers, ServerRole.AUTHORITATIVE) + _distinct(resolvers, ServerRole.RESOLVER)


def _distinct(texts: Sequence[str], role: ServerRole) -> tuple[Server, ...]:
    return tuple(dict.fromkeys(parse_server(text, role) for text in texts))


def _is_ipv6(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if not isinstance(address, ipaddress.IPv6Address):
        return False
    return address.scope_id is None or _SCOPE.fullmatch(address.scope_id) is not None


def _bad_server(text: object) -> InvalidInput:
    return InvalidInput(f"{text!r} is not a DNS server: expected HOST, HOST:PORT, an IPv6 address or [IPv6]:PORT")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A TCP port of a host that must accept a connection.

    :param address: the one that the record must have, so that no look-up comes between; "" where DNS is to tell it.
    """

    name: str
    address: str
    port: int

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise InvalidInput(f"port {self.port} of {self.name} is not between 1 and 65535")

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"
