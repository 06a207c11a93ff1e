"""Giving members a role and taking it back, on a zone or a project, with the grants recorded at the job that made them.

What an owner's manifest records is what it added itself: a member that had the role before is not the owner's to take
away. The intention is recorded before the policy is written, so that a crash in between leaves no grant unrecorded.
Accounts appear as digests, since anybody can read a public zone.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mldns.exceptions import PermissionMissing
from mldns.gcp.bindings import CONTENTION, PolicyStore, edit_policy
from mldns.gcp.errors import ApiRefused
from mldns.gcp.retry import RetryPolicy
from mldns.gcp.zone_editor import ZoneEditor
from mldns.manifest import masked
from mldns.policy import add_members, member_key, remove_members


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on one resource under one condition, for some members (all validated by `mldns.policy`).

    :param scope: "zone" or "project".
    """

    scope: str
    role: str
    members: tuple[str, ...]
    condition: Mapping[str, str] | None = None

    def recorded(self, member: str) -> str:
        """How a manifest spells this grant to one member."""
        text = f"{self.scope} {self.role} {masked(member_key(member))}"
        return f"{text} if {masked(json.dumps(self.condition, sort_keys=True))}" if self.condition else text


@dataclass(frozen=True, slots=True)
class GrantBook:
    """The grants in one owner's manifest."""

    editor: ZoneEditor
    owner: str

    def has(self, grant: Grant) -> set[str]:
        """The members of `grant` that this owner added."""
        noted = set(self.editor.grants(self.owner))
        return {member for member in grant.members if grant.recorded(member) in noted}

    def note(self, grant: Grant, members: Sequence[str]) -> None:
        """Record the grant to `members`."""
        lines = [grant.recorded(member) for member in members]
        self.editor.edit_grants(self.owner, lambda found: tuple(dict.fromkeys([*found, *lines])))

    def strike(self, grant: Grant, members: Sequence[str]) -> None:
        """Forget the grant to `members`."""
        lines = {grant.recorded(member) for member in members}
        self.editor.edit_grants(self.owner, lambda found: tuple(line for line in found if line not in lines))


def bind(
    store: PolicyStore, grant: Grant, book: GrantBook | None, *, contention: RetryPolicy = CONTENTION
) -> tuple[list[str], list[str]]:
    """Add the members to the role; returns those that were added, and those that had it already.

    :param contention: as of `edit_policy`.
    """
    add = functools.partial(add_members, role=grant.role, members=grant.members, condition=grant.condition)
    if book is None:
        return edit_policy(store, add, contention=contention)
    missing = add(store.read()).changed
    if not missing:
        return [], list(grant.members)
    book.note(grant, missing)
    try:
        added, already = edit_policy(store, add, contention=contention)
    except (ApiRefused, PermissionMissing):
        book.strike(grant, missing)  # any other failure may have come after the policy was written
        raise
    if others := [member for member in missing if member not in added]:
        book.strike(grant, others)
    return added, already


def unbind(
    store: PolicyStore, grant: Grant, book: GrantBook | None, *, contention: RetryPolicy = CONTENTION
) -> tuple[list[str], list[str], list[str]]:
    """Take the role from the members; returns those removed, those that did not have it, and those kept.

    With a book, members that its owner did not add are kept.

    :param contention: as of `edit_policy`.
    """
    ours = set(grant.members) if book is None else book.has(grant)
    members = [member for member in grant.members if member in ours]
    kept = [member for member in grant.members if member not in ours]
    if not members:
        return [], [], kept
    remove = functools.partial(remove_members, role=grant.role, members=members, condition=grant.condition)
    removed, absent = edit_policy(store, remove, contention=contention)
    if book is not None:
        book.strike(grant, members)
    return removed, absent, kept
