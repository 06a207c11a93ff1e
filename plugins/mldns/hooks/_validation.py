"""Checking what a caller of the hook asks for, before anything is sent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.iam.grants import Grant
from mldns.iam.policy import parse_condition, parse_members, parse_role
from mldns.inventory.job_records import DEFAULT_TTL
from mldns.ownership.claims import Holder, LeaseEnd
from mldns.providers.gcp.zones import ZONE_NAME
from mldns.records.names import slug
from mldns.records.rrset import RRset, check_records, parse_record

Record = Mapping[str, Any] | RRset
"""`{"name", "type", "ttl", "rrdatas"}` as in the API, or an rrset of `mldns.inventory.job_records.DesiredRecords`."""

SCOPES = ("zone", "project")

_ZONE_ID = re.compile(r"[0-9]{1,20}")


def zone_name(zone: str) -> str:
    """A managed zone's name or numeric id: both name it in every method of the API."""
    if not isinstance(zone, str) or not (ZONE_NAME.fullmatch(zone) or _ZONE_ID.fullmatch(zone)):
        raise InvalidInput(f"zone {zone!r} is neither the name of a managed zone, such as 'ml-zone', nor its id")
    return zone


def flag(value: bool, name: str) -> bool:
    """A boolean and nothing that merely counts as one: the text "false" must not adopt somebody's names."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} {value!r} is neither True nor False")
    return value


def change_id(value: str | int) -> str:
    """The id of a change: a decimal counter of the zone."""
    if value is None:
        raise InvalidInput("change_id None: no change was sent, so there is none to wait for")
    return str(arguments.whole(value, "change_id"))


def permissions(asked: Iterable[str]) -> list[str]:
    """Permissions such as `dns.changes.create`."""
    if isinstance(asked, str | Mapping) or not isinstance(asked, Iterable):
        raise InvalidInput(f"permissions must be a list such as ['dns.changes.create'], not {asked!r}")
    listed = list(asked)
    for permission in listed:
        if not isinstance(permission, str) or not permission:
            raise InvalidInput(f"permission {permission!r} is not text such as 'dns.changes.create'")
    return listed


def scope(scope: str, zone: str | None) -> None:
    """The scope must be `zone` or `project`, and a zone's must name the zone."""
    if scope not in SCOPES:
        raise InvalidInput(f"scope {scope!r} is neither 'zone' nor 'project': the scope of a grant is always said")
    if zone is not None:
        zone_name(zone)
    elif scope == "zone":
        raise InvalidInput("scope 'zone' needs the zone")


def grant(
    role: str,
    members: Iterable[str],
    scope_: str,
    condition: Mapping[str, str] | None,
    *,
    zone: str | None,
    owner: str | None,
    removing: bool = False,
) -> Grant:
    """Return what to grant or to take back, checked as a whole.

    :param zone: needed with scope "zone", and with an owner.
    :param owner: the job in whose manifest the grant is recorded.
    :param removing: let through members that may stand in a policy but are never added.
    :raises InvalidInput: naming what is wrong.
    """
    scope(scope_, zone)
    if owner is not None:
        slug(owner)
        if zone is None:
            raise InvalidInput(f"a grant is recorded in the manifest of {owner!r}, which is in a zone: name the zone")
    who = parse_members(members, removing=removing)
    # For nobody no role is needed: a form's empty fields are no binding, and no error.
    return Grant(scope_, parse_role(role) if who or role else "", who, parse_condition(condition))


def holder(
    owner: str,
    claimant: str,
    lease: str,
    lease_hours: float | None = None,
    *,
    adopt: bool = False,
    lease_ended: LeaseEnd | bool | None = None,
    claimed: bool = False,
) -> Holder:
    """Return who asks, as `Holder.parse`, from booleans and nothing that merely counts as one.

    :param lease_hours: from now on; None promises no end.
    :param lease_ended: whether the run behind the lease that holds the names now is over; None where nobody can tell.
    """
    asks = Holder.parse(
        owner=owner,
        claimant=claimant,
        lease=lease,
        lease_hours=lease_hours,
        now=time.time(),
        adopt=flag(adopt, "adopt"),
        claimed=flag(claimed, "claimed"),
    )
    return replace(asks, lease_ended=_lease_ended(lease_ended))


def _lease_ended(told: LeaseEnd | bool | None) -> LeaseEnd | bool | None:
    return told if told is None or isinstance(told, LeaseEnd) else flag(told, "lease_ended")


def rows(records: Iterable[Record]) -> list[Record]:
    """The records as a list that is not empty: to remove what an owner has is a release, said in so many words."""
    if isinstance(records, str | Mapping | RRset) or not isinstance(records, Iterable):
        raise InvalidInput(f"records must be a list of records, not {type(records).__name__}")
    listed = list(records)
    if not listed:
        raise InvalidInput("records is empty: to remove an owner's records, call delete_records")
    return listed


def desired(records: Iterable[Record], dns_name: str) -> list[RRset]:
    """What to write: mappings validated and normalised, the data of rrsets as it comes; fit to stand side by side."""
    wanted = [
        record if isinstance(record, RRset) else parse_record(record, dns_name=dns_name, default_ttl=DEFAULT_TTL)
        for record in records
    ]
    check_records(wanted, dns_name)
    return wanted
