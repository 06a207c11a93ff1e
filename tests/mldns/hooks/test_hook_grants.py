"""Grants through the hook: what is proven and what is not, the authoritative form, and what jobs hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mldns.exceptions import InvalidInput, PermissionMissing, RemovalsRefused
from mldns.hooks.cloud_dns import CloudDNSHook
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.conftest import calls
from tests.mldns.hooks.guarded_cloud import AIRFLOW, OWNER, REGISTRAR, account, key

READER, ADMIN = "roles/dns.reader", "roles/dns.admin"
MEMBER = f"serviceAccount:{REGISTRAR}"
ALICE, BOB = "user:alice@example.com", "user:bob@example.com"
PROJECT = "/v3/projects/demo-project"
METHODS_OF_A_PROOF = (
    "cloudresourcemanager.projects.testIamPermissions",
    "iamcredentials.projects.serviceAccounts.generateAccessToken",
)
CREATOR = "roles/iam.serviceAccountTokenCreator"

ActAs = Callable[[str], CloudDNSHook]


@pytest.fixture
def act_as(guarded: Cloud, monkeypatch: pytest.MonkeyPatch) -> ActAs:
    """The hook of a connection with the key of that account."""

    def make(email: str) -> CloudDNSHook:
        extra = {"num_retries": 0, "is_anonymous": None, "iam_credentials_api_endpoint": guarded.api}
        connection = guarded.connection(keyfile_dict=key(guarded, email), **extra)
        connection_id = email.partition("@")[0]
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection_id.upper()}", connection)
        return CloudDNSHook(gcp_conn_id=connection_id)

    return make


class TestProof:
    @pytest.mark.parametrize("guarded", [("--grant-delay-ms", "800")], indirect=True)
    def test_refused_before_and_effective_after(self, act_as: ActAs) -> None:
        owner, member = act_as(OWNER), act_as(REGISTRAR)
        owner.ensure_zone(zone="ml", dns_name="ml.example.com.", networks=["training"])
        grant: dict[str, Any] = {"role": READER, "members": [MEMBER], "scope": "project", "zone": "ml"}
        with pytest.raises(PermissionMissing):
            member.list_records(zone="ml")
        assert owner.bind_iam(**grant)["proof"] == "set, not proven"
        proven = owner.bind_iam(**grant, wait=True)
        assert re.fullmatch(r"effective after \d\.\d s", proven["proof"])
        assert (list(proven["proven"]), proven["unproven"]) == ([MEMBER], {})
        member.list_records(zone="ml")

    @pytest.mark.parametrize("guarded", [("--grant-delay-ms", "60000")], indirect=True)
    def test_it_waits_for_so_long_and_says_what_is_missing(self, act_as: ActAs) -> None:
        bound = act_as(OWNER).bind_iam(role=ADMIN, members=[MEMBER], scope="project", wait=True, wait_seconds=0.5)
        why = "did not get dns.changes.create within 0.5 s"
        assert bound["proof"] == f"set, not proven: {MEMBER} {why}"
        assert (bound["added"], bound["proven"], bound["unproven"]) == ([MEMBER], {}, {MEMBER: why})

    @pytest.mark.parametrize(
        ("method", "fault"),
        list(zip(METHODS_OF_A_PROOF, ({"kind": "hang"}, {"kind": "status", "status": 503}), strict=True)),
    )
    def test_calls_that_fail_take_no_longer_than_it_waits(
        self, act_as: ActAs, guarded: Cloud, method: str, fault: dict[str, Any]
    ) -> None:
        owner = act_as(OWNER)
        owner.bind_iam(role=READER, members=[MEMBER], scope="project")
        other = f"serviceAccount:{AIRFLOW}"
        guarded.fault({"method": method, "count": 99, **fault})
        bound = owner.bind_iam(role=READER, members=[MEMBER, other], scope="project", wait=True, wait_seconds=2)
        assert bound["proven"] == {}
        assert re.match(r"(could not ask|was not asked).* within 2 s", bound["unproven"][other])
        assert "could not ask" in bound["unproven"][MEMBER]

    @pytest.mark.parametrize("method", METHODS_OF_A_PROOF)
    def test_calls_that_fail_for_a_while_are_made_again(self, act_as: ActAs, guarded: Cloud, method: str) -> None:
        guarded.fault({"method": method, "count": 2, "kind": "status", "status": 503})
        bound = act_as(OWNER).bind_iam(role=READER, members=[MEMBER], scope="project", wait=True, wait_seconds=30)
        assert list(bound["proven"]) == [MEMBER]

    @pytest.mark.parametrize(
        ("member", "role", "why"),
        [
            (ALICE, READER, "is no service account that could be impersonated"),
            ("serviceAccount:demo-project.svc.id.goog[ml/train]", READER, "is no service account"),
            (MEMBER, READER, "cannot be impersonated (Anonymous credentials cannot be refreshed.)"),
            (MEMBER, "roles/viewer", "no permission is known here: name one in prove_with"),
        ],
    )
    def test_what_cannot_be_proven_is_set_and_says_why(
        self, hook: CloudDNSHook, member: str, role: str, why: str
    ) -> None:
        bound = hook.bind_iam(role=role, members=[member], scope="project", wait=True)
        assert bound["added"] == [member]
        assert bound["proof"].startswith(f"set, not proven: {member} ")
        assert why in bound["unproven"][member]

    def test_who_may_not_impersonate_is_told_the_permission(
        self, act_as: ActAs, grant: Callable[[str, str, str], None]
    ) -> None:
        grant(f"serviceAccount:{AIRFLOW}", "roles/resourcemanager.projectIamAdmin", PROJECT)
        airflow = act_as(AIRFLOW)
        binding = {"role": READER, "members": [MEMBER, ALICE], "scope": "project", "wait": True}
        refused = airflow.bind_iam(**binding)["unproven"]
        assert refused[MEMBER].startswith(
            "cannot be impersonated (Permission 'iam.serviceAccounts.getAccessToken' denied"
        )
        grant(f"serviceAccount:{AIRFLOW}", CREATOR, account(REGISTRAR))
        bound = airflow.bind_iam(**binding)
        assert (list(bound["proven"]), list(bound["unproven"])) == ([MEMBER], [ALICE])
        assert bound["proof"] == f"set, not proven: {ALICE} is no service account that could be impersonated"

    def test_any_role_is_proven_by_a_permission_of_it(self, act_as: ActAs) -> None:
        owner, absent = act_as(OWNER), "serviceAccount:1-compute@developer.gserviceaccount.com"
        binding = {"role": "roles/viewer", "members": [MEMBER, absent], "scope": "project", "wait": True}
        bound = owner.bind_iam(**binding, prove_with=["dns.managedZones.get", "resourcemanager.projects.get"])
        assert list(bound["proven"]) == [MEMBER]
        assert "Gaia id not found for email" in bound["unproven"][absent]


class TestAuthoritative:
    def test_shown_first_then_agreed_to(self, hook: CloudDNSHook, cloud: Cloud) -> None:
        grant: dict[str, Any] = {"role": ADMIN, "scope": "project"}
        hook.bind_iam(**grant, members=[ALICE, BOB])
        exactly = {**grant, "members": [MEMBER, ALICE], "authoritative": True}
        shown = hook.bind_iam(**exactly, dry_run=True)
        assert shown == {
            "scope": "project",
            "resource": "projects/demo-project",
            "role": ADMIN,
            "adds": [MEMBER],
            "already": [ALICE],
            "removes": [BOB],
            "held_by": {},
            "dry_run": True,
        }
        with pytest.raises(RemovalsRefused) as refused:
            hook.bind_iam(**exactly)
        assert refused.value.unreviewed == (BOB,)
        done = hook.bind_iam(**exactly, removals=shown["removes"])
        assert (done["added"], done["already"], done["removed"]) == ([MEMBER], [ALICE], [BOB])
        again = hook.bind_iam(**exactly, removals=shown["removes"])
        assert (again["added"], again["removed"]) == ([], [])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"members": [], "authoritative": True}, "would take roles/dns.admin from everybody"),
            ({"removals": [BOB]}, "removals are for authoritative=True"),
            ({"authoritative": True, "removals": [ALICE]}, f"member '{ALICE}' is in members and in removals"),
            ({"authoritative": True, "removals": BOB}, "must be a list"),
            ({"authoritative": "false"}, "authoritative 'false'"),
            ({"members": ["deleted:user:a@b.co?uid=1"], "authoritative": True}, "can be removed, not added"),
            ({"dry_run": "yes"}, "dry_run 'yes'"),
            ({"wait": 600}, "wait 600"),
            ({"prove_with": ["dns.changes.get"]}, "prove_with is for wait=True"),
            ({"wait": True, "prove_with": "dns.changes.get"}, "permissions must be a list"),
            ({"wait": True, "wait_seconds": "10"}, "wait_seconds '10'"),
            ({"wait": True, "wait_seconds": float("nan")}, "wait_seconds nan"),
            ({"wait": True, "wait_seconds": 90_000}, "wait_seconds 90000 is not between 0 and 3,600"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_unheard(
        self, hook: CloudDNSHook, cloud: Cloud, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            hook.bind_iam(**{"role": ADMIN, "members": [ALICE], "scope": "project", **changes})
        assert message in str(refused.value)
        assert "\n" not in str(refused.value)
        assert calls(cloud) == 0


def test_who_else_holds_a_grant_is_told(hook: CloudDNSHook, zone: str) -> None:
    grant: dict[str, Any] = {"role": ADMIN, "members": [MEMBER], "scope": "project", "zone": zone}
    hook.bind_iam(**grant, owner="bert")
    hook.bind_iam(**grant, owner="llama")
    holds = {MEMBER: [f"job 'bert' in zone '{zone}'"]}
    assert hook.unbind_iam(**grant, owner="llama") == {"removed": [], "absent": [], "kept": [MEMBER], "held_by": holds}
    assert hook.unbind_iam(**grant)["held_by"] == holds
    assert hook.bind_iam(**{**grant, "members": [ALICE]}, authoritative=True, dry_run=True)["held_by"] == holds
    assert hook.unbind_iam(**grant, owner="bert")["removed"] == [MEMBER]
