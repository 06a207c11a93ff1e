"""A change: additions and deletions that a zone takes together or not at all.

`check` is the whole rule book. It looks at the state before the change, deletions logically first, and either raises
with everything that the first failing stage found or returns; it edits nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from localcloud import assumptions, errors, rrsets
from localcloud.errors import ApiError, Problem
from localcloud.model import ResourceRecordSet, RRsetKey
from localcloud.quota import Quota
from localcloud.timestamps import rfc3339

_APEX_TYPES = frozenset({"NS", "SOA"})
_SINGLE_RECORD_TYPES = frozenset({"CNAME", "SOA"})


@dataclass(frozen=True, slots=True)
class Change:
    """An accepted change; `id` counts up from 0, the zone's own creation, and `started` is unix time."""

    id: int
    started: float
    additions: tuple[ResourceRecordSet, ...]
    deletions: tuple[ResourceRecordSet, ...]

    def to_api(self, *, status: str) -> dict[str, Any]:
        return {
            "kind": "dns#change",
            "id": str(self.id),
            "startTime": rfc3339(self.started),
            "status": status,
            "additions": [rrsets.to_api(rrset) for rrset in self.additions],
            "deletions": [rrsets.to_api(rrset) for rrset in self.deletions],
        }


class Edit(NamedTuple):
    """One addition or deletion, and the path by which an error names it (`entity.change.additions[0]`)."""

    path: str
    rrset: ResourceRecordSet


@dataclass(frozen=True, slots=True)
class ZoneView:
    """What the rules need to see of a zone."""

    apex: str
    rrsets: Mapping[RRsetKey, ResourceRecordSet]
    types_at: Callable[[str], AbstractSet[str]]


def parse(body: Mapping[str, Any], *, apex: str) -> tuple[list[Edit], list[Edit]]:
    """Additions and deletions of a `changes.create` body. Raises ApiError 400 with every malformed part."""
    problems: list[Problem] = []
    edits: dict[str, list[Edit]] = {"additions": [], "deletions": []}
    for field, parsed in edits.items():
        resources = body.get(field) or []
        if not isinstance(resources, list):
            problems.append(errors.invalid(f"entity.change.{field}", resources))
            continue
        for position, resource in enumerate(resources):
            path = f"entity.change.{field}[{position}]"
            rrset = rrsets.parse(resource, path=path, apex=apex, problems=problems)
            if rrset is not None:
                parsed.append(Edit(path, rrset))
    if problems:
        raise ApiError(400, problems)
    if not edits["additions"] and not edits["deletions"]:
        raise ApiError(400, [errors.required("entity.change")])
    return edits["additions"], edits["deletions"]


def check(zone: ZoneView, additions: Sequence[Edit], deletions: Sequence[Edit], quota: Quota) -> None:
    """Raise the ApiError with which the change is refused, or return when it may be applied."""
    _raise(403, _over_quota(zone, additions, deletions, quota))
    _check_deletions(zone, deletions)
    _check_additions(zone, additions, deletions)
    _raise(400, _rule_violations(zone, additions, deletions))


def _raise(code: int, problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise ApiError(code, found)


def _over_quota(
    zone: ZoneView, additions: Sequence[Edit], deletions: Sequence[Edit], quota: Quota
) -> Iterable[Problem]:
    rrdata_size = sum(len(rrdata) for edit in (*additions, *deletions) for rrdata in edit.rrset.rrdatas)
    largest = max((len(edit.rrset.rrdatas) for edit in additions), default=0)
    size_after = len(zone.rrsets) + len(additions) - len(deletions)
    measured = (
        (len(additions), quota.rrsetAdditionsPerChange, "additions per change"),
        (len(deletions), quota.rrsetDeletionsPerChange, "deletions per change"),
        (rrdata_size, quota.totalRrdataSizePerChange, "total rrdata size per change"),
        (largest, quota.resourceRecordsPerRrset, "resource records per resource record set"),
        # A zone over the limit may still shrink.
        (size_after if additions else 0, quota.rrsetsPerManagedZone, "resource record sets per managed zone"),
    )
    for amount, limit, what in measured:
        if amount > limit:
            yield assumptions.quota_exceeded(what)


def _check_deletions(zone: ZoneView, deletions: Sequence[Edit]) -> None:
    """Absent and changed record sets are told in one answer, in the order sent; its code is that of the first.

    The order of rrdatas counts, as with Google.
    """
    problems: list[Problem] = []
    seen: set[RRsetKey] = set()
    for path, rrset in deletions:
        current = zone.rrsets.get(rrset.key)
        if current is None or rrset.key in seen:
            problems.append(errors.not_found(path, rrsets.display_name(rrset)))
        elif rrset != current:
            problems.append(errors.condition_not_met(path))
        seen.add(rrset.key)
    if problems:
        raise ApiError(404 if problems[0].reason == "notFound" else 412, problems)


def _check_additions(zone: ZoneView, additions: Sequence[Edit], deletions: Sequence[Edit]) -> None:
    deleted = {edit.rrset.key for edit in deletions}
    seen: set[RRsetKey] = set()
    existing: list[Problem] = []
    for path, rrset in additions:
        if (rrset.key in zone.rrsets and rrset.key not in deleted) or rrset.key in seen:
            existing.append(errors.already_exists(path, rrsets.display_name(rrset)))
        seen.add(rrset.key)
    _raise(409, existing)


def _rule_violations(zone: ZoneView, additions: Sequence[Edit], deletions: Sequence[Edit]) -> Iterable[Problem]:
    """The rules of DNS that hold within a zone (RFC 1034 section 3.6.2, RFC 2181 section 10) and Cloud DNS's own."""
    added = {edit.rrset.key for edit in additions}
    for path, rrset in deletions:
        if rrset.name == zone.apex and rrset.type in _APEX_TYPES and rrset.key not in added:
            yield errors.zone_apex(path, rrset.type)
    types_after = _types_after(zone, additions, deletions)
    for path, rrset in additions:
        if rrset.type in _SINGLE_RECORD_TYPES and len(rrset.rrdatas) > 1:
            yield errors.record_count(path, rrset.type)
        if rrset.type == "SOA" and rrset.name != zone.apex:
            yield errors.zone_apex(path, rrset.type)
        if rrset.type == "NS" and rrset.name.startswith("*."):
            yield assumptions.wildcard_not_allowed(path, rrset.type)
        others = types_after[rrset.name] - {rrset.type}
        if rrset.type == "CNAME" and rrset.name == zone.apex:
            yield assumptions.cname_at_apex(path)
        elif others and "CNAME" in types_after[rrset.name]:
            yield errors.cname_conflict(path, rrset.name, min(others) if rrset.type == "CNAME" else "CNAME")


def _types_after(zone: ZoneView, additions: Sequence[Edit], deletions: Sequence[Edit]) -> dict[str, set[str]]:
    """The types that each added name would have."""
    deleted: defaultdict[str, set[str]] = defaultdict(set)
    for edit in deletions:
        deleted[edit.rrset.name].add(edit.rrset.type)
    after: dict[str, set[str]] = {}
    for edit in additions:
        name = edit.rrset.name
        if name not in after:
            after[name] = set(zone.types_at(name)) - deleted.get(name, set())
        after[name].add(edit.rrset.type)
    return after
