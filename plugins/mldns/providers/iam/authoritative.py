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
from mldns.iam.policy import Edit, IamPolicy, add_members, member_key, others, remove_members
from mldns.providers.iam.alignment import align_policy
from mldns.providers.iam.binding import bind
from mldns.providers.iam.ledger import JobLedger, Ledger
from mldns.providers.iam.policy_store import CONTENTION, IamPolicyStore, edit_policy
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
    store: IamPolicyStore, grant: Grant, ledger: Ledger | None, *, job: Job | None = None, authoritative: bool = True
) -> Review:
    """Look what a grant would do, and write nothing.

    :param store: the policy.
    :param grant: the role, the members and the condition.
    :param ledger: where jobs note what they hold; None asks nobody.
    :param job: the caller's, whose own notes keep nobody.
    :param authoritative: whether everybody else would go.
    """
    policy = store.read()
    edit = add_members(policy, role=grant.role, members=grant.members, condition=grant.condition)
    removes = _others(policy, grant) if authoritative else ()
    held = _held(ledger, grant, removes, job)
    return Review(edit.changed, edit.unchanged, removes, held)


def bind_exactly(
    store: IamPolicyStore,
    grant: Grant,
    job_ledger: JobLedger | None,
    ledger: Ledger | None,
    *,
    reviewed: Collection[str],
    contention: RetryPolicy = CONTENTION,
) -> tuple[list[str], list[str], list[str]]:
    """Give the role to the members and to nobody else; return those added, those that had it, and those removed.

    Members come before others go, so that nobody who is to have the role lacks it meanwhile.

    :param grant: the role, the members and the condition.
    :param job_ledger: where to note the grant; None notes nothing.
    :param ledger: where jobs note what they hold; None asks nobody.
    :param reviewed: who may go; others may be named who do not have the role, as after a first try.
    :param contention: as of `edit_policy`.
    :raises RemovalsRefused: somebody would go who is not among them, or whom another job holds. Nobody went.
    """
    agreed = {member_key(member) for member in reviewed}
    found = review(store, grant, ledger, job=job_ledger.job if job_ledger else None)
    _refuse(store, grant, found.removes, agreed, found.held)
    added, already = bind(store, grant, job_ledger, contention=contention)
    warned: set[str] = set()

    def edit(policy: IamPolicy) -> Edit:
        going = _others(policy, grant)
        _refuse(store, grant, going, agreed, {})
        for member in going:
            if member not in warned:
                log.warning("policy of %s: %s loses %s, as reviewed", store.resource, member, grant.role)
        warned.update(going)
        asked = dict.fromkeys([*found.removes, *going])
        return remove_members(policy, role=grant.role, members=asked, condition=grant.condition)

    removed, _ = edit_policy(store, edit, contention=contention)
    if removed:
        _amend_notes(store, replace(grant, members=tuple(removed)), job_ledger, ledger)
    return added, already, removed


def _amend_notes(store: IamPolicyStore, gone: Grant, job_ledger: JobLedger | None, ledger: Ledger | None) -> None:
    """Strike our own notes of those who went, and give back what another job has come to hold meanwhile."""
    if job_ledger is not None:
        job_ledger.mark(gone, dict.fromkeys(job_ledger.notes(gone)))
    if ledger is not None and (back := align_policy(store, ledger, gone, gone.members).came):
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


def _others(policy: IamPolicy, grant: Grant) -> tuple[str, ...]:
    return others(policy, role=grant.role, members=grant.members, condition=grant.condition)


def _refuse(
    store: IamPolicyStore, grant: Grant, going: Iterable[str], agreed: Collection[str], held: dict[str, tuple[str, ...]]
) -> None:
    unreviewed = [member for member in going if member_key(member) not in agreed]
    if unreviewed or held:
        raise RemovalsRefused(role=grant.role, resource=store.resource, unreviewed=unreviewed, held=held)
