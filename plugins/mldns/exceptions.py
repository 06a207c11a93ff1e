"""What can go wrong, as classes that carry data. Every message is one line that names the culprit and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 5


def shorten(items: Sequence[str], shown: int = _SHOWN) -> str:
    """The first few items and how many more there are: a message stays one line at 10,000 names."""
    text = ", ".join(items[:shown])
    return text if len(items) <= shown else f"{text} and {len(items) - shown:,} more"


class MldnsError(Exception):
    """The base of every error that mldns raises on purpose."""


class InvalidInput(MldnsError, ValueError):
    """Something the caller wrote cannot be right. Nothing was sent."""


class ManifestTooLarge(InvalidInput):
    """The names and grants do not fit into the owner's manifest. Nothing was sent."""

    def __init__(self, *, owner: str, size: int, limit: int) -> None:
        self.owner, self.size, self.limit = owner, size, limit
        super().__init__(
            f"the manifest of {owner!r} would take {size:,} bytes of at most {limit:,}: "
            "explicit names and grants are listed one by one; give workers, kept as rank ranges, or use several jobs"
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that is not ours to write: a record of somebody else is `found` there, or another job has claimed it.

    `owner` is None where no marker tells whose the record is.
    """

    name: str
    type: str
    owner: str | None
    found: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, "owner": self.owner, "found": list(self.found)}

    def __str__(self) -> str:
        held = "owned" if self.found else "claimed"
        whose = f"{held} by {self.owner}" if self.owner else "owner unknown: no manifest covers it"
        return f"{self.name} {self.type} ({whose})"


class OwnershipConflict(MldnsError):
    """Records that somebody else owns stand where ours should go. Nothing was written."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        unowned = any(conflict.owner is None for conflict in self.conflicts)
        super().__init__(
            f"{len(self.conflicts):,} record(s) belong to somebody else: {shorten([str(c) for c in self.conflicts])}; "
            "choose another name, or have the owner remove or release it"
            + ("; what nobody owns and says the same is taken over with adopt=True" if unowned else "")
        )


class ClaimRefused(MldnsError):
    """Another claimant, or another lease that still counts, holds the owner's names. Nothing was written."""

    def __init__(self, *, owner: str, claimant: str, lease: str, expires: str | None, same_claimant: bool) -> None:
        self.owner, self.claimant, self.lease, self.expires = owner, claimant, lease, expires
        self.same_claimant = same_claimant
        until = f" until {expires}" if expires else ""
        way_out = "wait for its release" if same_claimant else "choose another job name"
        super().__init__(
            f"the names of {owner!r} are held by claimant {claimant or '(none)'!r}, lease {lease or '(none)'!r}{until}"
            f"; {way_out}, or take them over with adopt=True"
        )


class LeaseLost(MldnsError):
    """The names came into other hands while this call was writing, so it stopped. `holder` is None: released.

    What it had written, `live` record changes, went with the names: there is nothing to clean up.
    """

    def __init__(self, *, owner: str, lease: str, holder: str | None, live: int) -> None:
        self.owner, self.lease, self.holder, self.live = owner, lease, holder, live
        how = "released" if holder is None else f"overtaken by lease {holder or '(none)'!r}"
        super().__init__(
            f"lease {lease or '(none)'!r} of {owner!r} was {how} while it was writing: stopped after {live:,} record "
            "changes, which went with the names; start the run again if it is still wanted"
        )


class ZoneNotFound(MldnsError):
    """The managed zone does not exist in that project."""

    def __init__(self, zone: str, project_id: str) -> None:
        self.zone, self.project_id = zone, project_id
        super().__init__(f"managed zone {zone!r} does not exist in project {project_id!r}: create it with ensure_zone")


class ZoneMismatch(MldnsError):
    """A zone of that name exists and is another zone: its dnsName or visibility cannot be changed."""

    def __init__(self, *, zone: str, field: str, wanted: str, found: str) -> None:
        self.zone, self.field, self.wanted, self.found = zone, field, wanted, found
        super().__init__(
            f"managed zone {zone!r} exists with {field} {found!r}, not {wanted!r}; "
            "Google cannot change that: use another zone name, or ask for what is there"
        )


class ZoneNotOurs(MldnsError):
    """mldns did not make this zone, so it does not delete it."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        super().__init__(f"managed zone {zone!r} has no label managed-by=mldns: only zones that mldns made are deleted")


class ZoneNotEmpty(MldnsError):
    """The zone still holds records, so Google does not delete it."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        super().__init__(
            f"managed zone {zone!r} still holds records: release the jobs in it with delete_records, "
            "'shared' included, take back their grants with unbind_iam, and remove what others left there"
        )


class PlanChanged(MldnsError):
    """The zone moved on since the plan was reviewed. Nothing was written."""

    def __init__(self, *, reviewed: str, now: str, summary: str) -> None:
        self.reviewed, self.now = reviewed, now
        super().__init__(
            f"the plan is no longer the reviewed one ({reviewed} is now {now}: {summary}); review it again"
        )


class QuotaShort(MldnsError):
    """The project's quota cannot hold what was asked for."""


class PermissionMissing(MldnsError):
    """Google refused with 403: the caller lacks `permission` on `resource`."""

    def __init__(self, *, permission: str, resource: str, detail: str = "") -> None:
        self.permission, self.resource = permission, resource
        super().__init__(
            f"permission {permission} is missing on {resource}"
            + (f": {detail}" if detail else "")
            + "; grant the caller a role that has it"
        )


class ChangeFailed(MldnsError):
    """Applying stopped in the middle. `live` and `missing` count records of this call."""

    def __init__(self, *, zone: str, live: int, missing: int, reason: str) -> None:
        self.zone, self.live, self.missing, self.reason = zone, live, missing, reason
        super().__init__(
            f"zone {zone!r}: {live:,} record changes are live, {missing:,} are not: {reason}; a retry does the rest"
        )


class CloudUnavailable(MldnsError):
    """Retries are used up and the API still does not answer as it should. `reason` says so without the way out."""

    def __init__(self, reason: str, *, way_out: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}; {way_out}" if way_out else reason)


class ResolutionFailed(MldnsError):
    """Names did not resolve as asked in time. `failures` are one line each: name, server, expected, got."""

    def __init__(self, *, summary: str, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{summary}: {shorten(self.failures, 20)}")
