"""IAM policies of projects (Resource Manager v3 and v1) and of zones, beyond the facts of tests/contract."""

from __future__ import annotations

import pytest

ROLE = "roles/dns.admin"
MEMBER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
CONDITION = {"title": "until 2030", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}
ZONE = "/dns/v1/projects/demo-project/managedZones/ml"
PROJECT = "/v3/projects/demo-project"
RESOURCES = {"zone": ZONE, "project v3": PROJECT, "project v1": "/v1/projects/demo-project"}


@pytest.fixture(params=RESOURCES)
def resource(api, request) -> str:
    api.zone()
    return RESOURCES[request.param]


def read(api, resource: str, version: int = 3) -> dict:
    answer = api.post(f"{resource}:getIamPolicy", {"options": {"requestedPolicyVersion": version}})
    assert answer.code == 200, answer.body
    return answer.body


def write(api, resource: str, *bindings: dict, **policy: object):
    return api.post(f"{resource}:setIamPolicy", {"policy": {"bindings": list(bindings), **policy}})


def binding(*members: str, role: str = ROLE, **fields: object) -> dict:
    return {"role": role, "members": list(members), **fields}


def test_bindings_are_merged_by_role_and_condition(api):
    written = write(
        api,
        PROJECT,
        binding("user:b@example.com", role="roles/viewer"),
        binding("user:A@Example.com"),
        binding("user:a@example.com", MEMBER),
        binding(MEMBER, condition=CONDITION),
        binding(role="roles/editor"),
        version=3,
    )
    assert written.body["bindings"] == [
        binding("user:a@example.com", MEMBER),
        binding(MEMBER, condition=CONDITION),
        binding("user:b@example.com", role="roles/viewer"),
    ]


@pytest.mark.parametrize(
    ("member", "accepted"),
    [
        *(
            (member, True)
            for member in (
                "user:a@example.com",
                "group:g@example.com",
                "domain:example.com",
                "serviceAccount:demo-project.svc.id.goog[training/worker]",
                "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
                "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/group/g",
                "deleted:serviceAccount:x@demo-project.iam.gserviceaccount.com?uid=123",
            )
        ),
        *((member, False) for member in ("a@example.com", "user:", "robot:a@example.com", "user:nobody")),
        ("user:does-not-exist@example.com", False),
    ],
)
def test_members(api, member, accepted):
    answer = write(api, PROJECT, binding(member))
    assert read(api, PROJECT).get("bindings", []) == ([binding(member)] if accepted else [])
    assert accepted or (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_1500_principals_fit_and_one_more_does_not(api):
    members = [f"user:u{n}@example.com" for n in range(1501)]
    assert write(api, PROJECT, binding(*members)).code == 400
    assert write(api, PROJECT, binding(*members[:1500])).code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"policy": {"bindings": "x"}},
        {"policy": {"bindings": [{"members": [MEMBER]}]}},
        {"policy": {"bindings": [{"role": "dns.admin", "members": [MEMBER]}]}},
        {"policy": {"bindings": [{"role": ROLE, "members": MEMBER}]}},
        {"policy": {"bindings": [{"role": ROLE, "members": [MEMBER], "condition": {"title": "x"}}], "version": 3}},
        {"policy": {"bindings": [{"role": ROLE, "members": [MEMBER], "condition": {"expression": ""}}], "version": 3}},
        {"policy": {"version": 2}},
        {"policy": {"auditConfigs": ["all"]}, "updateMask": "auditConfigs"},
    ],
)
def test_malformed_policies(api, body):
    answer = api.post(f"{PROJECT}:setIamPolicy", body)
    assert (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_questions_that_are_none(api, resource):
    path = f"{resource}:testIamPermissions"
    assert api.post(path).body == {}
    assert api.post(f"{resource}:getIamPolicy", {"options": {"requestedPolicyVersion": 2}}).code == 400
    assert [api.post(path, {"permissions": asked}).code for asked in (["dns.*"], "dns.changes.get")] == [400, 400]


def test_v1_and_v3_speak_of_one_policy_and_projects_do_not_share_it(api):
    written = write(api, PROJECT, binding(MEMBER)).body
    assert read(api, "/v1/projects/demo-project") == written
    assert read(api, "/v3/projects/other-project") == {"version": 1, "etag": "ACAB"}


def test_a_zone_s_policy_goes_with_the_zone(api):
    api.zone()
    write(api, ZONE, binding(MEMBER))
    api.call("DELETE", "managedZones/ml")
    api.zone()
    assert read(api, ZONE) == {"version": 1, "etag": "ACAB"}


def test_a_project(api):
    v3 = api.get(PROJECT).body
    assert (v3["projectId"], v3["state"]) == ("demo-project", "ACTIVE")
    assert v3["name"] == f"projects/{api.get('').body['number']}"
    v1 = api.get("/v1/projects/demo-project").body
    assert (v1["projectId"], v1["lifecycleState"]) == ("demo-project", "ACTIVE")
    assert api.get("/v3/projects/Bad").body["error"]["status"] == "INVALID_ARGUMENT"


AUDIT = {"service": "dns.googleapis.com", "auditLogConfigs": [{"logType": "DATA_READ"}]}


def test_audit_configurations_come_and_go_by_the_mask_alone(api, resource):
    write(api, resource, binding(MEMBER))
    body = {"policy": {"auditConfigs": [AUDIT]}, "updateMask": "auditConfigs"}
    assert api.post(f"{resource}:setIamPolicy", body).code == 200
    assert (read(api, resource)["auditConfigs"], read(api, resource)["bindings"]) == ([AUDIT], [binding(MEMBER)])
    write(api, resource, binding("user:next@example.com"))
    assert (read(api, resource)["auditConfigs"], len(read(api, resource)["bindings"])) == ([AUDIT], 1)
    api.post(f"{resource}:setIamPolicy", {"policy": {}, "updateMask": "auditConfigs,etag"})
    assert "auditConfigs" not in read(api, resource)
