"""Names of addresses: `7.0.0.10.in-addr.arpa.` (RFC 1035 §3.5), and nibbles below `ip6.arpa.` for IPv6 (RFC 3596).

A manifest writes the names of neighbouring addresses as one range, `in-addr.arpa=10.0.0.7-10.0.3.250`. No role can be
mistaken for such a heading: a role is one label. `dns.reversename` takes 2 to 5 times as long (10,000 IPv4 addresses:
0.37 s where this takes 0.07 s).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterator
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.messages import quoted

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TREES = ("in-addr.arpa", "ip6.arpa")
"""Where the names of addresses live, IPv4 and IPv6; the headings of their ranges in a manifest."""


def reverse_name(address: str) -> str:
    """The name that an address has: `7.0.0.10.in-addr.arpa.` for `10.0.0.7`."""
    return ipaddress.ip_address(address).reverse_pointer + "."


def address_of(name: str) -> Address | None:
    """The address whose name this is; None where it is no address's, or not in the one spelling that they have."""
    labels = name.split(".")
    try:
        if name.endswith(".in-addr.arpa."):
            address: Address = ipaddress.IPv4Address(".".join(reversed(labels[:-3])))
        elif name.endswith(".ip6.arpa.") and len(labels) == 32 + 3:
            address = ipaddress.IPv6Address(int("".join(reversed(labels[:-3])), 16))
        else:
            return None
    except ValueError:
        return None
    return address if f"{address.reverse_pointer}." == name else None


def is_reverse(dns_name: str) -> bool:
    """Whether a zone of this dnsName holds names of addresses."""
    return any(f".{dns_name}".endswith(f".{tree}.") for tree in TREES)


def address_text(tree: str) -> Callable[[int], str]:
    """How a number is written as an address of the tree: 167772167 as `10.0.0.7`."""
    kind = ipaddress.IPv4Address if tree == TREES[0] else ipaddress.IPv6Address
    return lambda number: str(kind(number))


def parse_range(tree: str, text: str) -> tuple[int, int]:
    """Return the first and the last number of `10.0.0.7-10.0.0.9`, or raise InvalidInput when it is no range."""
    first, dash, last = text.partition("-")
    kind = ipaddress.IPv4Address if tree == TREES[0] else ipaddress.IPv6Address
    try:
        return int(kind(first)), int(kind(last if dash else first))
    except ValueError:
        raise InvalidInput(f"{text!r} is not a range of addresses below {tree}") from None


def names_of_range(tree: str, low: int, high: int) -> Iterator[str]:
    """Yield the names of neighbouring addresses.

    :param tree: one of `TREES`.
    :param low: the first address as a number.
    :param high: the last one, which has its name here, too.
    """
    kind = ipaddress.IPv4Address if tree == TREES[0] else ipaddress.IPv6Address
    return (f"{kind(number).reverse_pointer}." for number in range(low, high + 1))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


# Addresses that answer on one host only: a name that points there makes every other rank connect to itself
# (gloo on 127.0.1.1, docker0 on 172.17.0.1).
REFUSED_NETWORKS: tuple[tuple[Network, str], ...] = (
    (ipaddress.ip_network("127.0.0.0/8"), "loopback"),
    (ipaddress.ip_network("::1/128"), "loopback"),
    (ipaddress.ip_network("169.254.0.0/16"), "link-local"),
    (ipaddress.ip_network("fe80::/10"), "link-local"),
    (ipaddress.ip_network("172.17.0.0/16"), "Docker's default bridge"),
    (ipaddress.ip_network("0.0.0.0/8"), "unspecified"),
    (ipaddress.ip_network("::/128"), "unspecified"),
    (ipaddress.ip_network("224.0.0.0/4"), "multicast"),
    (ipaddress.ip_network("ff00::/8"), "multicast"),
    (ipaddress.ip_network("255.255.255.255/32"), "broadcast"),
)


def parse_address(text: Any, *, allow_addresses: Collection[str] = (), where: str = "") -> str:
    """Return the normalised address.

    :param allow_addresses: networks to let through although other hosts cannot reach them.
    :param where: whose address it is, for the message.
    :raises InvalidInput: it is no address, or one that other hosts cannot reach.
    """
    return check_address(text, parse_networks(allow_addresses), where)


def check_address(text: Any, allowed: Collection[Network], where: str = "") -> str:
    """Return what `parse_address` does, for callers with many addresses.

    :param allowed: networks to let through, parsed already.
    :param where: as of `parse_address`, which tells what is raised, too.
    """
    place = f" of {where}" if where else ""
    try:
        address = ipaddress.ip_address(unbracketed(str(text).strip()))
    except ValueError:
        raise InvalidInput(f"address {quoted(str(text))}{place} is not an IPv4 or IPv6 address") from None
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id):
        raise InvalidInput(
            f"address {quoted(text)}{place} cannot stand in a record: write it as plain IPv4 or without its zone"
        )
    if not any(address in network for network in allowed):
        for network, what in REFUSED_NETWORKS:
            if address in network:
                raise InvalidInput(
                    f"address {address}{place} is {what} ({network}): other hosts cannot reach it; "
                    f'allow it with allow_addresses=["{network}"] if that is meant'
                )
    return str(address)


def unbracketed(text: str) -> str:
    """Return an IPv6 address without the brackets that it has in URLs and before a port (RFC 3986 §3.2.2)."""
    return text[1:-1] if text[:1] == "[" and text[-1:] == "]" and ":" in text else text


def parse_networks(texts: Collection[str]) -> list[Network]:
    """Return networks such as `127.0.0.0/8`, or raise InvalidInput."""
    if isinstance(texts, str):
        raise InvalidInput(f"allow_addresses must be a list such as ['127.0.0.0/8'], not {quoted(texts)}")
    return [_parse_network(text) for text in texts]


def _parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InvalidInput(f"allow_addresses: {quoted(text)} is not a network such as '127.0.0.0/8'") from None
