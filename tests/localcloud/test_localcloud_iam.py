"""IAM policies of projects (Resource Manager v3 and v1) and of zones."""

from __future__ import annotations

import pytest

ROLE = "roles/dns.admin"
MEMBER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
CONDITION = {"title": "until 2030", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}
ZONE = "/dns/v1/projects/demo-project/managedZones/ml"
RESOURCES = {"zone": ZONE, "project v3": "/v3/projects/demo-project", "project v1": "/v1/projects/demo-project"}


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


def test_a_policy_that_nobody_has_set(api, resource):
    assert read(api, resource) == {"version": 1, "etag": "ACAB"}
    assert api.post(f"{resource}:getIamPolicy").body == {"version": 1, "etag": "ACAB"}


def test_what_is_set_is_read_and_the_etag_moves(api, resource):
    first = write(api, resource, binding(MEMBER), etag="ACAB")
    assert first.code == 200
    assert first.body["bindings"] == [{"role": ROLE, "members": [MEMBER]}]
    assert read(api, resource) == first.body
    second = write(api, resource, binding(MEMBER), etag=first.body["etag"])
    assert second.body["etag"] not in (first.body["etag"], "ACAB")


def test_a_stale_etag_is_a_conflict(api, resource):
    write(api, resource, binding(MEMBER))
    before = read(api, resource)
    answer = write(api, resource, binding("user:late@example.com"), etag="ACAB")
    message = "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
    assert answer.code == 409
    assert answer.body == {
        "error": {
            "code": 409,
            "message": message,
            "status": "ABORTED",
            "errors": [{"message": message, "domain": "global", "reason": "aborted"}],
        }
    }
    assert read(api, resource) == before


def test_without_an_etag_the_write_is_blind(api, resource):
    write(api, resource, binding("user:first@example.com"))
    assert write(api, resource, binding(MEMBER)).code == 200
    assert read(api, resource)["bindings"] == [binding(MEMBER)]


def test_conditions_need_version_3_to_be_written_and_to_be_seen(api, resource):
    conditional = binding(MEMBER, condition=CONDITION)
    code, _, message = write(api, resource, conditional, version=1).problem
    assert (code, message) == (400, "The policy version must be 3 when a role binding has a condition.")
    assert write(api, resource, conditional, version=3).code == 200
    assert read(api, resource, 3)["bindings"] == [conditional]
    assert read(api, resource, 3)["version"] == 3
    (hidden,) = read(api, resource, 1)["bindings"]
    assert hidden["role"].startswith(f"{ROLE}_withcond_")
    assert "condition" not in hidden
    assert read(api, resource, 1)["version"] == 1
    assert write(api, resource, hidden).code == 400  # an old reader cannot write the placeholder back


def test_bindings_are_merged_by_role_and_condition(api, resource):
    written = write(
        api,
        resource,
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
    "member",
    [
        "user:a@example.com",
        "group:g@example.com",
        "domain:example.com",
        "serviceAccount:demo-project.svc.id.goog[training/worker]",
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/group/g",
        "deleted:serviceAccount:x@demo-project.iam.gserviceaccount.com?uid=123",
    ],
)
def test_kinds_of_members(api, resource, member):
    assert write(api, resource, binding(member)).body["bindings"] == [binding(member)]


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("a@example.com", 'Policy members must be of the form "<type>:<value>".'),
        ("user:", 'Policy members must be of the form "<type>:<value>".'),
        (
            "robot:a@example.com",
            "The member robot:a@example.com is of an unknown type. Please set a valid type prefix for the member.",
        ),
        ("user:nobody", "Invalid principal user:nobody: an e-mail address is needed."),
        (
            "serviceAccount:does-not-exist@demo-project.iam.gserviceaccount.com",
            "Service account does-not-exist@demo-project.iam.gserviceaccount.com does not exist.",
        ),
        ("user:does-not-exist@example.com", "User does-not-exist@example.com does not exist."),
    ],
)
def test_members_that_are_refused(api, resource, member, message):
    answer = write(api, resource, binding(MEMBER, member))
    assert answer.problem == (400, "badRequest", message)
    assert answer.body["error"]["status"] == "INVALID_ARGUMENT"
    assert read(api, resource) == {"version": 1, "etag": "ACAB"}


@pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers"])
def test_everybody_is_refused_on_a_project(api, member):
    for resource in ("/v1/projects/demo-project", "/v3/projects/demo-project"):
        answer = write(api, resource, binding(member))
        assert (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_1500_principals_fit_and_one_more_does_not(api, resource):
    members = [f"user:u{n}@example.com" for n in range(1501)]
    assert write(api, resource, binding(*members)).problem[2] == (
        "The number of members in the policy (1,501) is larger than the maximum allowed size 1,500."
    )
    assert write(api, resource, binding(*members[:1500])).code == 200


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
    ],
)
def test_malformed_policies(api, resource, body):
    answer = api.post(f"{resource}:setIamPolicy", body)
    assert (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_policy_version_that_does_not_exist(api, resource):
    answer = api.post(f"{resource}:getIamPolicy", {"options": {"requestedPolicyVersion": 2}})
    assert (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_the_caller_has_every_permission(api, resource):
    permissions = ["dns.changes.create", "dns.managedZones.get"]
    assert api.post(f"{resource}:testIamPermissions", {"permissions": permissions}).body == {"permissions": permissions}
    assert api.post(f"{resource}:testIamPermissions").body == {}
    assert api.post(f"{resource}:testIamPermissions", {"permissions": ["dns.*"]}).code == 400


def test_permissions_on_a_missing_zone_are_an_empty_set_not_404(api):
    path = "/dns/v1/projects/demo-project/managedZones/nobody:testIamPermissions"
    assert api.post(path, {"permissions": ["dns.managedZones.get"]}) == (200, {})


def test_v1_and_v3_speak_of_one_policy_and_projects_do_not_share_it(api):
    written = write(api, "/v3/projects/demo-project", binding(MEMBER)).body
    assert read(api, "/v1/projects/demo-project") == written
    assert read(api, "/v3/projects/other-project") == {"version": 1, "etag": "ACAB"}


def test_a_zone_s_policy_goes_with_the_zone(api):
    zone = api.zone()
    write(api, ZONE, binding(MEMBER))
    assert read(api, ZONE.replace("ml", zone["id"]))["bindings"] == [binding(MEMBER)]
    api.call("DELETE", "managedZones/ml")
    api.zone()
    assert read(api, ZONE) == {"version": 1, "etag": "ACAB"}


def test_a_project(api):
    v3 = api.get("/v3/projects/demo-project").body
    assert (v3["projectId"], v3["state"]) == ("demo-project", "ACTIVE")
    assert v3["name"] == f"projects/{api.get('').body['number']}"
    v1 = api.get("/v1/projects/demo-project").body
    assert (v1["projectId"], v1["lifecycleState"]) == ("demo-project", "ACTIVE")


def test_a_project_id_that_cannot_be(api):
    answer = api.get("/v3/projects/Bad")
    assert (answer.code, answer.body["error"]["status"]) == (400, "INVALID_ARGUMENT")


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


def test_audit_configurations_that_are_none(api):
    body = {"policy": {"auditConfigs": ["all"]}, "updateMask": "auditConfigs"}
    assert api.post("/v3/projects/demo-project:setIamPolicy", body).code == 400
