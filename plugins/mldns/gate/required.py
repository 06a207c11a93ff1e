"""Names that the training needs and others keep, with what is known of them: addresses, a port. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Expectation, any_address
from mldns.gate.servers import Endpoint
from mldns.inventory.workers import parse_port
from mldns.records.addresses import parse_address
from mldns.records.names import absolute
from mldns.records.rrset import WRITABLE_TYPES

_ANY_NETWORK = ("0.0.0.0/0", "::/0")  # who names an address to compare with knows why


def known_addresses(name: str, addresses: str, *, outside: bool = False) -> tuple[Expectation, ...]:
    """Return the expectations of a name that must have these addresses and no others of their family.

    :param name: of a host; absolute or without its last dot.
    :param addresses: IPv4 and IPv6 addresses, separated by commas; any network is allowed.
    :param outside: as of `Expectation`.
    :raises InvalidInput: naming what is no address.
    """
    name = absolute(name.strip())
    parsed = [parse_address(text, allow_addresses=_ANY_NETWORK, where=name) for text in addresses.split(",")]
    families = {"A": [text for text in parsed if ":" not in text], "AAAA": [text for text in parsed if ":" in text]}
    return tuple(
        Expectation(name, kind, tuple(dict.fromkeys(found)), None, outside=outside)
        for kind, found in families.items()
        if found
    )


def parse_port_of(text: str) -> Endpoint:
    """Read `NAME:PORT`, a port whose address is to be asked for.

    :raises InvalidInput: naming the text.
    """
    name, _, port = text.strip().rpartition(":")
    if not name:
        raise InvalidInput(f"{text!r}: expected NAME:PORT, such as worker-0.bert.ml.example.com:29500")
    try:
        return Endpoint(absolute(name), "", parse_port(port))
    except InvalidInput as error:
        raise InvalidInput(f"{text!r}: {error}") from None


@dataclass(frozen=True, slots=True)
class Required:
    """A name that the training needs and somebody else keeps.

    :param port: of that name, which must accept a connection; None for no such check.
    """

    expectations: tuple[Expectation, ...]
    port: Endpoint | None = None


def parse_required(text: str) -> Required:
    """Read a required name: `NAME`, `NAME TYPE`, `NAME=ADDRESS` (or several, with commas) or `NAME:PORT`.

    `NAME` and `NAME:PORT` take any address.

    :raises InvalidInput: naming the text.
    """
    name, _, kind = text.strip().partition(" ") if isinstance(text, str) else ("", "", "")
    if not name:
        raise InvalidInput(
            f"required name {text!r} is not one of NAME, NAME TYPE, NAME=ADDRESS, NAME:PORT, such as storage.a.com:443"
        )
    if "=" in text:
        name, _, addresses = text.partition("=")
        return Required(known_addresses(name, addresses, outside=True))
    if ":" in name and not kind:
        port = parse_port_of(text)
        return Required((any_address(port.name, outside=True),), port)
    if not kind.strip():
        return Required((any_address(name, outside=True),))
    kind = kind.strip().upper()
    if kind not in WRITABLE_TYPES:
        raise InvalidInput(f"required name {text!r} has type {kind!r}: known are {', '.join(WRITABLE_TYPES)}")
    return Required((Expectation(absolute(name), kind, None, None, outside=True),))
