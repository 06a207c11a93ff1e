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
and who binds waits for those who are leaving, since one that dies between writing and looking puts nothing right. Two
calls of one job share its one note: whoever finds it intended waits until it is held, struck, or its writer dead; and
each strikes a note only as long as it has the mark that it gave.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mldns.exceptions import CloudUnavailable, PermissionMissing
from mldns.iam.grants import Grant, Note
from mldns.iam.policy import add_members, remove_members
from mldns.providers.errors import ApiRefused
from mldns.providers.iam.alignment import ROUNDS, Alignment, Moving, align_policy, for_others, patiently
from mldns.providers.iam.ledger import JobLedger, Ledger, Listings
from mldns.providers.iam.policy_store import CONTENTION, IamPolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy


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
    store: IamPolicyStore,
    grant: Grant,
    job_ledger: JobLedger | None,
    *,
    contention: RetryPolicy = CONTENTION,
    patience: RetryPolicy | None = None,
) -> tuple[list[str], list[str]]:
    """Add the members to the role; return those that were added, and those that had it already.

    :param store: the policy.
    :param grant: the role, the members and the condition.
    :param job_ledger: where to note the grant; None notes nothing.
    :param contention: as of `edit_policy`.
    :param patience: how long to wait for others at work on the same grant; None for `alignment.OTHERS`.
    :raises CloudUnavailable: others kept writing.
    """
    if job_ledger is not None:
        return _Binding(store, grant, job_ledger, contention, patience or for_others(contention)).run()
    add = functools.partial(add_members, role=grant.role, members=grant.members, condition=grant.condition)
    return edit_policy(store, add, contention=contention)


def unbind(
    store: IamPolicyStore,
    grant: Grant,
    job_ledger: JobLedger | None,
    ledger: Ledger | None = None,
    *,
    contention: RetryPolicy = CONTENTION,
    patience: RetryPolicy | None = None,
) -> Unbound:
    """Take the role from the members, as far as no other job holds it.

    :param store: the policy.
    :param grant: the role, the members and the condition.
    :param job_ledger: of the job that takes back what it noted; members that it did not note are kept.
    :param ledger: without a job's, where jobs note what they hold; None asks nobody.
    :param contention: as of `edit_policy`.
    :param patience: how long to wait for a bind of the same job; None for `alignment.OTHERS`.
    :return: who lost the role, who did not have it, and who kept it for whose sake.
    """
    if job_ledger is not None:
        return _unbind_noted(store, grant, job_ledger, contention, patience or for_others(contention))
    if ledger is not None:
        return _outcome(grant.members, align_policy(store, ledger, grant, grant.members, contention=contention))
    remove = functools.partial(remove_members, role=grant.role, members=grant.members, condition=grant.condition)
    removed, absent = edit_policy(store, remove, contention=contention)
    return Unbound(tuple(removed), tuple(absent), {})


def _unbind_noted(
    store: IamPolicyStore, grant: Grant, job_ledger: JobLedger, contention: RetryPolicy, patience: RetryPolicy
) -> Unbound:
    """Take back what a job noted. A failure leaves its notes as leaving: true, and a retry goes on from there."""
    noted = patiently(lambda: job_ledger.notes(grant), lambda notes: _being_bound(job_ledger, notes), grant, patience)
    members = [member for member in grant.members if member in noted]
    job_ledger.mark(grant, dict.fromkeys(members, Note.LEAVING), only=frozenset(noted.values()))
    ended = align_policy(store, job_ledger.ledger, grant, members, contention=contention) if members else Alignment({})
    # Not what a bind of this very job has noted again: nobody would know of that grant any more.
    job_ledger.mark(grant, dict.fromkeys(members), only=(Note.LEAVING,))
    result = _outcome(members, ended)
    strangers: dict[str, tuple[str, ...]] = {member: () for member in grant.members if member not in noted}
    return Unbound(result.removed, result.absent, {**strangers, **result.kept})


def _being_bound(job_ledger: JobLedger, notes: Mapping[str, Note]) -> list[str]:
    """Another call of the job's own, if one is making the grant."""
    return [f"bind of {job_ledger.job} began to grant"] if Note.INTENDED in notes.values() else []


def _outcome(members: Sequence[str], alignment: Alignment) -> Unbound:
    kept = {member: holders for member in members if (holders := alignment.holders(member))}
    removed = tuple(member for member in members if member in alignment.went and member not in kept)
    return Unbound(removed, tuple(member for member in members if member not in (*removed, *kept)), kept)


@dataclass(slots=True)
class _Binding:
    """One call of `bind` for a job."""

    store: IamPolicyStore
    grant: Grant
    job_ledger: JobLedger
    contention: RetryPolicy
    patience: RetryPolicy
    added: set[str] = field(default_factory=set)
    intended: set[str] = field(default_factory=set)
    inherited: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)

    def run(self) -> tuple[list[str], list[str]]:
        members, pending = self.grant.members, list(self.grant.members)
        for _ in range(ROUNDS):
            missing = self._note(pending)
            pending = self._add(missing) if missing else []
            if not pending:
                break
        else:
            raise CloudUnavailable(f"the policy of {self.store.resource} did not settle in {ROUNDS} rounds: try again")
        self.job_ledger.mark(self.grant, {member: Note.HELD for member in members if member in self.added})
        if ours := [member for member in members if member in self.added | self.held]:
            align_policy(
                self.store,
                self.job_ledger.ledger,
                self.grant,
                ours,
                waiting=self.job_ledger.job,
                contention=self.contention,
                patience=self.patience,
            )
        return [m for m in members if m in self.added], [m for m in members if m not in self.added]

    def _note(self, members: Sequence[str]) -> list[str]:
        """Note what is to become of each member; returns those that lack the role."""
        view = patiently(self._survey, self._rivals, self.grant, self.patience)
        job, missing = self.job_ledger.job, [member for member in members if member not in view.present]
        notes = {member: view.listings[member].get(job) for member in missing}
        # What is intended still, and not by us, was so by a call that is dead: it may have written the policy.
        self.inherited |= {m for m, note in notes.items() if note is Note.INTENDED and m not in self.intended}
        unnoted = [member for member, note in notes.items() if note in (None, Note.LEAVING)]
        marked = self.job_ledger.mark(self.grant, dict.fromkeys(unnoted, Note.INTENDED), only=(None, Note.LEAVING))
        self.intended |= marked
        if len(marked) < len(unnoted):  # another call of this job was faster
            return self._note(members)
        self._note_present([member for member in members if member in view.present], view)
        return missing

    def _note_present(self, members: Sequence[str], view: _View) -> None:
        """Note what others hold, too, and forget what an outsider granted."""
        holds: list[str] = []
        strangers: list[str] = []
        for member in members:
            notes = view.listings[member]
            ours, shared = notes.get(self.job_ledger.job), bool(notes.keys() - {self.job_ledger.job})
            if member in self.intended and not shared:
                # It came between our look and our write, from somebody who keeps it.
                strangers.append(member)
            elif ours is not Note.HELD and (ours is not None or shared):
                holds.append(member)
        self.intended.difference_update(members)
        self.job_ledger.mark(self.grant, dict.fromkeys(holds, Note.HELD))
        self.job_ledger.mark(self.grant, dict.fromkeys(strangers), only=(Note.INTENDED,))
        self.held.update(holds)

    def _add(self, members: Sequence[str]) -> list[str]:
        """Write the policy; returns members that came into it meanwhile, by somebody else's hand."""
        grant, written = self.grant, dict[str, None]()
        add = functools.partial(add_members, role=grant.role, members=members, condition=grant.condition)
        try:
            added, found = edit_policy(self.store, add, contention=self.contention, written=written)
        except (ApiRefused, PermissionMissing):
            # Any other failure, and a write whose answer was lost before, may have come after the policy was written.
            failed = self.intended - self.added - written.keys()
            self.job_ledger.mark(grant, dict.fromkeys(failed), only=(Note.INTENDED,))
            raise
        self.added.update(added)
        return found

    def _rivals(self, view: _View) -> list[str]:
        """Another call of this job's that is making the same grant."""
        notes = {member: jobs.get(self.job_ledger.job) for member, jobs in view.listings.items()}
        known = self.intended | self.inherited
        return _being_bound(self.job_ledger, {m: note for m, note in notes.items() if note and m not in known})

    def _survey(self) -> _View:
        grant = self.grant

        def look() -> _View:
            policy = self.store.read()
            edit = add_members(policy, role=grant.role, members=grant.members, condition=grant.condition)
            listings = self.job_ledger.ledger.listings(grant)
            foreign = [member for member in edit.unchanged if not listings[member]]
            if foreign and self.store.read().get("etag") != policy.get("etag"):
                # The member may have had the role from a job that took it back, note and all, in between.
                raise Moving(f"the policy of {self.store.resource} was written meanwhile")
            return _View(frozenset(edit.unchanged), listings)

        return self.contention.run(
            look,
            what=f"the policy of {self.store.resource}",
            repeatable=lambda error: isinstance(error, Moving),
        )
