"""Resource record sets: what a server listed, what a user wrote, and what a job needs.

`from_api` keeps every byte, because a deletion must send back exactly what was listed; `parse_record` validates and
normalises, because what a user wrote must not reach the API half right.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.messages import quoted
from mldns.records.addresses import check_address, parse_networks
from mldns.records.names import (
    MANIFEST_LABEL,
    Key,
    in_zone,
    require_in_zone,
    target,
)
from mldns.records.txt import quote_strings, split_strings, written_strings

WRITABLE_TYPES = ("A", "AAAA", "CNAME", "TXT", "SRV", "PTR")
MAX_RRDATAS = 100  # of one rrset, Cloud DNS quota resourceRecordsPerRrset
MAX_TTL = 2**31 - 1  # RFC 2181 §8

_RECORD_KEYS = frozenset({"name", "type", "ttl", "rrdatas"})
_IGNORED_KEYS = frozenset({"kind", "signatureRrdatas"})
_NAME_TYPES = ("CNAME", "PTR")


@dataclass(frozen=True, slots=True)
class RRset:
    """One resource record set.

    :param ttl: in seconds.
    :param rrdatas: in presentation format.
    :param revision: the cloud's mark (etag) of what was listed, where it has one: what is deleted is deleted under it.
    """

    name: str
    type: str
    ttl: int
    rrdatas: tuple[str, ...]
    revision: str | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> Key:
        return (self.name, self.type)

    @property
    def routed(self) -> bool:
        """Whether a routing policy answers instead of rrdatas: mldns sees that such a set is there, and leaves it."""
        return not self.rrdatas

    def to_api(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, "ttl": self.ttl, "rrdatas": list(self.rrdatas)}


def from_api(resource: Mapping[str, Any]) -> RRset:
    """Return what a server listed, byte for byte; an rrset with a routing policy has no rrdatas."""
    return RRset(resource["name"], resource["type"], int(resource.get("ttl", 0)), tuple(resource.get("rrdatas", ())))


def parse_record(
    value: Mapping[str, Any], *, dns_name: str, default_ttl: int | None = None, allow_addresses: Collection[str] = ()
) -> RRset:
    """Return the validated, normalised rrset of a mapping such as
    `{"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}`.

    :param dns_name: of the zone that it must lie in.
    :param default_ttl: seconds, where the mapping has none.
    :param allow_addresses: networks to let through although other hosts cannot reach them.
    :raises InvalidInput: naming the record and what is wrong with it.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"record {quoted(value)} must be a mapping with name, type, ttl and rrdatas")
    if unknown := sorted(str(key) for key in value if key not in _RECORD_KEYS | _IGNORED_KEYS):
        raise InvalidInput(
            f"record {quoted(value.get('name'))} has unknown keys {quoted(unknown)}: known are {sorted(_RECORD_KEYS)}"
        )
    name = require_in_zone(value.get("name") or "", dns_name)
    kind = str(value.get("type") or "").upper()
    _check_type(name, kind, value.get("type"))
    if kind == "CNAME" and name == dns_name:
        raise InvalidInput(f"record {name} is a CNAME at the zone's apex, which holds SOA and NS (RFC 1034 §3.6.2)")
    ttl = parse_ttl(value.get("ttl", default_ttl), where=f"record {name} {kind}")
    rrdatas = value.get("rrdatas")
    if isinstance(rrdatas, str) or not isinstance(rrdatas, Iterable):
        raise InvalidInput(f"record {name} {kind} needs rrdatas, a list such as ['192.0.2.1'], not {quoted(rrdatas)}")
    allowed = parse_networks(allow_addresses)
    data = tuple(_parse_rdata(kind, item, f"record {name} {kind}", allowed, dns_name) for item in rrdatas)
    _check_data(name, kind, data)
    return RRset(name, kind, ttl, data)


def parse_ttl(value: Any, *, where: str = "") -> int:
    """Return a TTL in seconds, 1 to 2^31 - 1; a numeric string is accepted, as the API does."""
    return arguments.whole(value, f"{where}: ttl" if where else "ttl", least=1, most=MAX_TTL)


def normalised(rrset: RRset) -> RRset:
    """Return the rrset in one spelling: case, trailing dots, IPv6, quoting and the order of rrdatas do not count."""
    return RRset(rrset.name.lower(), rrset.type, rrset.ttl, tuple(_canonical_data(rrset)))


def same(a: RRset, b: RRset) -> bool:
    """Return whether two rrsets say the same, however they are spelled."""
    if a == b:
        return True
    if a.type != b.type or a.ttl != b.ttl or len(a.rrdatas) != len(b.rrdatas):
        return False
    return a.name.lower() == b.name.lower() and _canonical_data(a) == _canonical_data(b)


def check_records(wanted: Iterable[RRset], dns_name: str) -> None:
    """Raise InvalidInput for what must not be written together, or at all, whatever the data.

    All lie in the zone and are of a type that mldns writes, so never the apex NS and SOA; one rrset a name and type; a
    CNAME stands alone (RFC 1034 §3.6.2); manifests are not for users to write.
    """
    types: dict[str, set[str]] = {}
    for rrset in wanted:
        if not in_zone(rrset.name, dns_name):
            raise InvalidInput(f"name {rrset.name!r} is outside the zone {dns_name!r}")
        _check_type(rrset.name, rrset.type, rrset.type)
        if rrset.name.startswith(MANIFEST_LABEL + "."):
            raise InvalidInput(f"record {rrset.name} is a manifest of mldns: it is written by a claim, not by hand")
        found = types.setdefault(rrset.name, set())
        if rrset.type in found:
            raise InvalidInput(f"record {rrset.name} {rrset.type} is given twice: put its rrdatas into one record")
        found.add(rrset.type)
        if "CNAME" in found and len(found) > 1:
            raise InvalidInput(f"record {rrset.name} is a CNAME beside {', '.join(sorted(found - {'CNAME'}))}")


def _check_type(name: str, kind: str, written: object) -> None:
    if kind not in WRITABLE_TYPES:
        raise InvalidInput(f"record {name} has type {quoted(written)}: mldns writes {', '.join(WRITABLE_TYPES)}")


def _check_data(name: str, kind: str, data: tuple[str, ...]) -> None:
    if not data:
        raise InvalidInput(f"record {name} {kind} has no rrdatas")
    if len(data) > MAX_RRDATAS:
        raise InvalidInput(f"record {name} {kind} has {len(data)} rrdatas, an rrset holds at most {MAX_RRDATAS}")
    if len(set(data)) < len(data):
        raise InvalidInput(f"record {name} {kind} has the same rrdata twice: {quoted(_first_double(data))}")
    if kind == "CNAME" and len(data) > 1:
        raise InvalidInput(f"record {name} CNAME has {len(data)} rrdatas, a CNAME has one")
    if kind == "CNAME" and data[0] == name:
        raise InvalidInput(f"record {name} CNAME points at itself")


def _first_double(data: tuple[str, ...]) -> str:
    return next(item for position, item in enumerate(data) if item in data[:position])


def _parse_rdata(kind: str, item: Any, where: str, allowed: Collection[Any], dns_name: str) -> str:
    if not isinstance(item, str) or not item.strip():
        raise InvalidInput(f"{where}: rrdata {quoted(item)} is not text")
    text = item.strip()
    if kind in ("A", "AAAA"):
        address = check_address(text, allowed, where)
        if (":" in address) != (kind == "AAAA"):
            raise InvalidInput(f"{where}: {address} is an {'IPv6' if ':' in address else 'IPv4'} address")
        return address
    if kind in _NAME_TYPES:
        return _parse_target(text, where, dns_name)
    if kind == "SRV":
        return _parse_srv(text, where, dns_name)
    return quote_strings(written_strings(text, where))


def _parse_srv(text: str, where: str, dns_name: str) -> str:
    fields = text.split()
    if len(fields) != 4 or not all(re.fullmatch(r"[0-9]{1,5}", field) and int(field) <= 65535 for field in fields[:3]):
        raise InvalidInput(f"{where}: rrdata {quoted(text)} is not 'PRIORITY WEIGHT PORT TARGET'")
    return f"{int(fields[0])} {int(fields[1])} {int(fields[2])} {_parse_target(fields[3], where, dns_name)}"


def _parse_target(text: str, where: str, dns_name: str) -> str:
    try:
        return target(text, dns_name)
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from None


def _canonical_data(rrset: RRset) -> list[str]:
    """The rrdatas in one spelling and one order; an IPv4 address has one anyway."""
    if rrset.type == "A":
        return sorted(rrset.rrdatas)
    return sorted(_canonical_rdata(rrset.type, item) for item in rrset.rrdatas)


def _canonical_rdata(kind: str, item: str) -> str:
    """One spelling for comparing; what cannot be read is compared as it stands."""
    try:
        if kind == "AAAA":
            return str(ipaddress.ip_address(item))
        if kind == "TXT":
            return quote_strings(split_strings(item, ""))
    except ValueError:
        return item
    if kind in (*_NAME_TYPES, "NS", "SRV"):
        folded = " ".join(item.lower().split())
        return folded if folded.endswith(".") else folded + "."
    return item
