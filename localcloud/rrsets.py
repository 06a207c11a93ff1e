"""Resource record sets between the API's JSON and the model: parsing, checking, writing."""

from __future__ import annotations

import re
from typing import Any

from localcloud import assumptions
from localcloud.errors import Problem, invalid, not_implemented, required
from localcloud.model import ResourceRecordSet
from localcloud.rdata import TYPES, canonical_text

# RFC 1035 letters plus what zones hold in practice: `_service` labels, a leading `*`, RFC 2317's `0/25`.
_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_/-]{1,63}\.)+")
_DECIMAL = re.compile(r"[0-9]{1,10}")
_LONGEST_NAME = 254  # 255 octets on the wire (RFC 1035 section 3.1) are 253 characters and the trailing dot


def is_domain_name(name: str) -> bool:
    """An absolute, lower-case name within the lengths of RFC 1035."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def display_name(rrset: ResourceRecordSet) -> str:
    """`n. (A)`: how error messages name a record set."""
    return f"{rrset.name} ({rrset.type})"


def to_api(rrset: ResourceRecordSet) -> dict[str, Any]:
    return {
        "kind": "dns#resourceRecordSet",
        "name": rrset.name,
        "type": rrset.type,
        "ttl": rrset.ttl,
        "rrdatas": list(rrset.rrdatas),
        "signatureRrdatas": [],
    }


def parse(resource: object, *, path: str, apex: str, problems: list[Problem]) -> ResourceRecordSet | None:
    """The record set that a caller sent at `path`, normalised; or None, with what is wrong appended to `problems`.

    Raises ApiError (501) for what localcloud knows of but does not do: routing policies and ALIAS records.
    """
    if not isinstance(resource, dict):
        problems.append(invalid(path, resource))
        return None
    if resource.get("routingPolicy"):
        raise not_implemented("routing policies (routingPolicy)")
    before = len(problems)
    name = _name(resource.get("name"), path=path, apex=apex, problems=problems)
    type_ = _type(resource.get("type"), path=path, problems=problems)
    ttl = _ttl(resource.get("ttl"), path=path, problems=problems)
    rrdatas = _rrdatas(resource.get("rrdatas"), type_=type_, path=path, problems=problems)
    if len(problems) > before:
        return None
    return ResourceRecordSet(name=name, type=type_, ttl=ttl, rrdatas=rrdatas)


def _name(value: object, *, path: str, apex: str, problems: list[Problem]) -> str:
    name = value.lower() if isinstance(value, str) else ""
    if not (is_domain_name(name) and (name == apex or name.endswith("." + apex))):
        problems.append(invalid(f"{path}.name", "" if value is None else value))
    return name


def _type(value: object, *, path: str, problems: list[Problem]) -> str:
    if value == "ALIAS":
        raise not_implemented("ALIAS record sets")
    if isinstance(value, str) and value in TYPES:
        return value
    problems.append(invalid(f"{path}.type", "" if value is None else value))
    return ""


def _ttl(value: object, *, path: str, problems: list[Problem]) -> int:
    if value is None:
        problems.append(required(f"{path}.ttl"))
        return 0
    ttl = -1
    if isinstance(value, int) and not isinstance(value, bool):
        ttl = value
    elif isinstance(value, str) and _DECIMAL.fullmatch(value):
        ttl = int(value)  # google-cloud-dns sends text
    if not 0 <= ttl <= assumptions.MAX_TTL:
        problems.append(invalid(f"{path}.ttl", value))
    return ttl


def _rrdatas(value: object, *, type_: str, path: str, problems: list[Problem]) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        problems.append(invalid(f"{path}.rrdata", "" if value in (None, []) else value))
        return ()
    if not type_:
        return ()  # nothing to check the data against; the type has been reported
    rrdatas: dict[str, None] = {}
    for position, text in enumerate(value):
        try:
            if not isinstance(text, str):
                raise ValueError(f"{text!r} is not text")
            canonical = canonical_text(type_, text)
            if canonical in rrdatas:
                raise ValueError(f"{text!r} twice in one set")
            rrdatas[canonical] = None
        except ValueError:
            problems.append(invalid(f"{path}.rrdata[{position}]", text))
    return tuple(rrdatas)
