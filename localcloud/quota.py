"""The limits of a project: what `projects.get` says, and what the server then holds callers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

_LARGEST = 2**31 - 1


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


REQUESTS_PER_MINUTE: Final = "requestsPerMinute"
REQUESTS_PER_SECOND: Final = "requestsPerSecond"
RATES: Final = (REQUESTS_PER_MINUTE, REQUESTS_PER_SECOND)
ENFORCED: Final = (
    "managedZones",
    "rrsetsPerManagedZone",
    "rrsetAdditionsPerChange",
    "rrsetDeletionsPerChange",
    "totalRrdataSizePerChange",
    "resourceRecordsPerRrset",
    "networksPerManagedZone",
)
"""What somebody may set; the other fields limit things that localcloud does not do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The quota, and what no API tells.

    :param requests_per_minute: to each of Google's APIs of a project; None does not count them.
    :param requests_per_second: to Route 53, of the account: AWS takes 5; None does not count them.
    """

    quota: Quota = Quota()
    requests_per_minute: int | None = None
    requests_per_second: int | None = None

    def changed(self, sent: Mapping[str, object]) -> Limits:
        """These limits with others in their place. Raises ValueError, in one line, and then none is taken."""
        for name, value in sent.items():
            if name not in (*ENFORCED, *RATES):
                raise ValueError(f"there is no limit {name!r} to set, but {', '.join((*ENFORCED, *RATES))}")
            if name in RATES and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST:
                raise ValueError(f"{name} is a whole number from 1 to {_LARGEST:,}, not {value!r}")
        limits: dict[str, Any] = {**self._rates(), **sent}
        rates = [limits.pop(name) for name in RATES]
        return Limits(replace(self.quota, **limits), *rates)

    def to_json(self) -> dict[str, int | None]:
        """What can be set, as `POST /_localcloud/quota` takes it."""
        quota = asdict(self.quota)
        return {**{name: quota[name] for name in ENFORCED}, **self._rates()}

    def _rates(self) -> dict[str, int | None]:
        return dict(zip(RATES, (self.requests_per_minute, self.requests_per_second), strict=True))


def parse_limit(text: str) -> tuple[str, int]:
    """`rrsetsPerManagedZone=200` of a command line. Raises ValueError."""
    name, equals, number = text.partition("=")
    if not (equals and number.isascii() and number.isdigit()):
        raise ValueError(f"{text!r} is not NAME=NUMBER")
    Limits().changed({name: int(number)})
    return name, int(number)
