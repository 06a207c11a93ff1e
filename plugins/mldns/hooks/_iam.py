"""The IAM half of the hook: who may edit a zone or a project."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns.exceptions import InvalidInput
from mldns.hooks import _validation
from mldns.hooks._access import PROJECT, project_default
from mldns.hooks._connection import ConnectionHook
from mldns.iam.grants import Grant
from mldns.iam.policy import member_key, parse_members
from mldns.providers.gcp.iam.effective import DEFAULT_PATIENCE, LEAST_CALL, NOT_PROVEN, TELLING, prove
from mldns.providers.iam import authoritative as authoritative_bindings
from mldns.providers.iam import binding
from mldns.providers.iam.ledger import JobLedger, Ledger
from mldns.providers.iam.policy_store import IamPolicyStore
from mldns.records.names import slug

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

MAX_PATIENCE = 3_600
"""Seconds: a grant that is not effective by then will not become so by waiting."""


class IamHook(ConnectionHook):
    """Bindings are additive unless asked for otherwise, and their scope is always said."""

    @project_default
    def bind_iam(
        self,
        *,
        role: str,
        members: Iterable[str],
        scope: str,
        zone: str | None = None,
        owner: str | None = None,
        condition: Mapping[str, str] | None = None,
        authoritative: bool = False,
        removals: Iterable[str] = (),
        dry_run: bool = False,
        wait: bool = False,
        wait_seconds: float = DEFAULT_PATIENCE,
        prove_with: Iterable[str] | None = None,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Add members to a role; other members, bindings and conditions stay as they are.

        :param scope: "zone" or "project".
        :param zone: needed with scope "zone", and with `owner`.
        :param owner: the job in whose manifest the grants are noted that this call makes or shares.
        :param condition: `{"title", "expression"}` and perhaps "description".
        :param authoritative: take the role, under this condition, from everybody else; `removals` has to name them.
        :param removals: members that may lose the role, as `dry_run` told them. Somebody who is not among them is
            reason to refuse, whenever they came; naming somebody who does not have the role does no harm.
        :param dry_run: write nothing, and return `{"adds", "already", "removes", "held_by"}` in place of what was done.
        :param wait: wait until Google enforces the grant, as far as that can be proven.
        :param wait_seconds: for at most so long, calls that hang included; that it is over is no error.
        :param prove_with: permissions of the role by which to tell; needed for all roles but dns.admin and dns.reader.
        :return: `{"scope", "resource", "role", "added", "already", "proof"}`, and `removed` of an authoritative one.
            `proof` is "set, not proven"; with `wait` it is "effective after 95.0 s" or "set, not proven: WHY", and
            `proven` and `unproven` tell the seconds and the reasons by member.
        :raises RemovalsRefused: somebody would lose the role who is not in `removals`, or whom a job holds.
        """
        grant = _validation.grant(role, members, scope, condition, zone=zone, owner=owner)
        reviewed = _reviewed(grant, authoritative, removals)
        patience = _patience(wait, wait_seconds, prove_with)
        permissions = _validation.permissions(TELLING.get(role, ()) if prove_with is None else prove_with)
        _validation.flag(dry_run, "dry_run")
        store = self._store(project_id, grant.scope, zone)
        result: dict[str, Any] = {"scope": scope, "resource": store.resource, "role": role}
        if not grant.members:
            return result | {"added": [], "already": [], "proof": "nothing asked for", "skipped": True}
        job_ledger = self._job_ledger(project_id, zone, owner)
        if dry_run:
            ledger, job = self._ledger(project_id, zone), job_ledger.job if job_ledger else None
            found = authoritative_bindings.review(store, grant, ledger, job=job, authoritative=authoritative)
            return result | found.to_json() | {"dry_run": True}
        if authoritative:
            ledger = self._ledger(project_id, zone)
            added, already, result["removed"] = authoritative_bindings.bind_exactly(
                store, grant, job_ledger, ledger, reviewed=reviewed, contention=self.patience.contention
            )
        else:
            added, already = binding.bind(store, grant, job_ledger, contention=self.patience.contention)
        result |= {"added": added, "already": already}
        if patience is None:
            return result | {"proof": NOT_PROVEN}
        return result | self._proof(grant, permissions, patience, project_id, zone)

    @project_default
    def unbind_iam(
        self,
        *,
        role: str,
        members: Iterable[str],
        scope: str,
        zone: str | None = None,
        owner: str | None = None,
        condition: Mapping[str, str] | None = None,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Take a role from members, as far as no other job holds it; arguments as of `bind_iam`.

        With `owner`, only members go that this job granted, be it that another job still held them then. Without one,
        whoever granted them; without a `zone` either, jobs are not asked.

        :param owner: the job that gives the role back.
        :return: `{"removed", "absent", "kept"}`, and `held_by` with the jobs for whose sake members were kept; others
            were kept because this job did not grant them.
        """
        grant = _validation.grant(role, members, scope, condition, zone=zone, owner=owner, removing=True)
        store = self._store(project_id, grant.scope, zone)
        job_ledger, ledger = self._job_ledger(project_id, zone, owner), self._ledger(project_id, zone)
        done = binding.unbind(store, grant, job_ledger, ledger, contention=self.patience.contention)
        held = {member: list(jobs) for member, jobs in done.kept.items() if jobs}
        result: dict[str, Any] = {"removed": list(done.removed), "absent": list(done.absent)}
        result["kept"] = [member for member in grant.members if member in done.kept]
        return result | ({"held_by": held} if held else {})

    @project_default
    def test_iam_permissions(
        self,
        *,
        permissions: Iterable[str],
        scope: str,
        zone: str | None = None,
        project_id: str = PROJECT,
    ) -> list[str]:
        """Return those of `permissions` that the *caller* has; it says nothing about anybody else.

        :param permissions: such as `dns.changes.create`.
        :param scope: "zone" or "project".
        :param zone: needed with scope "zone".
        """
        _validation.scope(scope, zone)
        asked = _validation.permissions(permissions)
        return self._store(project_id, scope, zone).test(asked)

    def _store(self, project_id: str, scope: str, zone: str | None) -> IamPolicyStore:
        return self.policy_store(project_id, zone if scope == "zone" else None)

    def _members_view(self, project_id: str, zone: str | None) -> Callable[[str, float], IamPolicyStore]:
        """The policy as an account sees it, within so many seconds; a token is asked for once an account."""
        tokens: dict[str, Credentials] = {}

        def seen_by(account: str, seconds: float) -> IamPolicyStore:
            started = time.monotonic()
            if account not in tokens:
                tokens[account] = self.impersonated(account, seconds=seconds)
            left = max(seconds - (time.monotonic() - started), LEAST_CALL)
            return self.policy_seen_by(tokens[account], project_id, zone, seconds=left)

        return seen_by

    def _proof(
        self, grant: Grant, permissions: Sequence[str], patience: float, project_id: str, zone: str | None
    ) -> dict[str, Any]:
        view = self._members_view(project_id, zone if grant.scope == "zone" else None)
        proof = prove(grant.members, permissions, view, patience=patience)
        return {"proof": str(proof), "proven": proof.proven, "unproven": proof.unproven}

    def _job_ledger(self, project_id: str, zone: str | None, owner: str | None) -> JobLedger | None:
        if owner is None or zone is None:
            return None
        return JobLedger(self.zone_editor(project_id, zone), slug(owner))

    def _ledger(self, project_id: str, zone: str | None) -> Ledger | None:
        if zone is None:
            return None
        editor = self.zone_editor(project_id, zone)
        return Ledger(editor.provider, editor.zone)


def _reviewed(grant: Grant, authoritative: bool, removals: Iterable[str]) -> tuple[str, ...]:
    """Who may lose the role. Nobody is not a member to give it to alone: that would empty it by mistake."""
    reviewed = parse_members(removals, removing=True)
    if _validation.flag(authoritative, "authoritative"):
        if not grant.members:
            raise InvalidInput(f"authoritative without members would take {grant.role} from everybody: use unbind_iam")
        if both := [member for member in reviewed if member_key(member) in map(member_key, grant.members)]:
            raise InvalidInput(f"member {both[0]!r} is in members and in removals")
    elif reviewed:
        raise InvalidInput("removals are for authoritative=True: an additive binding takes the role from nobody")
    return reviewed


def _patience(wait: bool, wait_seconds: float, prove_with: Iterable[str] | None) -> float | None:
    """Seconds to wait for a grant to be effective; None not to."""
    if not _validation.flag(wait, "wait"):
        if prove_with is not None:
            raise InvalidInput("prove_with is for wait=True: without it nothing is proven")
        return None
    usable = isinstance(wait_seconds, int | float) and not isinstance(wait_seconds, bool)
    if not usable or not 0 <= wait_seconds <= MAX_PATIENCE:
        raise InvalidInput(f"wait_seconds {wait_seconds!r} is not between 0 and {MAX_PATIENCE:,}")
    return float(wait_seconds)
