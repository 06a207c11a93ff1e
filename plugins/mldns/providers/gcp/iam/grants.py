"""Giving members a role and taking it back, on a zone or a project, with every grant noted at the job that asked.

Policies and manifests are different resources, so nothing changes both at once. What holds nevertheless, in whatever
order jobs bind and unbind one grant, and wherever they die:

- A grant that a job holds is in the policy once that job's `bind` has returned. A job that finds a grant of another job
  holds it, too; one that finds a grant which no manifest notes leaves it alone, now and when it unbinds.
- A grant that no job holds any more is not in the policy once the last `unbind` has returned; one that died half way is
  still noted as leaving, and ends when it is called again.

It works by the order of the steps. `bind`: note as intended, write the policy, note as held, look at the policy again.
`unbind`: note as leaving, look at the other manifests, write the policy, look at the manifests again, strike the note.
Whoever writes the policy looks afterwards at what it did not know before, so that the last one to look puts it right;
and who binds waits for those who are leaving, since one that dies between writing and looking puts nothing right.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mldns.exceptions import CloudUnavailable, MldnsError, PermissionMissing
from mldns.iam.grants import Grant, Job, Note
from mldns.iam.policy import Edit, Policy, add_members, remnants, remove_members, settle_members
from mldns.messages import shorten
from mldns.providers.errors import ApiRefused
from mldns.providers.gcp.iam.ledger import GrantBook, Ledger, Listings
from mldns.providers.gcp.iam.policy_store import CONTENTION, PolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy

log = logging.getLogger(__name__)

LEAVING = RetryPolicy(initial=0.1, maximum=1.0, deadline=10.0)
"""How long to wait for a job that is taking a grant back: two policy edits' time, unless it died."""

# Each round ends, unless somebody else wrote in the middle of it; edits wait with jitter, so this is never reached.
_ROUNDS = 50


class _Moving(MldnsError):
    """Somebody else is at work on the same grant."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """The end of an unbind: members that lost the role, that did not have it, and that kept it.

    `kept` says by member which jobs hold it; none, where the job that unbinds did not grant it.
    """

    removed: tuple[str, ...]
    absent: tuple[str, ...]
    kept: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _View:
    """Who has the role, and whose manifests note it; true of one moment for members that no manifest notes."""

    present: frozenset[str]
    listings: Listings


def bind(
    store: PolicyStore, grant: Grant, book: GrantBook | None, *, contention: RetryPolicy = CONTENTION
) -> tuple[list[str], list[str]]:
    """Add the members to the role; returns those that were added, and those that had it already.

    :param book: where to note the grant; None notes nothing.
    :param contention: as of `edit_policy`.
    """
    if book is not None:
        return _Binding(store, grant, book, contention).run()
    add = functools.partial(add_members, role=grant.role, members=grant.members, condition=grant.condition)
    return edit_policy(store, add, contention=contention)


def unbind(
    store: PolicyStore,
    grant: Grant,
    book: GrantBook | None,
    ledger: Ledger | None = None,
    *,
    contention: RetryPolicy = CONTENTION,
) -> Unbound:
    """Take the role from the members, as far as no other job holds it.

    :param book: of the job that takes back what it noted; members that it did not note are kept.
    :param ledger: without a book, where jobs note what they hold; None asks nobody.
    :param contention: as of `edit_policy`.
    """
    if book is not None:
        return _unbind_noted(store, grant, book, contention)
    if ledger is not None:
        return _told(grant.members, settle(store, ledger, grant, grant.members, contention=contention))
    remove = functools.partial(remove_members, role=grant.role, members=grant.members, condition=grant.condition)
    removed, absent = edit_policy(store, remove, contention=contention)
    return Unbound(tuple(removed), tuple(absent), {})


def _unbind_noted(store: PolicyStore, grant: Grant, book: GrantBook, contention: RetryPolicy) -> Unbound:
    """Take back what a job noted. A failure leaves its notes as leaving: true, and a retry goes on from there."""
    noted = book.notes(grant)
    members = [member for member in grant.members if member in noted]
    book.mark(grant, dict.fromkeys(members, Note.LEAVING))
    ended = settle(store, book.ledger, grant, members, contention=contention) if members else Settled({})
    book.mark(grant, dict.fromkeys(members))
    result = _told(members, ended)
    strangers: dict[str, tuple[str, ...]] = {member: () for member in grant.members if member not in noted}
    return Unbound(result.removed, result.absent, {**strangers, **result.kept})


@dataclass(slots=True)
class Settled:
    """What the manifests said last, and who came and went on the way to a policy that says the same."""

    listings: Listings
    came: set[str] = field(default_factory=set)
    went: set[str] = field(default_factory=set)

    def holders(self, member: str) -> tuple[str, ...]:
        """The jobs, in words."""
        return tuple(str(job) for job, note in sorted(self.listings[member].items()) if note is Note.HELD)


def settle(
    store: PolicyStore,
    ledger: Ledger,
    grant: Grant,
    members: Sequence[str],
    *,
    waiting: Job | None = None,
    contention: RetryPolicy = CONTENTION,
) -> Settled:
    """Bring the policy to what the manifests say of `members`: those that a job holds are in it, the others are not.

    :param waiting: the job that first waits for all others that are taking the grant back; None waits for nobody.
    :raises CloudUnavailable: others kept writing.
    """
    patient = replace(LEAVING, deadline=min(LEAVING.deadline, contention.deadline))
    end = Settled(ledger.listings(grant) if waiting is None else _listings_at_rest(ledger, grant, waiting, patient))
    left: dict[str, str] | None = None

    def edit(policy: Policy) -> Edit:
        nonlocal left
        if left is None:  # at the first look: a member that goes by our own hand leaves nothing that was it
            left = remnants(policy, role=grant.role, members=members, condition=grant.condition)
        held = [member for member in members if end.holders(member)]
        gone = [member for member in members if member not in held]
        spellings = [spelling for spelling, member in left.items() if member in gone]
        return settle_members(
            policy, role=grant.role, present=held, absent=[*gone, *spellings], condition=grant.condition
        )

    for _ in range(_ROUNDS):
        changed = edit_policy(store, edit, contention=contention)[0]
        if not changed:
            return end
        for spelling in changed:
            member = (left or {}).get(spelling, spelling)
            (end.came if end.holders(member) else end.went).add(member)
        end.listings = ledger.listings(grant)
    raise CloudUnavailable(f"the policy of {store.resource} did not settle in {_ROUNDS} rounds: try again")


def _listings_at_rest(ledger: Ledger, grant: Grant, waiting: Job, patient: RetryPolicy) -> Listings:
    """The listings when no other job is taking any of it back, or when one has not finished in all the time."""
    listings: Listings = {}

    def look() -> Listings:
        nonlocal listings
        listings = ledger.listings(grant)
        jobs = {job for notes in listings.values() for job, note in notes.items() if note is Note.LEAVING}
        if names := sorted(str(job) for job in jobs - {waiting}):
            raise _Moving(
                f"{shorten(names)} began to take back {grant.role}: call unbind for it again, should it be dead"
            )
        return listings

    try:
        return patient.run(look, what=f"grant of {grant.role}", repeatable=lambda error: isinstance(error, _Moving))
    except CloudUnavailable as error:
        if not isinstance(error.__cause__, _Moving):
            raise
        log.warning("%s", error.__cause__)
        return listings


def _told(members: Sequence[str], settled: Settled) -> Unbound:
    kept = {member: holders for member in members if (holders := settled.holders(member))}
    removed = tuple(member for member in members if member in settled.went and member not in kept)
    return Unbound(removed, tuple(member for member in members if member not in (*removed, *kept)), kept)


@dataclass(slots=True)
class _Binding:
    """One call of `bind` for a job."""

    store: PolicyStore
    grant: Grant
    book: GrantBook
    contention: RetryPolicy
    added: set[str] = field(default_factory=set)
    intended: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)

    def run(self) -> tuple[list[str], list[str]]:
        members, pending = self.grant.members, list(self.grant.members)
        for _ in range(_ROUNDS):
            missing = self._note(pending)
            pending = self._add(missing) if missing else []
            if not pending:
                break
        else:
            raise CloudUnavailable(f"the policy of {self.store.resource} did not settle in {_ROUNDS} rounds: try again")
        self.book.mark(self.grant, {member: Note.HELD for member in members if member in self.added})
        if ours := [member for member in members if member in self.added | self.held]:
            settle(
                self.store,
                self.book.ledger,
                self.grant,
                ours,
                waiting=self.book.job,
                contention=self.contention,
            )
        return [m for m in members if m in self.added], [m for m in members if m not in self.added]

    def _note(self, members: Sequence[str]) -> list[str]:
        """Note what is to become of each member; returns those that lack the role."""
        view, job = self._survey(), self.book.job
        marks: dict[str, Note | None] = {}
        for member in members:
            notes = view.listings[member]
            ours, shared = notes.get(job), bool(notes.keys() - {job})
            if member not in view.present:
                if ours is None or ours is Note.LEAVING:
                    marks[member] = Note.INTENDED
                    self.intended.add(member)
            elif member in self.intended:
                # It came between our look and our write: from another job, or else from somebody who keeps it.
                marks[member] = Note.HELD if shared else None
                self.intended.discard(member)
            elif ours is not Note.HELD and (ours is not None or shared):
                marks[member] = Note.HELD
        self.book.mark(self.grant, marks)
        self.held |= {member for member, mark in marks.items() if mark is Note.HELD}
        return [member for member in members if member not in view.present]

    def _add(self, members: Sequence[str]) -> list[str]:
        """Write the policy; returns members that came into it meanwhile, by somebody else's hand."""
        grant = self.grant
        add = functools.partial(add_members, role=grant.role, members=members, condition=grant.condition)
        try:
            added, found = edit_policy(self.store, add, contention=self.contention)
        except (ApiRefused, PermissionMissing):
            # Any other failure may have come after the policy was written.
            self.book.mark(grant, dict.fromkeys(self.intended - self.added))
            raise
        self.added.update(added)
        return found

    def _survey(self) -> _View:
        grant = self.grant

        def look() -> _View:
            policy = self.store.read()
            edit = add_members(policy, role=grant.role, members=grant.members, condition=grant.condition)
            listings = self.book.ledger.listings(grant)
            foreign = [member for member in edit.unchanged if not listings[member]]
            if foreign and self.store.read().get("etag") != policy.get("etag"):
                # The member may have had the role from a job that took it back, note and all, in between.
                raise _Moving(f"the policy of {self.store.resource} was written meanwhile")
            return _View(frozenset(edit.unchanged), listings)

        return self.contention.run(
            look,
            what=f"the policy of {self.store.resource}",
            repeatable=lambda error: isinstance(error, _Moving),
        )
