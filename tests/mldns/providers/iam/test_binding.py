"""Grants and the jobs that asked for them: who may take what from whom, and when it goes.

What happens at the same time is for the simulator (tests/simulator) to try; here is what it does not know: outsiders
who write policies, deleted accounts, conditions, several zones, and how long is waited.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mldns.exceptions import CloudUnavailable, PermissionMissing, ZoneNotFound
from mldns.iam.grants import Grant, Note
from mldns.iam.policy import IamPolicy, add_members, remove_members
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.iam.binding import Unbound, bind, unbind
from mldns.providers.iam.ledger import JobLedger, Ledger
from mldns.providers.iam.policy_store import IamPolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset
from tests.mldns.providers.iam.conftest import ZONES
from tests.simulator.memory_provider import MemoryProvider

ADMIN = "roles/dns.admin"
ALICE = "user:alice@example.com"
TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
GONE = "deleted:serviceAccount:trainer@demo-project.iam.gserviceaccount.com?uid=117"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
TO_TRAINER = Grant("project", ADMIN, (TRAINER,))


def members(policy: IamPolicyStore, condition: dict[str, str] | None = None) -> list[str]:
    """Who has the role, under exactly that condition."""
    bindings = policy.read().get("bindings", ())
    return [m for b in bindings if b["role"] == ADMIN and b.get("condition") == condition for m in b["members"]]


def outsider_grants(policy: IamPolicyStore, *who: str) -> None:
    edit_policy(policy, functools.partial(add_members, role=ADMIN, members=who, condition=None))


def outsider_removes(policy: IamPolicyStore, *who: str) -> None:
    edit_policy(policy, functools.partial(remove_members, role=ADMIN, members=who, condition=None))


class BeforeWrite:
    """A policy before whose next write something else happens."""

    def __init__(self, policy: IamPolicyStore, act: Callable[[], object]) -> None:
        self._policy, self._acts, self.resource = policy, [act], policy.resource
        self.read, self.test = policy.read, policy.test

    def write(self, policy: IamPolicy) -> None:
        if self._acts:
            self._acts.pop()()
        self._policy.write(policy)


class TestOneJob:
    def test_what_it_granted_is_noted_and_only_that_is_taken_back(self, policy: IamPolicyStore, a: JobLedger) -> None:
        outsider_grants(policy, ALICE)
        grant = replace(TO_TRAINER, members=(ALICE, TRAINER))
        assert bind(policy, grant, a) == ([TRAINER], [ALICE])
        assert bind(policy, grant, a) == ([], [ALICE, TRAINER])
        assert a.notes(grant) == {TRAINER: Note.HELD}
        assert TRAINER not in "".join(a.editor.grants("job-a")), "accounts are noted as digests"
        assert unbind(policy, grant, a) == Unbound((TRAINER,), (), kept={ALICE: ()})
        assert (a.notes(grant), members(policy)) == ({}, [ALICE])
        assert unbind(policy, grant, None) == Unbound((ALICE,), (TRAINER,), {})

    def test_a_conditional_grant_is_another_grant(self, policy: IamPolicyStore, a: JobLedger) -> None:
        nightly = replace(TO_TRAINER, condition=NIGHTLY)
        bind(policy, nightly, a)
        assert a.notes(TO_TRAINER) == {}
        assert list(unbind(policy, TO_TRAINER, a).kept) == [TRAINER]
        assert members(policy, NIGHTLY) == [TRAINER]
        assert unbind(policy, nightly, a).removed == (TRAINER,)

    def test_a_grant_that_somebody_took_away_is_made_again(self, policy: IamPolicyStore, a: JobLedger) -> None:
        bind(policy, TO_TRAINER, a)
        outsider_removes(policy, TRAINER)
        assert bind(policy, TO_TRAINER, a) == ([TRAINER], [])
        outsider_removes(policy, TRAINER)
        assert unbind(policy, TO_TRAINER, a) == Unbound((), (TRAINER,), {})
        assert a.notes(TO_TRAINER) == {}

    def test_of_a_deleted_account_it_takes_back_what_is_left_of_it(self, policy: IamPolicyStore, a: JobLedger) -> None:
        bind(policy, TO_TRAINER, a)
        outsider_removes(policy, TRAINER)
        outsider_grants(policy, GONE, ALICE)
        assert unbind(policy, TO_TRAINER, a) == Unbound((TRAINER,), (), {})
        assert members(policy) == [ALICE]

    def test_what_is_left_of_a_deleted_account_stays_beside_a_new_one(
        self, policy: IamPolicyStore, a: JobLedger
    ) -> None:
        outsider_grants(policy, GONE)
        assert bind(policy, TO_TRAINER, a) == ([TRAINER], [])
        assert unbind(policy, TO_TRAINER, a) == Unbound((TRAINER,), (), {})
        assert members(policy) == [GONE]
        assert unbind(policy, replace(TO_TRAINER, members=(GONE,)), None).removed == (GONE,)

    def test_what_an_outsider_granted_meanwhile_is_theirs(self, policy: IamPolicyStore, a: JobLedger) -> None:
        """A refused write is not ours because the member is there afterwards: unbinding would take their grant."""
        grant = replace(TO_TRAINER, members=(TRAINER, ALICE))
        racing = BeforeWrite(policy, lambda: outsider_grants(policy, TRAINER))
        assert bind(racing, grant, a) == ([ALICE], [TRAINER])
        assert a.notes(grant) == {ALICE: Note.HELD}

    def test_a_grant_that_was_refused_is_not_noted(self, policy: IamPolicyStore, a: JobLedger) -> None:
        def refuse() -> None:
            raise PermissionMissing(permission="dns.managedZones.setIamPolicy", resource="zone 'ml-zone'")

        with pytest.raises(PermissionMissing):
            bind(BeforeWrite(policy, refuse), TO_TRAINER, a)
        assert a.editor.grants("job-a") == ()


class TestTwoJobs:
    def test_the_last_one_takes_it_back(self, policy: IamPolicyStore, a: JobLedger, b: JobLedger) -> None:
        assert bind(policy, TO_TRAINER, a) == ([TRAINER], [])
        assert bind(policy, TO_TRAINER, b) == ([], [TRAINER])
        assert unbind(policy, TO_TRAINER, a).kept == {TRAINER: ("job 'job-b' in zone 'ml-zone'",)}
        assert (members(policy), a.notes(TO_TRAINER)) == ([TRAINER], {})
        assert unbind(policy, TO_TRAINER, b) == Unbound((TRAINER,), (), {})
        assert members(policy) == []

    def test_what_an_outsider_granted_is_nobody_s_to_take(
        self, policy: IamPolicyStore, a: JobLedger, b: JobLedger
    ) -> None:
        outsider_grants(policy, TRAINER)
        for ledger in (a, b):
            assert bind(policy, TO_TRAINER, ledger) == ([], [TRAINER])
            assert ledger.notes(TO_TRAINER) == {}
            assert list(unbind(policy, TO_TRAINER, ledger).kept) == [TRAINER]
        assert members(policy) == [TRAINER]

    def test_a_released_job_still_holds_its_grants(self, policy: IamPolicyStore, a: JobLedger, b: JobLedger) -> None:
        run = Holder("job-b", "airflow/dag", "run-1")
        a.editor.upsert([RRset("worker-0.job-b.ml.example.com.", "A", 30, ("10.0.0.1",))], run, "upsert-only")
        bind(policy, TO_TRAINER, a)
        bind(policy, TO_TRAINER, b)
        a.editor.release(run)
        assert list(unbind(policy, TO_TRAINER, a).kept) == [TRAINER]
        assert unbind(policy, TO_TRAINER, b).removed == (TRAINER,)

    def test_a_damaged_manifest_still_holds_its_grants(
        self, policy: IamPolicyStore, a: JobLedger, b: JobLedger, memory: MemoryProvider
    ) -> None:
        bind(policy, TO_TRAINER, a)
        bind(policy, TO_TRAINER, b)
        memory.submit(ZONES[0], Change((RRset("note.ml.example.com.", "TXT", 30, ('"no manifest"',)),)))
        (found,) = memory.rrsets(ZONES[0], name="_mldns.job-b.ml.example.com.")
        edited = replace(found, rrdatas=(found.rrdatas[0].replace('"lease="', '"lease=mine"'),))
        memory.submit(ZONES[0], Change(additions=(edited,), deletions=(found,)))
        assert list(unbind(policy, TO_TRAINER, a).kept) == [TRAINER]

    def test_without_a_job_a_held_grant_stays_and_any_other_goes(self, policy: IamPolicyStore, a: JobLedger) -> None:
        bind(policy, TO_TRAINER, a)
        outsider_grants(policy, ALICE)
        kept = {TRAINER: ("job 'job-a' in zone 'ml-zone'",)}
        assert unbind(policy, replace(TO_TRAINER, members=(TRAINER, ALICE)), None, a.ledger).kept == kept
        assert members(policy) == [TRAINER]

    def test_who_died_on_the_way_out_holds_nobody_back_for_long(
        self, policy: IamPolicyStore, a: JobLedger, b: JobLedger, caplog: pytest.LogCaptureFixture
    ) -> None:
        bind(policy, TO_TRAINER, a)
        a.mark(TO_TRAINER, {TRAINER: Note.LEAVING})
        shortly = RetryPolicy(0.001, 0.001, deadline=0.01)
        assert bind(policy, TO_TRAINER, b, patience=shortly) == ([], [TRAINER])
        assert "job 'job-a' in zone 'ml-zone'" in caplog.text
        assert list(unbind(policy, TO_TRAINER, a).kept) == [TRAINER]


class TestZones:
    def test_a_zone_that_cannot_be_read_is_named(self, a: JobLedger) -> None:
        """Nobody can tell who else holds a grant on the project then; one on the zone alone is made as ever."""

        class Blind(MemoryProvider):
            def rrsets(self, zone: Any, **more: Any) -> Any:
                if zone.name == "other":
                    raise PermissionMissing(permission="dns.resourceRecordSets.list", resource="zone 'other'")
                return super().rrsets(zone, **more)

        ledger = Ledger(Blind(*ZONES), ZONES[0])
        with pytest.raises(PermissionMissing, match="zone 'other' may hold another job's note"):
            ledger.listings(TO_TRAINER)
        assert ledger.listings(replace(TO_TRAINER, scope="zone")) == {TRAINER: {}}

    def test_a_grant_on_the_project_is_held_from_any_of_its_zones(
        self, policy: IamPolicyStore, memory: MemoryProvider, a: JobLedger
    ) -> None:
        there = JobLedger(ZoneEditor(memory, ZONES[1]), "job-a")
        bind(policy, TO_TRAINER, a)
        assert bind(policy, TO_TRAINER, there) == ([], [TRAINER])
        assert unbind(policy, TO_TRAINER, a).kept == {TRAINER: ("job 'job-a' in zone 'other'",)}
        assert unbind(policy, TO_TRAINER, there).removed == (TRAINER,)

    def test_a_zone_that_was_deleted_meanwhile_holds_nothing(self, memory: MemoryProvider, a: JobLedger) -> None:
        class Stale(MemoryProvider):
            def list_zones(self, *, dns_name: str | None = None) -> Any:
                return [*ZONES]

        assert Ledger(Stale(ZONES[0]), ZONES[0]).listings(TO_TRAINER) == {TRAINER: {}}
        with pytest.raises(ZoneNotFound):
            Ledger(Stale(ZONES[0]), ZONES[1]).listings(TO_TRAINER)

    def test_manifests_that_cannot_be_read_leave_the_policy_as_it_is(
        self, policy: IamPolicyStore, memory: MemoryProvider, monkeypatch: pytest.MonkeyPatch, a: JobLedger
    ) -> None:
        def unavailable(*_: Any, **__: Any) -> Any:
            raise CloudUnavailable("no answer")

        before = memory.world
        monkeypatch.setattr(MemoryProvider, "rrsets", unavailable)
        with pytest.raises(CloudUnavailable):
            bind(policy, TO_TRAINER, a)
        with pytest.raises(CloudUnavailable):
            unbind(policy, TO_TRAINER, a)
        assert memory.world is before

    def test_a_grant_on_another_zone_is_another_grant(self, memory: MemoryProvider, a: JobLedger) -> None:
        there = JobLedger(ZoneEditor(memory, ZONES[1]), "job-a")
        grant = replace(TO_TRAINER, scope="zone")
        bind(memory.policy("ml-zone"), grant, a)
        bind(memory.policy("other"), grant, there)
        assert unbind(memory.policy("other"), grant, there).removed == (TRAINER,)
        assert members(memory.policy("ml-zone")) == [TRAINER]
