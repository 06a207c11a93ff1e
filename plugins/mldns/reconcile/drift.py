"""A zone against the manifests in it: what is claimed and missing or changed, what nobody claims, whose lease is over.

the zone holds        the manifest says   its task wrote     the job's name is
10.0.0.7              ours                10.0.0.7           as it should be
10.9.9.9              ours                10.0.0.7           changed
10.9.9.9              ours                nothing certain    as it should be, as far as is known
nothing               ours                10.0.0.7           missing, and can be restored
nothing               ours                nothing certain    missing
10.9.9.9              not written yet     whatever           extra: it stands in the way
10.9.9.9              nothing             whatever           extra below the job's name, else foreign
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mldns.events.written_records import WrittenRecords, certain_records
from mldns.messages import timestamp
from mldns.ownership.leases import Holding, Over, over
from mldns.ownership.manifest import Manifest, ZoneManifests
from mldns.records.names import Key, natural, relative
from mldns.records.rrset import RRset, same

_SAMPLE = 5
_LOGGED = 3  # names of a kind, in a job's log line

HoldingOf = Callable[[Manifest], Holding]


@dataclass(frozen=True, slots=True)
class Changed:
    """A record of a job that says something else than its task wrote."""

    wanted: RRset
    found: RRset


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """What one manifest says and what the zone holds of it. Everything is in natural order.

    :param expired: the lease's time is over, whatever its run does; `over` says whether the lease is.
    :param certain: what the records must say (`mldns.events.written_records.certain_records`).
    :param extra: what somebody else has written below the job's name, or where the job is yet to write.
    """

    manifest: Manifest
    missing: tuple[Key, ...]
    expired: bool
    holding: Holding
    over: Over | None = None
    certain: Mapping[Key, RRset] = field(default_factory=dict)
    changed: tuple[Changed, ...] = ()
    extra: tuple[RRset, ...] = ()

    @property
    def drifted(self) -> bool:
        return bool(self.missing or self.changed or self.extra)

    @property
    def attention(self) -> bool:
        """Whether a person should look: names are not as claimed, or a lease is over and was never released."""
        return self.drifted or self.over is not None

    @property
    def restorable(self) -> tuple[RRset, ...]:
        """What a repair writes: nothing while the job itself is writing, or where what is missing is not certain."""
        if self.manifest.pending or any(key not in self.certain for key in self.missing):
            return ()
        lost = [self.certain[key] for key in self.missing]
        # What was made a routing policy by hand is for whoever made it.
        return (*lost, *(item.wanted for item in self.changed if not item.found.routed))

    def summary(self) -> str:
        """Return the first names that are not as claimed in one log line; "" where all are."""
        parts = [
            *(f"missing {name} {kind}" for name, kind in self.missing[:_LOGGED]),
            *(f"changed {item.wanted.name} {item.wanted.type}" for item in self.changed[:_LOGGED]),
            *(f"extra {rrset.name} {rrset.type}" for rrset in self.extra[:_LOGGED]),
        ]
        if self.over:
            parts.append(f"lease {self.holding.lease} {self.over}")
        return f"job {self.manifest.owner}: {', '.join(parts)}" if parts else ""

    def to_json(self) -> dict[str, Any]:
        expires = self.manifest.expires
        return {
            "owner": self.manifest.owner,
            "claimant": self.manifest.claimant,
            "lease": self.manifest.lease,
            "generation": self.manifest.generation,
            "expires": None if expires is None else timestamp(expires),
            "expired": self.expired,
            "over": self.over and self.over.value,
            "names": len(self.manifest.names),
            "pending": len(self.manifest.pending),
            "missing": _counted(self.missing),
            "changed": _counted([item.wanted.key for item in self.changed]),
            "extra": _counted([rrset.key for rrset in self.extra]),
            "grants": len(self.manifest.grants),
        }


@dataclass(frozen=True, slots=True)
class ZoneReport:
    """One zone: its owners in order of name, the rrsets that no manifest covers, and the manifests that do not read."""

    dns_name: str
    rrsets: int
    owners: tuple[OwnerReport, ...]
    foreign: tuple[Key, ...]
    damaged: tuple[str, ...]

    @property
    def attention(self) -> bool:
        return bool(self.damaged) or any(owner.attention for owner in self.owners)

    def summary(self) -> str:
        """One log line."""
        missing = sum(len(owner.missing) for owner in self.owners)
        changed = sum(len(owner.changed) for owner in self.owners)
        over = [owner.manifest.owner for owner in self.owners if owner.over]
        return (
            f"{self.dns_name} {self.rrsets:,} rrsets, {len(self.owners):,} owners, {missing:,} missing, "
            f"{changed:,} changed, {len(self.foreign):,} foreign, {len(over):,} leases over, "
            f"{len(self.damaged):,} damaged manifests"
        )

    def to_json(self, limit: int = 20) -> dict[str, Any]:
        """Counts and first names; `limit` owners in full, those that need attention first."""
        ordered = sorted(self.owners, key=lambda owner: not owner.attention)
        return {
            "dns_name": self.dns_name,
            "rrsets": self.rrsets,
            "attention": self.attention,
            "owners": len(self.owners),
            "jobs": [owner.to_json() for owner in ordered[:limit]],
            "foreign": _counted(self.foreign),
            "damaged": list(self.damaged[:_SAMPLE]),
        }


def compare(
    rrsets: Iterable[RRset],
    *,
    dns_name: str,
    now: float,
    written: Collection[WrittenRecords] = (),
    holding_of: HoldingOf | None = None,
) -> ZoneReport:
    """Compare a zone's rrsets with the manifests among them.

    The apex's NS and SOA belong to the zone itself and are nobody's.

    :param rrsets: all of the zone's.
    :param dns_name: what the zone serves.
    :param now: Unix seconds.
    :param written: what trusted tasks wrote.
    :param holding_of: who holds a manifest's names; by default what the manifest says.
    """
    listed = tuple(rrsets)
    present = {(rrset.name.lower(), rrset.type): rrset for rrset in listed}
    found = ZoneManifests.of(listed, dns_name=dns_name)
    manifests = found.readable
    own = {(dns_name, "NS"), (dns_name, "SOA"), *found.keys}.union(*(manifest.names for manifest in manifests))
    pending = {key for manifest in manifests for key in manifest.pending}
    foreign = tuple(sorted(present.keys() - own - pending, key=natural))
    strangers = _by_owner(present.keys() - own, manifests, dns_name)
    holding_of = holding_of or (lambda manifest: Holding(manifest.claimant, manifest.lease))
    owners = [
        replace(
            _report(manifest, present, certain_records(manifest, written), holding_of(manifest), now),
            extra=tuple(present[key] for key in sorted(strangers.get(manifest.owner, ()), key=natural)),
        )
        for manifest in manifests
    ]
    return ZoneReport(dns_name, len(listed), tuple(owners), foreign, found.damaged)


def fitting(reports: Iterable[Mapping[str, Any]], room: int) -> list[Mapping[str, Any]]:
    """Return the first reports whose JSON together takes at most `room` characters: what goes into XCom stays small."""
    shown: list[Mapping[str, Any]] = []
    for report in reports:
        room -= len(json.dumps(report))
        if room < 0:
            break
        shown.append(report)
    return shown


def _report(
    manifest: Manifest, present: Mapping[Key, RRset], certain: Mapping[Key, RRset], holding: Holding, now: float
) -> OwnerReport:
    differing = [
        Changed(wanted, present[key])
        for key, wanted in certain.items()
        if key in present and not same(wanted, present[key])
    ]
    return OwnerReport(
        manifest=manifest,
        missing=tuple(sorted(manifest.names - present.keys(), key=natural)),
        expired=manifest.expires is not None and manifest.expires <= now,
        holding=holding,
        over=over(manifest, holding, now),
        certain=certain,
        changed=tuple(sorted(differing, key=lambda item: natural(item.wanted.key))),
    )


def _by_owner(keys: Iterable[Key], manifests: Sequence[Manifest], dns_name: str) -> dict[str, set[Key]]:
    """Keys that no manifest says were written: those that an owner is yet to write, and those below an owner's name."""
    owners = {manifest.owner for manifest in manifests}
    writer = {key: manifest.owner for manifest in manifests for key in manifest.pending}
    found: dict[str, set[Key]] = {}
    for key in keys:
        label = relative(key[0], dns_name).rpartition(".")[2]
        owner = writer.get(key) or (label if label in owners else None)
        if owner:
            found.setdefault(owner, set()).add(key)
    return found


def _counted(keys: Sequence[Key]) -> dict[str, Any]:
    return {"count": len(keys), "first": [f"{name} {kind}" for name, kind in keys[:_SAMPLE]]}
