"""The authoritative form of a grant: a role is for exactly these members, and whoever else has it loses it.

As an IAMBinding of Pulumi or Terraform does it, with two differences: nobody goes whose removal was not agreed to by
name, however late they came, and nobody goes whom another job still holds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from mldns.exceptions import RemovalsRefused
from mldns.iam.grants import Grant, Job, Note
from mldns.iam.policy import Edit, Policy, add_members, member_key, others, remove_members
from mldns.providers.gcp.iam.grants import bind, settle
from mldns.providers.gcp.iam.ledger import GrantBook, Ledger
from mldns.providers.gcp.iam.policy_store import CONTENTION, PolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Review:
    """What a grant would do now: who would come, who has the role already, and who would go.

    `held` are those of `removes` that other jobs hold: they do not go.
    """

    adds: tuple[str, ...]
    already: tuple[str, ...]
    removes: tuple[str, ...]
    held: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        return {
            "adds": list(self.adds),
            "already": list(self.already),
            "removes": list(self.removes),
            "held_by": {member: list(jobs) for member, jobs in self.held.items()},
        }


def review(
    store: PolicyStore, grant: Grant, ledger: Ledger | None, *, job: Job | None = None, authoritative: bool = True
) -> Review:
    """Look only.

    :param ledger: where jobs note what they hold; None asks nobody.
    :param job: the caller's, whose own notes keep nobody.
    """
    policy = store.read()
    edit = add_members(policy, role=grant.role, members=grant.members, condition=grant.condition)
    removes = _others(policy, grant) if authoritative else ()
    held = _held(ledger, grant, removes, job)
    return Review(edit.changed, edit.unchanged, removes, held)


def bind_exactly(
    store: PolicyStore,
    grant: Grant,
    book: GrantBook | None,
    ledger: Ledger | None,
    *,
    reviewed: Collection[str],
    contention: RetryPolicy = CONTENTION,
) -> tuple[list[str], list[str], list[str]]:
    """Give the role to the members and to nobody else; returns those added, those that had it, and those removed.

    Members come before others go, so that nobody who is to have the role lacks it meanwhile.

    :param reviewed: who may go; others may be named who do not have the role, as after a first try.
    :param contention: as of `edit_policy`.
    :raises RemovalsRefused: somebody would go who is not among them, or whom another job holds. Nobody went.
    """
    agreed = {member_key(member) for member in reviewed}
    job = book.job if book else None
    found = review(store, grant, ledger, job=job)
    _refuse(store, grant, found.removes, agreed, found.held)
    added, already = bind(store, grant, book, contention=contention)
    told: set[str] = set()

    def edit(policy: Policy) -> Edit:
        going = _others(policy, grant)
        _refuse(store, grant, going, agreed, {})
        for member in going:
            if member not in told:
                log.warning("policy of %s: %s loses %s, as reviewed", store.resource, member, grant.role)
        told.update(going)
        asked = dict.fromkeys([*found.removes, *going])
        return remove_members(policy, role=grant.role, members=asked, condition=grant.condition)

    removed, _ = edit_policy(store, edit, contention=contention)
    if removed:
        _square(store, replace(grant, members=tuple(removed)), book, ledger)
    return added, already, removed


def _square(store: PolicyStore, gone: Grant, book: GrantBook | None, ledger: Ledger | None) -> None:
    """Strike our own notes of those who went, and give back what another job has come to hold meanwhile."""
    if book is not None:
        book.mark(gone, dict.fromkeys(book.notes(gone)))
    if ledger is not None and (back := settle(store, ledger, gone, gone.members).came):
        log.warning("policy of %s: given back, as jobs hold it: %s", store.resource, ", ".join(sorted(back)))


def _held(ledger: Ledger | None, grant: Grant, removes: tuple[str, ...], job: Job | None) -> dict[str, tuple[str, ...]]:
    if ledger is None or not removes:
        return {}
    listings = ledger.listings(replace(grant, members=removes))
    held = {
        member: tuple(str(other) for other, note in sorted(notes.items()) if note is Note.HELD and other != job)
        for member, notes in listings.items()
    }
    return {member: jobs for member, jobs in held.items() if jobs}


def _others(policy: Policy, grant: Grant) -> tuple[str, ...]:
    return others(policy, role=grant.role, members=grant.members, condition=grant.condition)


def _refuse(
    store: PolicyStore, grant: Grant, going: Iterable[str], agreed: Collection[str], held: dict[str, tuple[str, ...]]
) -> None:
    unreviewed = [member for member in going if member_key(member) not in agreed]
    if unreviewed or held:
        raise RemovalsRefused(role=grant.role, resource=store.resource, unreviewed=unreviewed, held=held)
