"""A zone against the manifests in it: what is claimed and missing, what nobody claims, whose lease is over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mldns import naming
from mldns.manifest import Manifest, ManifestDamaged, decode, timestamp
from mldns.plan import natural
from mldns.records import Key, RRset

_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """What one manifest says and what the zone holds of it. Keys are in natural order."""

    manifest: Manifest
    missing: tuple[Key, ...]
    expired: bool

    @property
    def attention(self) -> bool:
        """Whether a person should look: names are gone, or a lease is over and was never released."""
        return bool(self.missing) or self.expired

    def to_json(self) -> dict[str, Any]:
        expires = self.manifest.expires
        return {
            "owner": self.manifest.owner,
            "claimant": self.manifest.claimant,
            "lease": self.manifest.lease,
            "generation": self.manifest.generation,
            "expires": None if expires is None else timestamp(expires),
            "expired": self.expired,
            "names": len(self.manifest.names),
            "pending": len(self.manifest.pending),
            "missing": _counted(self.missing),
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
        expired = [owner.manifest.owner for owner in self.owners if owner.expired]
        return (
            f"{self.dns_name} {self.rrsets:,} rrsets, {len(self.owners):,} owners, {missing:,} missing, "
            f"{len(self.foreign):,} foreign, {len(expired):,} expired, {len(self.damaged):,} damaged manifests"
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


def compare(rrsets: Iterable[RRset], *, dns_name: str, now: float) -> ZoneReport:
    """Compare a zone's rrsets, all of them, with the manifests among them. `now` in Unix seconds.

    The apex's NS and SOA belong to the zone itself and are nobody's.
    """
    listed = tuple(rrsets)
    present = {(rrset.name.lower(), rrset.type) for rrset in listed}
    own = {(dns_name, "NS"), (dns_name, "SOA")}
    owners: list[OwnerReport] = []
    damaged: list[str] = []
    for rrset in listed:
        owner = _owner_of_manifest(rrset, dns_name)
        if owner is None:
            continue
        own.add(rrset.key)
        try:
            manifest = decode(rrset, owner=owner, dns_name=dns_name)
        except ManifestDamaged as error:
            damaged.append(str(error))
            continue
        if manifest is not None:
            own |= manifest.covered
            owners.append(_report(manifest, present, now))
    return ZoneReport(
        dns_name=dns_name,
        rrsets=len(listed),
        owners=tuple(sorted(owners, key=lambda report: report.manifest.owner)),
        foreign=tuple(sorted(present - own, key=natural)),
        damaged=tuple(damaged),
    )


def fitting(reports: Iterable[Mapping[str, Any]], room: int) -> list[Mapping[str, Any]]:
    """The first reports whose JSON together takes at most `room` characters: what goes into XCom stays small."""
    shown: list[Mapping[str, Any]] = []
    for report in reports:
        room -= len(json.dumps(report))
        if room < 0:
            break
        shown.append(report)
    return shown


def _report(manifest: Manifest, present: set[Key], now: float) -> OwnerReport:
    return OwnerReport(
        manifest=manifest,
        missing=tuple(sorted(manifest.names - present, key=natural)),
        expired=manifest.expires is not None and manifest.expires <= now,
    )


def _owner_of_manifest(rrset: RRset, dns_name: str) -> str | None:
    """The owner label of `_mldns.<owner>.<zone>` TXT; None for any other rrset."""
    prefix, suffix = f"{naming.MANIFEST_LABEL}.", f".{dns_name}"
    name = rrset.name.lower()
    if rrset.type != "TXT" or not name.startswith(prefix) or not name.endswith(suffix):
        return None
    owner = name[len(prefix) : -len(suffix)]
    return owner if owner and "." not in owner else None


def _counted(keys: Sequence[Key]) -> dict[str, Any]:
    return {"count": len(keys), "first": [f"{name} {kind}" for name, kind in keys[:_SAMPLE]]}
