"""Bringing a policy to what the jobs' notes say, and waiting for others that are at work on the same grant."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mldns.exceptions import CloudUnavailable, MldnsError
from mldns.iam.grants import Grant, Job, Note
from mldns.iam.policy import Edit, IamPolicy, remnants, set_members
from mldns.messages import shorten
from mldns.providers.iam.ledger import Ledger, Listings
from mldns.providers.iam.policy_store import CONTENTION, IamPolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy

log = logging.getLogger(__name__)

T = TypeVar("T")

OTHERS = RetryPolicy(initial=0.1, maximum=1.0, deadline=10.0)
"""How long to wait for others that make the same grant or take it back: two policy edits' time, unless they died."""

# Each round ends, unless somebody else wrote in the middle of it; edits wait with jitter, so this is never reached.
ROUNDS = 50


class Moving(MldnsError):
    """Somebody else is at work on the same grant."""


@dataclass(slots=True)
class Alignment:
    """What the manifests said last, and who came and went on the way to a policy that says the same."""

    listings: Listings
    came: set[str] = field(default_factory=set)
    went: set[str] = field(default_factory=set)

    def holders(self, member: str) -> tuple[str, ...]:
        """The jobs, in words."""
        return tuple(str(job) for job, note in sorted(self.listings[member].items()) if note is Note.HELD)


def align_policy(
    store: IamPolicyStore,
    ledger: Ledger,
    grant: Grant,
    members: Sequence[str],
    *,
    waiting: Job | None = None,
    contention: RetryPolicy = CONTENTION,
    patience: RetryPolicy | None = None,
) -> Alignment:
    """Bring the policy to what the manifests say of `members`: those that a job holds are in it, the others are not.

    :param store: the policy.
    :param ledger: of all jobs.
    :param grant: the role and the condition.
    :param members: of whom nobody else is looked at.
    :param waiting: the job that first waits for all others that are taking the grant back; None waits for nobody.
    :param contention: as of `edit_policy`.
    :param patience: how long `waiting` waits; None for `OTHERS`.
    :return: the notes as they were last, and who came and went.
    :raises CloudUnavailable: others kept writing.
    """
    patient = patience or for_others(contention)
    end = Alignment({})
    left: dict[str, str] | None = None
    waited = False

    def leaving(listings: Listings) -> list[str]:
        nonlocal waited
        names = _leaving(listings, waiting)
        waited = waited or bool(names)
        return names

    def edit(policy: IamPolicy) -> Edit:
        nonlocal left
        if left is None:  # at the first look: a member that goes by our own hand leaves nothing that was it
            left = remnants(policy, role=grant.role, members=members, condition=grant.condition)
        # After the policy was read: who takes a grant back has noted that before it left the policy.
        end.listings = patiently(lambda: ledger.listings(grant), leaving, grant, patient)
        held = [member for member in members if end.holders(member)]
        gone = [member for member in members if member not in held]
        spellings = [spelling for spelling, member in left.items() if member in gone]
        return set_members(policy, role=grant.role, present=held, absent=[*gone, *spellings], condition=grant.condition)

    for _ in range(ROUNDS):
        waited = False
        changed = edit_policy(store, edit, contention=contention)[0]
        if not changed and not waited:
            return end
        waiting = None  # once is enough; but the policy was read before it
        for spelling in changed:
            member = (left or {}).get(spelling, spelling)
            (end.came if end.holders(member) else end.went).add(member)
    raise CloudUnavailable(f"the policy of {store.resource} did not settle in {ROUNDS} rounds: try again")


def for_others(contention: RetryPolicy) -> RetryPolicy:
    return replace(OTHERS, deadline=min(OTHERS.deadline, contention.deadline))


def patiently(look: Callable[[], T], busy: Callable[[T], list[str]], grant: Grant, patience: RetryPolicy) -> T:
    """Look until nobody is at work any more, or until the time is over.

    :param look: what is returned, of the last look.
    :param busy: who is at work by what was found, in words.
    :param grant: whose role is told in the log.
    :param patience: how often and how long to look; who has not finished then is logged, and no error.
    """
    found: list[T] = []

    def attempt() -> T:
        found.append(look())
        if names := busy(found[-1]):
            raise Moving(f"{shorten(names)} {grant.role}: call it again, should it be dead")
        return found[-1]

    try:
        return patience.run(attempt, what=f"grant of {grant.role}", repeatable=lambda error: isinstance(error, Moving))
    except CloudUnavailable as error:
        if not isinstance(error.__cause__, Moving):
            raise
        log.warning("%s", error.__cause__)
        return found[-1]


def _leaving(listings: Listings, waiting: Job | None) -> list[str]:
    """The jobs beside `waiting` that are taking a grant back; nobody for nobody who waits."""
    jobs = {job for notes in listings.values() for job, note in notes.items() if note is Note.LEAVING}
    return [f"unbind of {job} began to take back" for job in sorted(jobs - {waiting})] if waiting else []
