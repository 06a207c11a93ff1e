"""The limits of a project: what `projects.get` says and what the server then holds callers to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Quota:
    """Google's default limits; the field names are those of the API."""

    managedZones: int = 10_000
    rrsetsPerManagedZone: int = 10_000
    rrsetAdditionsPerChange: int = 1_000
    rrsetDeletionsPerChange: int = 1_000
    totalRrdataSizePerChange: int = 100_000
    resourceRecordsPerRrset: int = 100
    dnsKeysPerManagedZone: int = 4
    policies: int = 100
    networksPerManagedZone: int = 100
    networksPerPolicy: int = 100
    managedZonesPerNetwork: int = 10_000
    targetNameServersPerManagedZone: int = 50
    targetNameServersPerPolicy: int = 50

    def to_api(self) -> dict[str, Any]:
        return {"kind": "dns#quota", **asdict(self)}
