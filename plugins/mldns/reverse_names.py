"""Names of addresses: `7.0.0.10.in-addr.arpa.` (RFC 1035 §3.5), and nibbles below `ip6.arpa.` for IPv6 (RFC 3596).

A manifest writes the names of neighbouring addresses as one range, `in-addr.arpa=10.0.0.7-10.0.3.250`. No role can be
mistaken for such a heading: a role is one label.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from mldns.exceptions import InvalidInput

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


def names_of_range(tree: str, text: str, most: int) -> Iterator[str]:
    """Yield the names of `10.0.0.7-10.0.0.9`, or raise InvalidInput when it is no range, or one of over `most`."""
    first, dash, last = text.partition("-")
    kind = ipaddress.IPv4Address if tree == TREES[0] else ipaddress.IPv6Address
    try:
        low, high = kind(first), kind(last if dash else first)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a range of addresses below {tree}") from None
    if not 0 <= int(high) - int(low) < most:
        raise InvalidInput(f"{text!r} covers no address, or more than {most:,}")
    for number in range(int(low), int(high) + 1):
        yield f"{kind(number).reverse_pointer}."
