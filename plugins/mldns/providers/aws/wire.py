"""A record set between mldns's spelling and Route 53's.

Route 53 spells odd octets of names and texts in three octal digits, master files and mldns in three decimal ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mldns.plan.batches import Change
from mldns.records.rrset import RRset
from mldns.records.txt import quote_strings, split_strings

_TEXTS = ("TXT", "SPF")
_OCTAL = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
_DECIMAL = re.compile(r"\\(?:(\d{3})|(.))")
# A wildcard and RFC 2317's slash are read as what they are; a dot within a label must stay an escape.
_PLAIN = {"052": "*", "057": "/"}
# What makes record sets of one name and type several, or ties them to something that a deletion has to repeat.
_ROUTING = ("SetIdentifier", "AliasTarget", "HealthCheckId", "TrafficPolicyInstanceId")


def written_name(name: str) -> str:
    """A name as mldns writes it: lower case, `*` plain."""
    return _OCTAL.sub(lambda code: _PLAIN.get(code[1] or "", code[0]), name.lower())


def sent_name(name: str) -> str:
    """A name as Route 53 lists it."""
    return name.replace("*", r"\052").replace("/", r"\057")


def read(resource: Mapping[str, Any]) -> RRset:
    """Return a listed record set; an alias has no rrdatas. What they do not spell byte for byte is the revision."""
    name, kind = written_name(resource["Name"]), str(resource["Type"])
    values = tuple(str(item["Value"]) for item in resource.get("ResourceRecords", ()))
    if any(key in resource for key in _ROUTING):
        return RRset(name, kind, int(resource.get("TTL", 0)), ())
    rrset = RRset(name, kind, int(resource.get("TTL", 0)), tuple(_read_value(kind, value) for value in values))
    exact = resource["Name"] == sent_name(name) and _sent_values(rrset) == values
    return rrset if exact else RRset(name, kind, rrset.ttl, rrset.rrdatas, json.dumps([resource["Name"], *values]))


def sent(rrset: RRset) -> dict[str, Any]:
    """Return a record set as Route 53 takes it."""
    name, values = sent_name(rrset.name), _sent_values(rrset)
    if rrset.revision:
        name, *listed = json.loads(rrset.revision)
        values = tuple(listed)
    return {"Name": name, "Type": rrset.type, "TTL": rrset.ttl, "ResourceRecords": [{"Value": v} for v in values]}


def sent_change(change: Change) -> list[dict[str, Any]]:
    """Return a change as a batch: deletions first, so that a name and type in both is a swap. Never an UPSERT."""
    deletions = [{"Action": "DELETE", "ResourceRecordSet": sent(rrset)} for rrset in change.deletions]
    return deletions + [{"Action": "CREATE", "ResourceRecordSet": sent(rrset)} for rrset in change.additions]


def read_all(resources: Iterable[Mapping[str, Any]]) -> Iterator[RRset]:
    """Yield listed record sets: those of one routing policy stand side by side, and are one."""
    last = None
    for resource in resources:
        rrset = read(resource)
        if not (rrset.routed and last == rrset.key):
            yield rrset
        last = rrset.key


def _read_value(kind: str, value: str) -> str:
    if kind not in _TEXTS:
        return value
    decimal = _OCTAL.sub(lambda code: f"\\{int(code[1], 8):03d}" if code[1] else code[0], value)
    try:
        return quote_strings(split_strings(decimal, ""))
    except ValueError:
        return value


def _sent_values(rrset: RRset) -> tuple[str, ...]:
    if rrset.type not in _TEXTS:
        return rrset.rrdatas
    octal = [_DECIMAL.sub(lambda code: f"\\{int(code[1]):03o}" if code[1] else code[0], v) for v in rrset.rrdatas]
    return tuple(octal)
