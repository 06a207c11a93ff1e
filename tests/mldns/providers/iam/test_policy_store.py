"""Editing the policy of a zone and of a project, against a real localcloud, with others writing at the same time."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import requests

from localcloud.assumptions import NO_SUCH_ACCOUNT_PREFIX
from mldns.exceptions import CloudUnavailable
from mldns.iam.policy import add_members, remove_members
from mldns.providers.errors import UnknownMember
from mldns.providers.gcp.iam.project_policy import ProjectPolicy
from mldns.providers.iam.policy_store import IamPolicyStore, edit_policy
from mldns.providers.retry import RetryPolicy
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import project_policy
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy

ADMIN = "roles/dns.admin"
ALICE = "user:alice@example.com"
TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
CONTENDED = RetryPolicy(initial=0.02, maximum=0.5, deadline=60)


def adding(*members: str, condition: dict[str, str] | None = None) -> Any:
    return functools.partial(add_members, role=ADMIN, members=members, condition=condition)


def bindings(store: IamPolicyStore) -> list[dict[str, Any]]:
    return list(store.read().get("bindings", ()))


def test_a_grant_is_added_once_and_beside_what_is_there(store: IamPolicyStore) -> None:
    assert edit_policy(store, adding(ALICE)) == ([ALICE], [])
    assert edit_policy(store, adding(ALICE, TRAINER)) == ([TRAINER], [ALICE])
    assert edit_policy(store, adding("user:ALICE@example.com")) == ([], ["user:ALICE@example.com"])
    assert {"role": ADMIN, "members": [ALICE, TRAINER]} in bindings(store)


def test_nothing_to_change_is_not_written(store: IamPolicyStore, cloud: Cloud) -> None:
    edit_policy(store, adding(ALICE))
    before = _writes(cloud)
    edit_policy(store, adding(ALICE))
    assert _writes(cloud) == before


def _writes(cloud: Cloud) -> int:
    return sum(sum(n.values()) for method, n in cloud.stats().items() if method.endswith("setIamPolicy"))


def test_a_condition_keeps_its_binding_and_the_version(store: IamPolicyStore) -> None:
    edit_policy(store, adding(ALICE, condition=NIGHTLY))
    edit_policy(store, adding(TRAINER))
    policy = store.read()
    assert policy["version"] == 3
    assert {"role": ADMIN, "members": [ALICE], "condition": NIGHTLY} in policy["bindings"]
    assert {"role": ADMIN, "members": [TRAINER]} in policy["bindings"]


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


def test_an_account_that_does_not_exist_is_named(store: IamPolicyStore) -> None:
    nobody = f"user:{NO_SUCH_ACCOUNT_PREFIX}body@example.com"
    with pytest.raises(UnknownMember, match="does not exist: create the account first, or correct the member"):
        edit_policy(store, adding(nobody), new_account=RetryPolicy(0.01, 0.02, deadline=0.2))


def test_the_project_policy_tells_what_the_caller_may(cloud: Cloud) -> None:
    assert project_policy(cloud).test(["dns.changes.create"]) == ["dns.changes.create"]


DELETED = "deleted:serviceAccount:former@demo-project.iam.gserviceaccount.com?uid=117"
EVERYTHING_ELSE: list[dict[str, Any]] = [
    {"role": ADMIN, "members": [DELETED, "group:ml@example.com"]},
    {"role": ADMIN, "members": [DELETED, TRAINER], "condition": NIGHTLY},
    {"role": "roles/dns.reader", "members": ["deleted:user:Former@example.com?uid=9"]},
]
AUDIT = {"service": "dns.googleapis.com", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": [ALICE]}]}


def test_what_others_have_in_a_policy_stays_as_it_is(store: IamPolicyStore, cloud: Cloud) -> None:
    """Members of deleted accounts, conditions, other roles and audit configurations, byte for byte."""
    path = "v3/projects/demo-project" if isinstance(store, ProjectPolicy) else f"dns/v1/{store.resource}"
    policy = {"version": 3, "bindings": EVERYTHING_ELSE, "auditConfigs": [AUDIT]}
    body = {"policy": policy, "updateMask": "bindings,auditConfigs"}
    assert requests.post(f"{cloud.api}/{path}:setIamPolicy", json=body, timeout=10).status_code == 200

    edit_policy(store, adding(ALICE))
    edit_policy(store, functools.partial(remove_members, role=ADMIN, members=[ALICE], condition=None))
    edit_policy(store, adding(ALICE))
    after = store.read()
    assert after["auditConfigs"] == [AUDIT]
    assert after["version"] == 3
    ours, *others = after["bindings"]
    assert ours == {"role": ADMIN, "members": [DELETED, "group:ml@example.com", ALICE]}
    assert others == EVERYTHING_ELSE[1:]
