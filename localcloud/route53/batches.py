"""A batch of changes by AWS's rules: one after the other on a copy of the zone, and then all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from localcloud.model import ManagedZone, ResourceRecordSet, RRsetKey
from localcloud.rdata import TYPES, canonical_text
from localcloud.route53.xml import refused
from localcloud.rrsets import is_domain_name

MOST_ELEMENTS, MOST_CHARACTERS, MOST_VALUES = 1_000, 32_000, 400
_MAX_TTL = 2**31 - 1
_ACTIONS = ("CREATE", "DELETE", "UPSERT")
_TEXTS = ("TXT", "SPF")
_WITH_TARGETS = ("CNAME", "MX", "NS", "PTR", "SRV")
_UNSUPPORTED = ("AliasTarget", "SetIdentifier", "HealthCheckId", "TrafficPolicyInstanceId")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s+"(?:[^"\\]|\\.)*")*')
_OCTAL = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")
_DECIMAL = re.compile(r"\\(?:(\d{3})|(.))")


def listed_name(name: str) -> str:
    """A name as AWS lists it."""
    return name.replace("*", r"\052").replace("/", r"\057")


def plain_name(name: str) -> str:
    """A name as it was sent, as the store keeps it."""
    plain = _OCTAL.sub(lambda code: chr(int(code[1], 8)) if code[1] else code[0], name.lower())
    return plain if plain.endswith(".") else plain + "."


def listed_value(kind: str, value: str) -> str:
    """A value as AWS lists it: odd octets of texts as three octal digits."""
    if kind not in _TEXTS:
        return value
    return _DECIMAL.sub(lambda code: f"\\{int(code[1]):03o}" if code[1] else code[0], value)


@dataclass(slots=True)
class Batch:
    """The changes that a caller sent, and what becomes of a zone.

    :param most_rrsets: in the zone.
    """

    zone: ManagedZone
    zone_id: str
    most_rrsets: int
    after: dict[RRsetKey, ResourceRecordSet | None] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    elements: int = 0
    characters: int = 0

    def take(self, batch: Element | None) -> tuple[list[ResourceRecordSet], list[ResourceRecordSet]]:
        """Return what is added and what is deleted.

        :param batch: `ChangeBatch`.
        :raises ApiError: 400, with every complaint in one pair of brackets; nothing of it is applied.
        """
        changes = [] if batch is None else batch.findall("Changes/Change")
        if not changes:
            raise refused("InvalidInput", "Invalid XML ; a change batch holds one change or more")
        parsed = [self._parse(change) for change in changes]
        self._check_size()
        self._raise()
        for action, rrset in parsed:
            self._apply(action, rrset)
        self._check_end()
        self._raise()
        touched = [(key, self.zone.rrsets.get(key), now) for key, now in self.after.items()]
        added = [now for _, before, now in touched if now is not None and now != before]
        return added, [before for _, before, now in touched if before is not None and now != before]

    def _parse(self, change: Element) -> tuple[str, ResourceRecordSet]:
        action, sent = change.findtext("Action", ""), change.find("ResourceRecordSet")
        if action not in _ACTIONS or sent is None:
            raise refused("InvalidInput", f"Invalid XML ; {action!r} is not a valid action")
        for unsupported in _UNSUPPORTED:
            if sent.find(unsupported) is not None:
                raise refused("NotImplemented", f"localcloud does not implement {unsupported}", status=501)
        kind, ttl = sent.findtext("Type", ""), sent.findtext("TTL", "")
        if kind not in TYPES or not ttl.isdecimal() or int(ttl) > _MAX_TTL:
            raise refused("InvalidInput", f"Invalid XML ; type {kind!r} or TTL {ttl!r} is not valid")
        name = plain_name(sent.findtext("Name", ""))
        apex = self.zone.dns_name
        if not is_domain_name(name) or not (name == apex or name.endswith(f".{apex}")):
            self.complaints.append(f"RRSet with DNS name {name} is not permitted in zone {apex}")
        values = [value.text or "" for value in sent.findall("ResourceRecords/ResourceRecord/Value")]
        weight = 2 if action == "UPSERT" else 1
        self.elements += weight * len(values)
        self.characters += weight * sum(map(len, values))
        if len(values) > MOST_VALUES:
            self.complaints.append(f"Cannot have more than {MOST_VALUES} records in a RRSet.")
        return action, ResourceRecordSet(name, kind, int(ttl), tuple(self._values(kind, values)))

    def _values(self, kind: str, values: list[str]) -> Iterator[str]:
        if not values:
            self.complaints.append("Missing field 'ResourceRecords' in Change")  # assumed
        seen = set()
        for value in values:
            if value in seen:
                self.complaints.append(f"Duplicate Resource Record: '{value}'")
            seen.add(value)
            problem = f"Invalid Resource Record: 'FATAL problem: {{}} encountered with '{value}''"
            if kind in _TEXTS and not _STRINGS.fullmatch(value.strip()):
                why = "InvalidCharacterString (Value should be enclosed in quotation marks)"
                self.complaints.append(problem.format(why))
                continue
            try:
                yield canonical_text(kind, _stored_value(kind, value))
            except ValueError:
                why = "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)" if kind == "A" else "InvalidData"
                self.complaints.append(problem.format(why))

    def _check_size(self) -> None:
        if self.elements > MOST_ELEMENTS:
            self.complaints.insert(0, f"Number of records limit of {MOST_ELEMENTS} exceeded.")
        if self.characters > MOST_CHARACTERS:
            self.complaints.insert(0, f"RDATA character limit of {MOST_CHARACTERS} exceeded.")

    def _apply(self, action: str, rrset: ResourceRecordSet) -> None:
        key = rrset.key
        current = self.after[key] if key in self.after else self.zone.rrsets.get(key)
        verb, which = action.lower(), f"resource record set [name='{listed_name(key.name)}', type='{key.type}']"
        if action == "CREATE" and current is not None:
            self.complaints.append(f"Tried to {verb} {which} but it already exists")
        elif action == "DELETE" and current is None:
            self.complaints.append(f"Tried to {verb} {which} but it was not found")
        elif action == "DELETE" and current is not None and not _same(current, rrset):
            self.complaints.append(f"Tried to {verb} {which} but the values provided do not match the current values")
        else:
            self.after[key] = None if action == "DELETE" else rrset

    def _check_end(self) -> None:
        apex = self.zone.dns_name
        if self._now(RRsetKey(apex, "SOA")) is None:
            self.complaints.append("A HostedZone must contain exactly one SOA record.")
        if self._now(RRsetKey(apex, "NS")) is None:
            self.complaints.append("A HostedZone must contain at least one NS record for the zone itself.")
        for now in self.after.values():
            if now is not None:
                self._check_alias(now)
        size = len(self.zone.rrsets) + sum(
            (now is not None) - (key in self.zone.rrsets) for key, now in self.after.items()
        )
        if size > self.most_rrsets and size > len(self.zone.rrsets):
            self.complaints.append(f"Exceeded limit MAX_RRSETS_BY_ZONE for zone: {self.zone_id}")

    def _check_alias(self, rrset: ResourceRecordSet) -> None:
        name, apex = rrset.name, self.zone.dns_name
        others = [kind for kind in TYPES if kind != rrset.type and self._now(RRsetKey(name, kind)) is not None]
        where = f"RRSet of type {rrset.type} with DNS name {name} is not permitted"
        if rrset.type == "CNAME" and name == apex:
            self.complaints.append(f"{where} at apex in zone {apex}")
        elif rrset.type == "CNAME" and others:
            self.complaints.append(f"{where} as it conflicts with other records with the same DNS name in zone {apex}")
        elif "CNAME" in others:
            why = "because a conflicting RRSet of type  CNAME with the same DNS name already exists in zone"
            self.complaints.append(f"{where} {why} {apex}")

    def _now(self, key: RRsetKey) -> ResourceRecordSet | None:
        return self.after[key] if key in self.after else self.zone.rrsets.get(key)

    def _raise(self) -> None:
        if self.complaints:
            raise refused("InvalidChangeBatch", f"[{', '.join(self.complaints)}]")


def _stored_value(kind: str, value: str) -> str:
    """A value as master files have it. A target without its last dot is absolute at AWS."""
    if kind in _TEXTS:
        return _OCTAL.sub(lambda code: f"\\{int(code[1], 8):03d}" if code[1] else code[0], value)
    return value if kind not in _WITH_TARGETS or value.endswith(".") else f"{value}."


def _same(a: ResourceRecordSet, b: ResourceRecordSet) -> bool:
    """The order of values does not count (assumed)."""
    return a.ttl == b.ttl and sorted(a.rrdatas) == sorted(b.rrdatas)
