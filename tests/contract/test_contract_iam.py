"""Facts about IAM: policies of throw-away zones, and of the project for those who allow it (`--iam-member`).

What is granted on the project carries a condition that ended in the year 2000: it is a binding, and gives nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.facts import fact
from tests.contract.interrupts import uninterrupted
from tests.contract.scratch import Zone
from tests.contract.shapes import expect
from tests.contract.target import Target
from tests.contract.wire import Reply

ROLE = "roles/dns.reader"
CONFLICT = (
    r"There were concurrent policy changes\. "
    r"Please retry the whole read-modify-write with exponential backoff\."
)
_VERSION_3 = {"options": {"requestedPolicyVersion": 3}}
_ATTEMPTS = 5

Policy = dict[str, Any]


@pytest.fixture
def zone_member(target: Target) -> str:
    if target.zone_member is None:
        pytest.skip("needs a member to grant a role to on a throw-away zone: IAM_MEMBER=serviceAccount:…")
    return target.zone_member


def permitted(reply: Reply) -> Reply:
    """The answer itself. A caller who may not ask learns nothing about it: the fact is not tried then."""
    if reply.status == 403:
        pytest.skip(f"the caller may not: {reply}")
    return reply


def zone_policy(zone: Zone) -> Policy:
    return permitted(zone.wire.post(f"{zone.path}:getIamPolicy", _VERSION_3)).ok()


def set_zone_policy(zone: Zone, policy: Policy) -> Policy:
    return permitted(zone.wire.post(f"{zone.path}:setIamPolicy", {"policy": policy})).ok()


@fact("iam.zone.new", "D", "discovery document, managedZones.getIamPolicy")
def test_the_policy_of_a_new_zone(own_zone: Zone) -> None:
    """A new zone has a policy without bindings, with an etag."""
    policy = zone_policy(own_zone)
    expect(policy, {"etag": str})
    assert policy.get("bindings", []) == []


@fact("iam.zone.new_etag", "U", "the stand-in's guess, from other Google APIs")
def test_the_etag_of_a_policy_never_set(own_zone: Zone) -> None:
    """The etag of a policy that nobody has set is ACAB."""
    expect(zone_policy(own_zone), {"etag": "ACAB"})


@fact("iam.zone.set", "D", "Google's page 'Access control'; discovery document, managedZones.setIamPolicy")
def test_granting_on_a_zone(own_zone: Zone, zone_member: str) -> None:
    """roles/dns.reader can be granted on one zone; the answer and the next get show it with a new etag."""
    before = zone_policy(own_zone)
    after = set_zone_policy(own_zone, before | {"bindings": [{"role": ROLE, "members": [zone_member]}]})
    expect(after, {"etag": str, "bindings": [{"role": ROLE, "members": [zone_member]}]})
    assert after["etag"] != before["etag"]
    assert zone_policy(own_zone) == after


@fact("iam.zone.stale_etag", "U", "the stand-in's guess, after Resource Manager")
def test_a_stale_etag_on_a_zone(own_zone: Zone, zone_member: str) -> None:
    """Setting a zone's policy with a stale etag answers 409 aborted with the text of Resource Manager."""
    stale = zone_policy(own_zone)
    set_zone_policy(own_zone, stale | {"bindings": [{"role": ROLE, "members": [zone_member]}]})
    reply = own_zone.wire.post(f"{own_zone.path}:setIamPolicy", {"policy": stale | {"bindings": []}})
    reply.refused(409, "aborted", CONFLICT)
    assert zone_policy(own_zone)["bindings"]


@fact("iam.zone.no_etag", "D", "discovery document, Policy.etag")
def test_a_blind_write_on_a_zone(own_zone: Zone, zone_member: str) -> None:
    """Setting a policy without etag overwrites whatever is there."""
    set_zone_policy(own_zone, zone_policy(own_zone) | {"bindings": [{"role": ROLE, "members": [zone_member]}]})
    set_zone_policy(own_zone, {"bindings": []})
    assert zone_policy(own_zone).get("bindings", []) == []


@fact("iam.zone.test_permissions", "D", "discovery document, managedZones.testIamPermissions")
def test_permissions_on_a_zone(zone: Zone) -> None:
    """testIamPermissions on a zone answers with those of the permissions asked that the caller has."""
    asked = ["dns.changes.create", "dns.resourceRecordSets.create"]
    reply = zone.wire.post(f"{zone.path}:testIamPermissions", {"permissions": asked})
    # The caller has just written to a zone of this project.
    assert sorted(reply.ok()["permissions"]) == asked


@fact("iam.zone.test_permissions_missing", "D", "discovery document, managedZones.testIamPermissions")
def test_permissions_on_a_missing_zone(target: Target) -> None:
    """testIamPermissions on a zone that does not exist answers 200 with no permissions."""
    path = "managedZones/mldns-verify-absent:testIamPermissions"
    reply = target.dns.post(path, {"permissions": ["dns.changes.create"]})
    assert reply.ok().get("permissions", []) == []


@fact("iam.project.get", "D", "discovery document cloudresourcemanager.v3, projects.getIamPolicy")
def test_reading_the_project_policy(target: Target, observed: Callable[[object], None]) -> None:
    """A project's policy is read with POST and has an etag."""
    policy = permitted(target.projects.post(":getIamPolicy", _VERSION_3)).ok({"etag": str})
    observed(f"version {policy.get('version')}, {len(policy.get('bindings', []))} bindings, with an etag")


@fact("iam.project.test_permissions", "D", "discovery document cloudresourcemanager.v3, projects.testIamPermissions")
def test_permissions_on_the_project(target: Target) -> None:
    """testIamPermissions on a project answers with those of the permissions asked that the caller has."""
    asked = ["dns.managedZones.create", "dns.managedZones.get"]
    reply = target.projects.post(":testIamPermissions", {"permissions": asked})
    assert sorted(reply.ok()["permissions"]) == asked


@fact("errors.resource_manager_status", "D", "Google's AIP-193")
def test_resource_manager_errors_have_a_status(target: Target) -> None:
    """An error body of Resource Manager has a status next to code and message."""
    reply = target.projects.post(":getIamPolicy", {"options": {"requestedPolicyVersion": 2}})
    expect(reply.body, {"error": {"code": reply.status, "message": str, "status": re.compile("[A-Z]+(_[A-Z]+)*")}})


class ProjectGrants:
    """Read-modify-write on the policy of a project, adding bindings of one condition and removing exactly those."""

    def __init__(self, target: Target, member: str) -> None:
        self._wire = target.projects
        self.member = member
        self.condition = {
            "title": f"mldns-verify-{secrets.token_hex(4)}",
            "expression": 'request.time < timestamp("2000-01-01T00:00:00Z")',
        }

    def read(self, version: int = 3) -> Policy:
        options = {"options": {"requestedPolicyVersion": version}}
        return permitted(self._wire.post(":getIamPolicy", options)).ok()

    def write(self, policy: Policy) -> Reply:
        return permitted(self._wire.post(":setIamPolicy", {"policy": policy}))

    def with_binding(self, policy: Policy, member: str) -> Policy:
        binding = {"role": ROLE, "members": [member], "condition": self.condition}
        return policy | {"version": 3, "bindings": [*policy.get("bindings", []), binding]}

    def mine(self, policy: Policy) -> list[Policy]:
        return [binding for binding in policy.get("bindings", []) if self._is_mine(binding)]

    def _is_mine(self, binding: Policy) -> bool:
        return bool(binding.get("condition", {}).get("title") == self.condition["title"])

    def undo(self) -> None:
        """Take the bindings away again; AssertionError when that is not possible."""
        for _ in range(_ATTEMPTS):
            policy = self.read()
            if not self.mine(policy):
                return
            kept = [binding for binding in policy["bindings"] if not self._is_mine(binding)]
            reply = self.write(policy | {"bindings": kept})
            if reply.status == 200:
                return
        raise AssertionError(f"the binding with the condition {self.condition['title']} is still there: {reply}")


@pytest.fixture
def grants(target: Target) -> Iterator[ProjectGrants]:
    """What may be granted on the project; taken away again when the test ends, however it ends."""
    if target.project_member is None:
        pytest.skip("would change the project's policy: IAM_MEMBER=serviceAccount:… allows it")
    grants = ProjectGrants(target, target.project_member)
    yield grants
    with uninterrupted():
        grants.undo()


@fact("iam.project.condition", "D", "Google's page 'Manage conditional role bindings'")
def test_a_condition_is_kept(grants: ProjectGrants) -> None:
    """A conditional binding survives a round trip when version is 3."""
    policy = grants.with_binding(grants.read(), grants.member)
    grants.write(policy).ok()
    expect(grants.mine(grants.read()), [{"role": ROLE, "members": [grants.member], "condition": grants.condition}])


@fact("iam.project.condition_needs_version_3", "D", "Google's page 'Manage conditional role bindings'")
def test_a_condition_needs_its_version(grants: ProjectGrants) -> None:
    """A conditional binding sent without version 3 is refused with 400 INVALID_ARGUMENT."""
    policy = grants.with_binding(grants.read(), grants.member) | {"version": 1}
    reply = grants.write(policy)
    assert (reply.status, reply.error.get("status")) == (400, "INVALID_ARGUMENT"), str(reply)


@fact("iam.project.condition_hidden", "D", "Google's page 'Manage conditional role bindings'")
def test_an_old_reader_sees_no_condition(grants: ProjectGrants) -> None:
    """Read without requestedPolicyVersion 3, a conditional binding has no condition and a role with _withcond_."""
    policy = grants.with_binding(grants.read(), grants.member)
    grants.write(policy).ok()
    bindings = grants.read(version=1)["bindings"]
    assert not [binding for binding in bindings if "condition" in binding]
    assert [binding for binding in bindings if binding["role"].startswith(f"{ROLE}_withcond_")]


@fact("iam.project.stale_etag", "D", "Google's page 'Allow policies', concurrency control")
def test_a_stale_etag_on_the_project(grants: ProjectGrants) -> None:
    """An etag that is not the current one answers 409 ABORTED."""
    stale = grants.read()
    grants.write(grants.with_binding(stale, grants.member)).ok()
    reply = grants.write(stale)
    assert (reply.status, reply.error.get("status")) == (409, "ABORTED"), str(reply)
    expect(reply.message, re.compile(CONFLICT))
    assert grants.mine(grants.read())


@fact("iam.project.unknown_account", "Q", "error bodies quoted in public issue threads")
def test_an_unknown_account(target: Target, grants: ProjectGrants) -> None:
    """A service account that does not exist answers 400 INVALID_ARGUMENT, naming it."""
    email = f"does-not-exist-{secrets.token_hex(4)}@{target.project}.iam.gserviceaccount.com"
    policy = grants.with_binding(grants.read(), f"serviceAccount:{email}")
    reply = grants.write(policy)
    assert (reply.status, reply.error.get("status")) == (400, "INVALID_ARGUMENT"), str(reply)
    assert reply.message == f"Service account {email} does not exist."


@fact("iam.project.everybody", "D", "Google's page 'Principal identifiers'")
def test_everybody_is_refused(grants: ProjectGrants) -> None:
    """allUsers and allAuthenticatedUsers are refused in the policy of a project."""
    for member in ("allUsers", "allAuthenticatedUsers"):
        policy = grants.with_binding(grants.read(), member)
        assert grants.write(policy).status == 400


@fact("iam.project.member_case", "U", "the stand-in's guess; that addresses compare without case is documented")
def test_the_case_of_a_member(grants: ProjectGrants, observed: Callable[[object], None]) -> None:
    """A member's e-mail address is stored in lower case."""
    kind, _, email = grants.member.partition(":")
    policy = grants.with_binding(grants.read(), f"{kind}:{email.upper()}")
    grants.write(policy).ok()
    members = [member for binding in grants.mine(grants.read()) for member in binding["members"]]
    observed(members)
    assert members == [f"{kind}:{email.lower()}"]
