"""Grants and the jobs that asked for them, against a real localcloud: who may take what from whom, and when it goes.

Two jobs, A and B, and third parties who write policies without noting anything. The interleavings are made by acts that
happen just before a write of the policy, or between any two calls.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from mldns.exceptions import CloudUnavailable, MldnsError, PermissionMissing
from mldns.iam.grants import Grant, Note
from mldns.iam.policy import Policy, add_members, remove_members
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.iam import grants
from mldns.providers.gcp.iam.grants import Unbound, bind, unbind
from mldns.providers.gcp.iam.ledger import GrantBook, Ledger
from mldns.providers.gcp.iam.policy_store import PolicyStore, ZonePolicy, edit_policy
from mldns.providers.gcp.provider import CloudDNSProvider, zone_of
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import QUICK, MakeClient, project_policy
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy

ADMIN = "roles/dns.admin"
ALICE = "user:alice@example.com"
TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
GONE = "deleted:serviceAccount:trainer@demo-project.iam.gserviceaccount.com?uid=117"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
TO_TRAINER = Grant("project", ADMIN, (TRAINER,))

Act = Callable[[], object]


@pytest.fixture
def a(editor: ZoneEditor) -> GrantBook:
    return GrantBook(editor, "job-a")


@pytest.fixture
def b(editor: ZoneEditor) -> GrantBook:
    return GrantBook(editor, "job-b")


@pytest.fixture(autouse=True)
def _wait_for_the_dead_only_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "OTHERS", RetryPolicy(0.02, 0.03, deadline=0.08))


def members(store: PolicyStore, condition: dict[str, str] | None = None) -> list[str]:
    """Who has the role, under exactly that condition."""
    bindings = store.read().get("bindings", ())
    return [m for b in bindings if b["role"] == ADMIN and b.get("condition") == condition for m in b["members"]]


def outsider_grants(store: PolicyStore, *who: str) -> None:
    edit_policy(store, functools.partial(add_members, role=ADMIN, members=who, condition=None))


def outsider_removes(store: PolicyStore, *who: str) -> None:
    edit_policy(store, functools.partial(remove_members, role=ADMIN, members=who, condition=None))


class TestOneJob:
    def test_what_it_granted_is_noted_and_only_that_is_taken_back(self, store: PolicyStore, a: GrantBook) -> None:
        outsider_grants(store, ALICE)
        grant = replace(TO_TRAINER, members=(ALICE, TRAINER))
        assert bind(store, grant, a) == ([TRAINER], [ALICE])
        assert bind(store, grant, a) == ([], [ALICE, TRAINER])
        assert a.notes(grant) == {TRAINER: Note.HELD}
        assert TRAINER not in "".join(a.editor.grants("job-a")), "accounts are noted as digests"
        assert unbind(store, grant, a) == Unbound((TRAINER,), (), kept={ALICE: ()})
        assert a.notes(grant) == {}
        assert members(store) == [ALICE]
        assert unbind(store, grant, None) == Unbound((ALICE,), (TRAINER,), {})

    def test_a_second_bind_writes_nothing(self, store: PolicyStore, a: GrantBook, cloud: Cloud) -> None:
        bind(store, TO_TRAINER, a)
        before = _writes(cloud)
        bind(store, TO_TRAINER, a)
        assert _writes(cloud) == before

    def test_a_conditional_grant_is_another_grant(self, store: PolicyStore, a: GrantBook) -> None:
        nightly = replace(TO_TRAINER, condition=NIGHTLY)
        bind(store, nightly, a)
        assert a.notes(TO_TRAINER) == {}
        assert list(unbind(store, TO_TRAINER, a).kept) == [TRAINER]
        assert members(store, NIGHTLY) == [TRAINER]
        assert unbind(store, nightly, a).removed == (TRAINER,)

    def test_a_grant_that_somebody_took_away_is_made_again(self, store: PolicyStore, a: GrantBook) -> None:
        bind(store, TO_TRAINER, a)
        outsider_removes(store, TRAINER)
        assert bind(store, TO_TRAINER, a) == ([TRAINER], [])
        outsider_removes(store, TRAINER)
        assert unbind(store, TO_TRAINER, a) == Unbound((), (TRAINER,), {})
        assert a.notes(TO_TRAINER) == {}

    def test_of_a_deleted_account_it_takes_back_what_google_left_of_it(self, store: PolicyStore, a: GrantBook) -> None:
        bind(store, TO_TRAINER, a)
        outsider_removes(store, TRAINER)
        outsider_grants(store, GONE, ALICE)
        assert unbind(store, TO_TRAINER, a) == Unbound((TRAINER,), (), {})
        assert members(store) == [ALICE]

    def test_what_is_left_of_a_deleted_account_stays_beside_a_new_one(self, store: PolicyStore, a: GrantBook) -> None:
        outsider_grants(store, GONE)
        assert bind(store, TO_TRAINER, a) == ([TRAINER], [])
        assert unbind(store, TO_TRAINER, a) == Unbound((TRAINER,), (), {})
        assert members(store) == [GONE]
        assert unbind(store, replace(TO_TRAINER, members=(GONE,)), None).removed == (GONE,)


class TestTwoJobs:
    def test_the_last_one_takes_it_back(self, store: PolicyStore, a: GrantBook, b: GrantBook) -> None:
        assert bind(store, TO_TRAINER, a) == ([TRAINER], [])
        assert bind(store, TO_TRAINER, b) == ([], [TRAINER])
        assert unbind(store, TO_TRAINER, a).kept == {TRAINER: ("job 'job-b' in zone 'ml-zone'",)}
        assert members(store) == [TRAINER]
        assert a.notes(TO_TRAINER) == {}
        assert unbind(store, TO_TRAINER, b) == Unbound((TRAINER,), (), {})
        assert members(store) == []

    def test_what_an_outsider_granted_is_nobody_s_to_take(self, store: PolicyStore, a: GrantBook, b: GrantBook) -> None:
        outsider_grants(store, TRAINER)
        for book in (a, b):
            assert bind(store, TO_TRAINER, book) == ([], [TRAINER])
            assert book.notes(TO_TRAINER) == {}
            assert list(unbind(store, TO_TRAINER, book).kept) == [TRAINER]
        assert members(store) == [TRAINER]

    def test_a_released_job_still_holds_its_grants(self, store: PolicyStore, a: GrantBook, b: GrantBook) -> None:
        run = Holder("job-b", "airflow/dag", "run-1")
        a.editor.upsert([RRset("worker-0.job-b.ml.example.com.", "A", 30, ("10.0.0.1",))], run, "upsert-only")
        bind(store, TO_TRAINER, a)
        bind(store, TO_TRAINER, b)
        a.editor.release(Holder("job-b", lease="run-1"))
        assert list(unbind(store, TO_TRAINER, a).kept) == [TRAINER]
        assert unbind(store, TO_TRAINER, b).removed == (TRAINER,)

    def test_a_damaged_manifest_still_holds_its_grants(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, client: DNSClient
    ) -> None:
        bind(store, TO_TRAINER, a)
        bind(store, TO_TRAINER, b)
        (before,) = [
            r for r in client.list_rrsets("ml-zone", name="_mldns.job-b.ml.example.com.") if r["type"] == "TXT"
        ]
        found = RRset(before["name"], "TXT", before["ttl"], tuple(before["rrdatas"]))
        edited = replace(found, rrdatas=(found.rrdatas[0].replace('"lease="', '"lease=mine"'),))
        client.create_change("ml-zone", Change(additions=(edited,), deletions=(found,)))
        assert list(unbind(store, TO_TRAINER, a).kept) == [TRAINER]

    def test_without_a_job_a_held_grant_stays_and_any_other_goes(self, store: PolicyStore, a: GrantBook) -> None:
        grant = replace(TO_TRAINER, members=(TRAINER, ALICE))
        bind(store, TO_TRAINER, a)
        outsider_grants(store, ALICE)
        kept = {TRAINER: ("job 'job-a' in zone 'ml-zone'",)}
        assert unbind(store, grant, None, a.ledger) == Unbound((ALICE,), (), kept)

    def test_a_zone_that_cannot_be_read_is_named_with_what_to_do(self, a: GrantBook, cloud: Cloud) -> None:
        """Nobody can tell who else holds a grant on the project then; one on the zone alone is made as ever."""
        client = a.editor.provider.client
        network = {"networks": [{"networkUrl": cloud.network}]}
        dark = {"name": "dark", "dnsName": "dark.test.", "description": "", "visibility": "private"}
        client.create_zone({**dark, "privateVisibilityConfig": network})

        class Blind(DNSClient):
            def list_rrsets_below(self, zone: str, suffix: str, **more: Any) -> Any:
                if zone == "dark":
                    raise PermissionMissing(permission="dns.resourceRecordSets.list", resource="zone 'dark'")
                return super().list_rrsets_below(zone, suffix, **more)

        blind = Blind(client.project, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=cloud.api))
        ledger = Ledger(CloudDNSProvider(blind), a.editor.zone)
        with pytest.raises(PermissionMissing, match=r"zone 'dark' may hold another job's note") as caught:
            ledger.listings(TO_TRAINER)
        assert "a grant on the zone alone needs no other zone" in str(caught.value)
        assert ledger.listings(Grant("zone", ADMIN, (TRAINER,))) == {TRAINER: {}}

    def test_a_grant_on_the_project_is_held_from_any_of_its_zones(
        self, cloud: Cloud, client: DNSClient, a: GrantBook
    ) -> None:
        facts = zone_of(client.create_zone({"name": "other", "dnsName": "other.test.", "description": ""}))
        there = GrantBook(ZoneEditor(CloudDNSProvider(client), facts, contention=QUICK), "job-a")
        store = project_policy(cloud)
        bind(store, TO_TRAINER, a)
        assert bind(store, TO_TRAINER, there) == ([], [TRAINER])
        assert unbind(store, TO_TRAINER, a).kept == {TRAINER: ("job 'job-a' in zone 'other'",)}
        assert unbind(store, TO_TRAINER, there).removed == (TRAINER,)

    def test_a_grant_on_another_zone_is_another_grant(self, client: DNSClient, a: GrantBook) -> None:
        facts = zone_of(client.create_zone({"name": "other", "dnsName": "other.test.", "description": ""}))
        there = GrantBook(ZoneEditor(CloudDNSProvider(client), facts, contention=QUICK), "job-a")
        grant = replace(TO_TRAINER, scope="zone")
        bind(ZonePolicy(client, "ml-zone"), grant, a)
        bind(ZonePolicy(client, "other"), grant, there)
        assert unbind(ZonePolicy(client, "other"), grant, there).removed == (TRAINER,)
        assert members(ZonePolicy(client, "ml-zone")) == [TRAINER]


class Interrupted:
    """A policy at whose calls something else happens: before a `read` or a `write`, or after (`seen`, `written`).

    One act a call, in order; what is left over did not come to pass.
    """

    def __init__(self, store: PolicyStore, **acts: list[Act]) -> None:
        self._store, self._acts, self.resource = store, acts, store.resource
        self.test = store.test

    def _act(self, call: str) -> None:
        if acts := self._acts.get(call):
            acts.pop(0)()

    def read(self) -> Policy:
        self._act("read")
        policy = self._store.read()
        self._act("seen")
        return policy

    def write(self, policy: Policy) -> None:
        self._act("write")
        self._store.write(policy)
        self._act("written")


def nothing() -> None:
    """An act that lets a call pass."""


at_that_call = pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
one_policy_is_enough = pytest.mark.parametrize("store", ["zone"], indirect=True)


@one_policy_is_enough
class TestInTheMiddle:
    """Something else happens while one job binds or unbinds. Who acts, when, and what must be true afterwards."""

    def test_what_an_outsider_granted_meanwhile_is_theirs(self, store: PolicyStore, a: GrantBook) -> None:
        """A refused write is not ours because the member is there afterwards: unbinding would take their grant."""
        grant = replace(TO_TRAINER, members=(TRAINER, ALICE))
        racing = Interrupted(store, write=[lambda: outsider_grants(store, TRAINER)])
        assert bind(racing, grant, a) == ([ALICE], [TRAINER])
        assert a.notes(grant) == {ALICE: Note.HELD}
        assert unbind(store, grant, a).removed == (ALICE,)
        assert members(store) == [TRAINER]

    def test_what_another_job_granted_meanwhile_is_held_by_both(
        self, store: PolicyStore, a: GrantBook, b: GrantBook
    ) -> None:
        racing = Interrupted(store, write=[lambda: bind(store, TO_TRAINER, b)])
        assert bind(racing, TO_TRAINER, a) == ([], [TRAINER])
        assert list(unbind(store, TO_TRAINER, b).kept) == [TRAINER]
        assert unbind(store, TO_TRAINER, a).removed == (TRAINER,)

    def test_another_job_binds_and_unbinds_while_this_one_binds(
        self, store: PolicyStore, a: GrantBook, b: GrantBook
    ) -> None:
        def come_and_go() -> None:
            bind(store, TO_TRAINER, b)
            unbind(store, TO_TRAINER, b)

        racing = Interrupted(store, write=[come_and_go])
        assert bind(racing, TO_TRAINER, a) == ([TRAINER], [])
        assert members(store) == [TRAINER]
        assert unbind(store, TO_TRAINER, a).removed == (TRAINER,)

    @pytest.mark.parametrize("call", ["read", "seen", "write", "written"])
    @at_that_call
    def test_another_job_unbinds_while_this_one_binds(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, call: str, number: int
    ) -> None:
        bind(store, TO_TRAINER, b)
        acts: list[Act] = [*[nothing] * number, lambda: unbind(store, TO_TRAINER, b)]
        bind(Interrupted(store, **{call: acts}), TO_TRAINER, a)
        for act in acts:
            act()  # it did not come to pass: there were fewer calls
        assert members(store) == [TRAINER]
        assert a.notes(TO_TRAINER) == {TRAINER: Note.HELD}
        assert unbind(store, TO_TRAINER, a).removed == (TRAINER,)

    @pytest.mark.parametrize("call", ["read", "seen", "write", "written"])
    @at_that_call
    def test_another_job_binds_while_this_one_unbinds(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, call: str, number: int
    ) -> None:
        bind(store, TO_TRAINER, a)
        acts: list[Act] = [*[nothing] * number, lambda: bind(store, TO_TRAINER, b)]
        done = unbind(Interrupted(store, **{call: acts}), TO_TRAINER, a)
        for act in acts:
            act()
        assert members(store) == [TRAINER]
        assert set(done.removed) | set(done.kept) == {TRAINER}
        assert a.notes(TO_TRAINER) == {}
        assert unbind(store, TO_TRAINER, b).removed == (TRAINER,)

    @pytest.mark.parametrize("call", ["read", "seen", "write", "written"])
    @at_that_call
    def test_both_unbind_at_once(self, store: PolicyStore, a: GrantBook, b: GrantBook, call: str, number: int) -> None:
        bind(store, TO_TRAINER, a)
        bind(store, TO_TRAINER, b)
        acts: list[Act] = [*[nothing] * number, lambda: unbind(store, TO_TRAINER, b)]
        unbind(Interrupted(store, **{call: acts}), TO_TRAINER, a)
        for act in acts:
            act()
        assert members(store) == []
        assert (a.notes(TO_TRAINER), b.notes(TO_TRAINER)) == ({}, {})


class _Died(BaseException):
    """The process ends here."""


def die() -> None:
    raise _Died


@one_policy_is_enough
class TestADeath:
    """A job's process dies in the middle; what stands then, and that calling again ends it."""

    @pytest.mark.parametrize("call", ["read", "seen", "write", "written"])
    @at_that_call
    def test_of_a_binder_leaves_nothing_that_cannot_be_taken_back(
        self, store: PolicyStore, a: GrantBook, call: str, number: int
    ) -> None:
        acts: list[Act] = [*[nothing] * number, die]
        with contextlib.suppress(_Died):
            bind(Interrupted(store, **{call: acts}), TO_TRAINER, a)
        assert members(store) == [] or a.notes(TO_TRAINER), "a grant that nobody noted would stay for ever"
        bind(store, TO_TRAINER, a)
        assert unbind(store, TO_TRAINER, a).removed == (TRAINER,)
        assert members(store) == []

    @pytest.mark.parametrize("call", ["read", "seen", "write", "written"])
    @pytest.mark.parametrize("another", [False, True], ids=["alone", "another holds it"])
    def test_of_an_unbinder_is_mended_by_calling_it_again(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, call: str, another: bool
    ) -> None:
        bind(store, TO_TRAINER, a)
        if another:
            bind(store, TO_TRAINER, b)
        acts: dict[str, list[Act]] = {call: [die]}
        try:
            unbind(Interrupted(store, **acts), TO_TRAINER, a)
        except _Died:
            assert a.notes(TO_TRAINER) == {TRAINER: Note.LEAVING}
        unbind(store, TO_TRAINER, a)
        assert members(store) == ([TRAINER] if another else [])

    def test_who_died_on_the_way_out_holds_nobody_back_for_long(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, caplog: pytest.LogCaptureFixture
    ) -> None:
        bind(store, TO_TRAINER, a)
        with pytest.raises(_Died):
            unbind(Interrupted(store, write=[die]), TO_TRAINER, a)
        assert bind(store, TO_TRAINER, b) == ([], [TRAINER])
        assert "job 'job-a' in zone 'ml-zone' began to take back roles/dns.admin" in caplog.text
        assert list(unbind(store, TO_TRAINER, a).kept) == [TRAINER]
        assert unbind(store, TO_TRAINER, b).removed == (TRAINER,)

    def test_who_removed_it_and_died_before_looking_takes_it_from_nobody(
        self, store: PolicyStore, a: GrantBook, b: GrantBook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The one case that `bind` alone can mend: it waits for who is leaving, and looks at the policy then."""
        monkeypatch.setattr(grants, "OTHERS", RetryPolicy(0.02, 0.05, deadline=0.6))
        bind(store, TO_TRAINER, a)
        binder = threading.Thread(target=bind, args=(store, TO_TRAINER, b))

        def another_binds() -> None:
            binder.start()
            while b.notes(TO_TRAINER) != {TRAINER: Note.HELD}:
                time.sleep(0.01)
            time.sleep(0.2)  # as long as it would take to look once

        with pytest.raises(_Died):
            unbind(Interrupted(store, write=[another_binds], written=[die]), TO_TRAINER, a)
        assert members(store) == []
        binder.join(10)
        assert members(store) == [TRAINER]


class TestFailures:
    def test_a_grant_that_may_have_been_made_stays_on_record(
        self, make_client: MakeClient, client: DNSClient, a: GrantBook, proxy: FaultyProxy
    ) -> None:
        grant = replace(TO_TRAINER, scope="zone")
        proxy.faults.append(Fault("POST .*:setIamPolicy", "cut-after"))
        proxy.faults.append(Fault("POST .*:getIamPolicy", "status", status=503, skip=2, count=99))
        hasty = make_client(proxy.url, retrying=RetryPolicy(0.01, 0.02, deadline=0.2))
        with pytest.raises(CloudUnavailable):
            bind(ZonePolicy(hasty, "ml-zone"), grant, a)
        assert a.notes(grant) == {TRAINER: Note.INTENDED}
        assert unbind(ZonePolicy(client, "ml-zone"), grant, a).removed == (TRAINER,)

    def test_a_grant_that_failed_is_not_left_on_record(
        self, make_client: MakeClient, a: GrantBook, proxy: FaultyProxy
    ) -> None:
        proxy.faults.append(Fault("POST .*:setIamPolicy", "status", status=403))
        refusing = ZonePolicy(make_client(proxy.url), "ml-zone")
        with pytest.raises(
            MldnsError, match=r"permission dns\.managedZones\.setIamPolicy is missing on zone 'ml-zone'"
        ):
            bind(refusing, replace(TO_TRAINER, scope="zone"), a)
        assert a.editor.grants("job-a") == ()

    def test_where_the_filter_is_refused_all_records_are_read(
        self, make_client: MakeClient, client: DNSClient, a: GrantBook, proxy: FaultyProxy
    ) -> None:
        store, grant = ZonePolicy(client, "ml-zone"), replace(TO_TRAINER, scope="zone")
        bind(store, grant, a)
        proxy.faults.append(Fault("GET .*filter=.*", "status", status=400, count=99))
        unfiltered = ZoneEditor(CloudDNSProvider(make_client(proxy.url)), a.editor.zone, contention=QUICK)
        other = GrantBook(unfiltered, "job-b")
        assert bind(store, grant, other) == ([], [TRAINER])
        assert other.notes(grant) == {TRAINER: Note.HELD}


def _writes(cloud: Cloud) -> dict[str, Any]:
    return {name: n for name, n in cloud.stats().items() if name.endswith(("setIamPolicy", "changes.create"))}
