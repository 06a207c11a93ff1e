"""What mldns needs of a cloud's DNS: a few value objects and `DnsProvider`.

The editor, the reader, the changes and the quota of this package work through it and know no cloud; `providers/gcp`
and `providers/aws` implement it, and Azure would fit, too:

                  Google Cloud DNS            Route 53                            Azure DNS
    change        atomic, also its deletions  atomic; a DELETE must match name,   one PUT or DELETE a record set
                  must match what is there    type, TTL and values exactly
    refused       409 or 412                  400 InvalidChangeBatch              412: `revision` is sent as If-Match
    limits        additions, deletions, bytes `elements=1_000` together,          `atomic=False`: the editor refuses,
                                              `rrdata_bytes=32_000`               until it can lock by the manifest
    manifest      4 KB, mldns's own limit     `manifest_bytes=4_000`              4,096 characters
    done          `done`                      INSYNC                              never told: `UNSUPPORTED`
    history       the list of changes         none: `find_change` is None         none: `find_change` is None

A change is never sent again by a provider unless it cannot have been applied: `mldns.providers.changes` looks at the
zone first. Everything else a provider repeats by itself, within `retry`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mldns.plan.batches import Change, Limits
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset

OUR_LABEL = ("managed-by", "mldns")
"""The label (Google) or tag (AWS, Azure) of every zone that mldns makes; without it mldns deletes none."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as a provider found it.

    :param name: what people call it and the provider finds it by.
    :param dns_name: what it serves, lower case with the trailing dot.
    :param visibility: `public` or `private`.
    :param id: the provider's own name of it, where that is another one than `name`.
    :param name_servers: of a public zone.
    :param networks: that may ask a private zone, as the provider spells them.
    :param source: the provider's answer, for its hook alone.
    """

    name: str
    dns_name: str
    visibility: str = "private"
    id: str = ""
    name_servers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    description: str = field(default="", compare=False)
    source: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def public(self) -> bool:
        """Whether anybody can read it."""
        return self.visibility == "public"

    @property
    def managed(self) -> bool:
        """Whether mldns made it."""
        key, value = OUR_LABEL
        return self.labels.get(key) == value


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A zone as asked for, checked by the rules of its cloud; the fields are those of `Zone`."""

    name: str
    dns_name: str
    visibility: str
    networks: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


class ChangeStatus(StrEnum):
    """How far a change is that was accepted."""

    PENDING = "pending"
    DONE = "done"
    """Sent to the name servers; not proven there."""
    UNSUPPORTED = "unsupported"
    """The cloud does not tell."""


@dataclass(frozen=True, slots=True)
class ChangeRef:
    """A change that was accepted; `id` is None where it cannot be known."""

    id: str | None
    status: ChangeStatus = ChangeStatus.PENDING


class DnsProvider(Protocol):
    """One account's zones. Threads may share it.

    Every method raises `mldns.exceptions`: `PermissionMissing`, `ZoneNotFound`, `QuotaShort`, `CloudUnavailable`, or
    `mldns.providers.errors.ApiRefused` and its kinds.
    """

    @property
    def project(self) -> str:
        """Where the zones are, for messages and metrics: a project, an account, a resource group."""

    @property
    def retry(self) -> RetryPolicy:
        """How often and how long a call is made again."""

    @property
    def documented(self) -> Limits:
        """The cloud's documented limits: good enough for a small change, and known without a call."""

    def find_zone(self, name: str) -> Zone | None:
        """The zone of that name or id, or None."""

    def list_zones(self, *, dns_name: str | None = None) -> list[Zone]:
        """All zones, or those that serve exactly `dns_name`."""

    def create_zone(self, spec: ZoneSpec) -> Zone:
        """Make a zone with `OUR_LABEL` on it.

        :raises AlreadyExists: there is one, be it that an earlier try of this very call made it.
        """

    def delete_zone(self, zone: Zone) -> bool:
        """Delete an empty zone; False where it is gone already.

        :raises ZoneNotEmpty: it holds records beside its own NS and SOA.
        """

    def limits(self, zone: Zone) -> Limits:
        """The limits that hold for the zone now.

        :raises PermissionMissing: the caller may not see them.
        """

    def rrsets(
        self, zone: Zone, *, below: str | None = None, name: str | None = None, type: str | None = None
    ) -> Iterator[RRset]:
        """The zone's rrsets exactly as they are listed, in the cloud's order; a list of several pages is no snapshot.

        :param below: those at this name and below it only.
        :param name: those at this name only.
        :param type: those of this type only; with `below` or `name`.
        """

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        """Send a change once.

        :param change: each of its deletions holds only if the zone has exactly that rrset.
        :raises ZoneMoved: the zone is not what the change was made for; nothing of it was applied.
        :raises AnswerLost: it may have been applied, or not.
        """

    def status(self, zone: Zone, change_id: str) -> ChangeStatus:
        """Return how far a change is.

        :param change_id: of the `ChangeRef` that `submit` or `find_change` returned.
        """

    def find_change(self, zone: Zone, change: Change | None = None) -> ChangeRef | None:
        """Look a change that was applied up in the zone's history.

        :param change: one that did the same; None: the newest.
        :return: None where it is not to be found.
        :raises PermissionMissing: the caller may not list changes.
        """
