"""Grants on a zone and on a project, against a real localcloud, with others writing at the same time."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from localcloud.assumptions import NO_SUCH_ACCOUNT_PREFIX
from mldns.exceptions import CloudUnavailable, MldnsError
from mldns.gcp.bindings import PolicyStore, ZonePolicy, edit_policy
from mldns.gcp.dns import DNSClient, Resource
from mldns.gcp.errors import UnknownMember
from mldns.gcp.grants import Grant, GrantBook, bind, unbind
from mldns.gcp.projects import ProjectPolicy
from mldns.gcp.retry import RetryPolicy
from mldns.gcp.zone_editor import ZoneEditor
from mldns.policy import Policy, add_members
from tests.cloud_fixture import Cloud
from tests.mldns.gcp.conftest import QUICK, MakeClient
from tests.mldns.gcp.faulty_proxy import Fault, FaultyProxy

ADMIN = "roles/dns.admin"
ALICE = "user:alice@example.com"
TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
CONTENDED = RetryPolicy(initial=0.02, maximum=0.5, deadline=60)


def project_policy(cloud: Cloud, url: str | None = None) -> ProjectPolicy:
    options = ClientOptions(api_endpoint=url or cloud.api)
    return ProjectPolicy(cloud.project, AnonymousCredentials(), client_options=options, timeout=10, retrying=QUICK)


@pytest.fixture(params=["project", "zone"])
def store(request: pytest.FixtureRequest, cloud: Cloud, client: DNSClient, zone: Resource) -> PolicyStore:
    """The policy of a project and of a zone: the same code edits both."""
    return project_policy(cloud) if request.param == "project" else ZonePolicy(client, "ml-zone")


def adding(*members: str, condition: dict[str, str] | None = None) -> Any:
    return functools.partial(add_members, role=ADMIN, members=members, condition=condition)


def bindings(store: PolicyStore) -> list[dict[str, Any]]:
    return list(store.read().get("bindings", ()))


def test_a_grant_is_added_once_and_beside_what_is_there(store: PolicyStore) -> None:
    assert edit_policy(store, adding(ALICE)) == ([ALICE], [])
    assert edit_policy(store, adding(ALICE, TRAINER)) == ([TRAINER], [ALICE])
    assert edit_policy(store, adding("user:ALICE@example.com")) == ([], ["user:ALICE@example.com"])
    assert {"role": ADMIN, "members": [ALICE, TRAINER]} in bindings(store)


def test_nothing_to_change_is_not_written(store: PolicyStore, cloud: Cloud) -> None:
    edit_policy(store, adding(ALICE))
    before = _writes(cloud)
    edit_policy(store, adding(ALICE))
    assert _writes(cloud) == before


def _writes(cloud: Cloud) -> int:
    return sum(sum(n.values()) for method, n in cloud.stats().items() if method.endswith("setIamPolicy"))


def test_a_condition_keeps_its_binding_and_the_version(store: PolicyStore) -> None:
    edit_policy(store, adding(ALICE, condition=NIGHTLY))
    edit_policy(store, adding(TRAINER))
    policy = store.read()
    assert policy["version"] == 3
    assert {"role": ADMIN, "members": [ALICE], "condition": NIGHTLY} in policy["bindings"]
    assert {"role": ADMIN, "members": [TRAINER]} in policy["bindings"]


def test_ten_binders_at_once_lose_nobody(cloud: Cloud, make_client: MakeClient, store: PolicyStore) -> None:
    edit_policy(store, adding(ALICE, condition=NIGHTLY))
    failures: list[BaseException] = []

    def run(number: int) -> None:
        mine = project_policy(cloud) if isinstance(store, ProjectPolicy) else ZonePolicy(make_client(), "ml-zone")
        try:
            edit_policy(mine, adding(f"user:u{number}@example.com"), contention=CONTENDED)
        except MldnsError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert failures == []
    unconditional = next(b for b in bindings(store) if b["role"] == ADMIN and "condition" not in b)
    assert sorted(unconditional["members"]) == sorted(f"user:u{number}@example.com" for number in range(10))
    assert {"role": ADMIN, "members": [ALICE], "condition": NIGHTLY} in bindings(store)
    assert any("409" in answers for method, answers in cloud.stats().items() if method.endswith("setIamPolicy"))


@pytest.mark.parametrize("kind", ["cut-before", "cut-after", "status", "status-after"])
def test_a_write_without_an_answer_counts_as_ours_when_it_was_applied(
    cloud: Cloud, proxy: FaultyProxy, kind: str
) -> None:
    proxy.faults.append(Fault("POST .*:setIamPolicy", kind))  # type: ignore[arg-type]
    assert edit_policy(project_policy(cloud, proxy.url), adding(TRAINER), contention=CONTENDED) == ([TRAINER], [])
    assert {"role": ADMIN, "members": [TRAINER]} in bindings(project_policy(cloud))


@pytest.mark.parametrize("status", [409, 412])
def test_a_policy_that_moved_is_read_again(cloud: Cloud, proxy: FaultyProxy, status: int) -> None:
    proxy.faults.append(Fault("POST .*:setIamPolicy", "status", status=status, count=2))
    edit_policy(project_policy(cloud, proxy.url), adding(TRAINER), contention=CONTENDED)
    assert proxy.sent("POST .*:getIamPolicy") == 3
    assert {"role": ADMIN, "members": [TRAINER]} in bindings(project_policy(cloud))


def test_a_policy_that_never_settles_ends_in_one_line(cloud: Cloud, proxy: FaultyProxy) -> None:
    proxy.faults.append(Fault("POST .*:setIamPolicy", "status", status=409, count=9999))
    with pytest.raises(CloudUnavailable, match="the policy of projects/demo-project failed"):
        edit_policy(project_policy(cloud, proxy.url), adding(TRAINER), contention=RetryPolicy(0.01, 0.05, deadline=0.3))


def test_an_account_that_is_just_being_made_is_waited_for_shortly(cloud: Cloud, proxy: FaultyProxy) -> None:
    unknown = f"Service account {TRAINER.partition(':')[2]} does not exist."
    proxy.faults.append(Fault("POST .*:setIamPolicy", "status", status=400, count=2, message=unknown))
    patient = RetryPolicy(0.01, 0.02, deadline=5)
    assert edit_policy(project_policy(cloud, proxy.url), adding(TRAINER), new_account=patient) == ([TRAINER], [])


def test_an_account_that_does_not_exist_is_named(store: PolicyStore) -> None:
    nobody = f"user:{NO_SUCH_ACCOUNT_PREFIX}body@example.com"
    with pytest.raises(UnknownMember, match="does not exist: create the account first, or correct the member"):
        edit_policy(store, adding(nobody), new_account=RetryPolicy(0.01, 0.02, deadline=0.2))


def test_the_project_policy_tells_what_the_caller_may(cloud: Cloud) -> None:
    assert project_policy(cloud).test(["dns.changes.create"]) == ["dns.changes.create"]


def test_a_grant_is_recorded_with_its_job_and_only_that_is_taken_back(store: PolicyStore, editor: ZoneEditor) -> None:
    edit_policy(store, adding(ALICE))
    book = GrantBook(editor, "job")
    grant = Grant("project", ADMIN, (ALICE, TRAINER))
    assert bind(store, grant, book) == ([TRAINER], [ALICE])
    assert bind(store, grant, book) == ([], [ALICE, TRAINER])
    assert book.has(grant) == {TRAINER}
    assert TRAINER not in "".join(editor.grants("job")), "accounts are recorded as digests"
    assert unbind(store, grant, book) == ([TRAINER], [], [ALICE])
    assert book.has(grant) == set()
    assert bindings(store)[-1] == {"role": ADMIN, "members": [ALICE]}
    assert unbind(store, grant, None) == ([ALICE], [TRAINER], [])


def test_a_conditional_grant_is_another_grant(store: PolicyStore, editor: ZoneEditor) -> None:
    book = GrantBook(editor, "job")
    bind(store, Grant("zone", ADMIN, (TRAINER,), NIGHTLY), book)
    assert book.has(Grant("zone", ADMIN, (TRAINER,))) == set()
    assert unbind(store, Grant("zone", ADMIN, (TRAINER,)), book) == ([], [], [TRAINER])
    assert unbind(store, Grant("zone", ADMIN, (TRAINER,), NIGHTLY), book) == ([TRAINER], [], [])


class _Overtaken:
    """A policy that somebody else writes just before the first write."""

    def __init__(self, store: PolicyStore, other: Callable[[], object]) -> None:
        self._store, self._other, self.resource = store, other, store.resource
        self.read, self.test = store.read, store.test

    def write(self, policy: Policy) -> None:
        other, self._other = self._other, lambda: None
        other()
        self._store.write(policy)


def test_what_somebody_else_granted_meanwhile_is_theirs(store: PolicyStore, editor: ZoneEditor) -> None:
    """A refused write is not ours because the member is there afterwards: unbinding would take away their grant."""
    grant, book = Grant("zone", ADMIN, (TRAINER, ALICE)), GrantBook(editor, "job")
    racing = _Overtaken(store, lambda: edit_policy(store, adding(TRAINER)))
    assert bind(racing, grant, book) == ([ALICE], [TRAINER])
    assert book.has(grant) == {ALICE}
    assert unbind(store, grant, book) == ([ALICE], [], [TRAINER])


def test_a_grant_that_may_have_been_made_stays_on_record(
    make_client: MakeClient, client: DNSClient, editor: ZoneEditor, proxy: FaultyProxy
) -> None:
    grant, book = Grant("zone", ADMIN, (TRAINER,)), GrantBook(editor, "job")
    proxy.faults.append(Fault("POST .*:setIamPolicy", "cut-after"))
    proxy.faults.append(Fault("POST .*:getIamPolicy", "status", status=503, skip=2, count=99))
    hasty = make_client(proxy.url, retrying=RetryPolicy(0.01, 0.02, deadline=0.2))
    with pytest.raises(CloudUnavailable):
        bind(ZonePolicy(hasty, "ml-zone"), grant, book)
    assert unbind(ZonePolicy(client, "ml-zone"), grant, book) == ([TRAINER], [], [])


def test_a_grant_that_failed_is_not_left_on_record(
    make_client: MakeClient, editor: ZoneEditor, proxy: FaultyProxy
) -> None:
    proxy.faults.append(Fault("POST .*:setIamPolicy", "status", status=403))
    refusing = ZonePolicy(make_client(proxy.url), "ml-zone")
    with pytest.raises(MldnsError, match=r"permission dns\.managedZones\.setIamPolicy is missing on zone 'ml-zone'"):
        bind(refusing, Grant("zone", ADMIN, (TRAINER,)), GrantBook(editor, "job"))
    assert editor.grants("job") == ()
