"""What a project holds: managed zones, their resource record sets and the journal that the name servers follow.

The API edits `ManagedZone.rrsets` at once, as Google does; name servers learn of an edit later. So each edit is also
appended to `ManagedZone.journal`, and every listener replays the journal up to its own moment (now minus its lag).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Visibility = Literal["public", "private"]


class RRsetKey(NamedTuple):
    """Owner name (absolute, lower case, trailing dot) and type (`A`, `TXT`, …)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class ResourceRecordSet:
    """One rrset; `rrdatas` is presentation format as the API returns it, `ttl` in seconds."""

    name: str
    type: str
    ttl: int
    rrdatas: tuple[str, ...]

    @property
    def key(self) -> RRsetKey:
        return RRsetKey(self.name, self.type)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One accepted edit; `at` is `time.monotonic()` of the moment the API accepted it."""

    at: float
    deletions: tuple[ResourceRecordSet, ...]
    additions: tuple[ResourceRecordSet, ...]


@dataclass(slots=True)
class ManagedZone:
    """A zone as the store keeps it. `attributes` holds what the API echoes but nothing here interprets.

    `created_at` is unix time, as the API shows it; `deleted_at` is `time.monotonic()`, as in the journal.
    """

    project: str
    id: int
    name: str
    dns_name: str
    visibility: Visibility
    networks: tuple[str, ...]
    name_servers: tuple[str, ...]
    created_at: float
    attributes: dict[str, Any] = field(default_factory=dict)
    rrsets: dict[RRsetKey, ResourceRecordSet] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    deleted_at: float | None = None
