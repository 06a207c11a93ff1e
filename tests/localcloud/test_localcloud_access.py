"""IAM enforced: real key files and google-auth's own credentials against `/token`, STS and `generateAccessToken`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import google.auth
import google.auth.exceptions
import google.auth.impersonated_credentials
import google.auth.transport.requests
import google.cloud.dns
import google.cloud.resourcemanager_v3
import jwt
import pytest
import requests
from google.auth.credentials import Credentials
from google.oauth2 import service_account

from localcloud.access.authority import Authority
from localcloud.access.tokens import Principal, TokenBook
from localcloud.iam import Binding, Policy
from localcloud.store import Store

OWNER = "owner@demo-project.iam.gserviceaccount.com"
ALICE = "alice@demo-project.iam.gserviceaccount.com"
BOB = "bob@demo-project.iam.gserviceaccount.com"
CAROL = "carol@other-project.iam.gserviceaccount.com"
PROJECT = "/v3/projects/demo-project"
ZONES = "/dns/v1/projects/demo-project/managedZones"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
RECORD = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}


class Guarded:
    """A localcloud that enforces IAM, and calls to it as somebody."""

    def __init__(self, cloud) -> None:
        self.cloud = cloud
        self.base = cloud.api
        self._sessions: dict[str, requests.Session] = {}

    def key(self, email: str) -> dict[str, str]:
        answer = requests.post(f"{self.base}/_localcloud/keys", json={"email": email}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def credentials(self, email: str, scopes=SCOPES) -> service_account.Credentials:
        return service_account.Credentials.from_service_account_info(self.key(email), scopes=scopes)

    def call(self, email: str, verb: str, path: str, body: object = None) -> requests.Response:
        if email not in self._sessions:
            session = google.auth.transport.requests.AuthorizedSession(self.credentials(email))
            self._sessions[email] = session
        return self._sessions[email].request(verb, self.base + path, json=body, timeout=30)

    def grant(self, member: str, role: str, resource: str = PROJECT, **binding: object) -> None:
        policy = self.call(OWNER, "POST", f"{resource}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}}).json()
        bindings = [*policy.get("bindings", []), {"role": role, "members": [member], **binding}]
        body = {"policy": {**policy, "bindings": bindings, "version": 3}}
        answer = self.call(OWNER, "POST", f"{resource}:setIamPolicy", body)
        assert answer.status_code == 200, answer.text

    def zone(self, name: str = "ml") -> None:
        answer = self.call(OWNER, "POST", ZONES, {"name": name, "dnsName": f"{name}.example.com."})
        assert answer.status_code == 200, answer.text

    def forget(self) -> None:
        self.cloud.reset()
        self._sessions.clear()


@pytest.fixture(scope="module")
def _guarded():
    from tests.cloud_fixture import launch

    cloud = launch("--enforce-iam", "--done-ms", "0", "--serve-ms", "0")
    yield Guarded(cloud)
    cloud.stop()


@pytest.fixture
def guarded(_guarded) -> Guarded:
    _guarded.forget()
    return _guarded


def member(email: str) -> str:
    return f"serviceAccount:{email}"


class TestWhoCalls:
    def test_without_a_token_nothing_is_said(self, guarded):
        answer = requests.get(guarded.base + ZONES, timeout=30)
        error = answer.json()["error"]
        assert (answer.status_code, error["status"], error["errors"][0]["message"]) == (
            401,
            "UNAUTHENTICATED",
            "Login Required.",
        )
        assert error["message"].startswith("Request is missing required authentication credential.")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert guarded.cloud.stats() == {"managedZones.list": {"401": 1}}

    @pytest.mark.parametrize("header", ["Bearer ya29.nobody", "Bearer a.b.c"])
    def test_a_token_that_nobody_issued(self, guarded, header):
        answer = requests.get(guarded.base + ZONES, headers={"Authorization": header}, timeout=30)
        assert answer.status_code == 401
        assert answer.json()["error"]["errors"][0]["message"] == "Invalid Credentials"

    def test_reset_forgets_tokens_and_keys(self, guarded):
        credentials = guarded.credentials(OWNER)
        session = google.auth.transport.requests.AuthorizedSession(credentials)
        assert session.get(guarded.base + ZONES, timeout=30).status_code == 200
        guarded.forget()
        with pytest.raises(google.auth.exceptions.RefreshError, match=r"Invalid JWT Signature\."):
            session.get(guarded.base + ZONES, timeout=30)

    def test_google_cloud_dns_and_resource_manager_with_a_key(self, guarded):
        guarded.zone()
        options = {"api_endpoint": guarded.base}
        client = google.cloud.dns.Client("demo-project", guarded.credentials(OWNER), client_options=options)
        assert [zone.name for zone in client.list_zones()] == ["ml"]
        # This one signs its own token for the audience of the service instead of asking for one.
        projects = google.cloud.resourcemanager_v3.ProjectsClient(
            credentials=service_account.Credentials.from_service_account_info(guarded.key(OWNER)),
            client_options=options,
            transport="rest",
        )
        asked = ["resourcemanager.projects.setIamPolicy"]
        answer = projects.test_iam_permissions(resource="projects/demo-project", permissions=asked)
        assert list(answer.permissions) == asked

    def test_a_self_signed_token_of_somebody_else_s_key_is_none(self, guarded):
        key = guarded.key(ALICE)
        now = int(time.time())
        claims = {"iss": OWNER, "sub": OWNER, "aud": "https://dns.googleapis.com/", "iat": now, "exp": now + 600}
        token = jwt.encode(claims, key["private_key"], "RS256", {"kid": key["private_key_id"]})
        answer = requests.get(guarded.base + ZONES, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 401

    def test_a_token_asked_for_with_other_scopes(self, guarded):
        for scope, expected in (("ndev.clouddns.readonly", (200, 403)), ("devstorage.full_control", (403, 403))):
            credentials = guarded.credentials(OWNER, [f"https://www.googleapis.com/auth/{scope}"])
            session = google.auth.transport.requests.AuthorizedSession(credentials)
            read = session.get(guarded.base + ZONES, timeout=30)
            write = session.post(guarded.base + ZONES, json={}, timeout=30)
            assert (read.status_code, write.status_code) == expected
            assert write.json()["error"]["message"] == "Request had insufficient authentication scopes."


class TestAssertions:
    def ask(self, guarded, key: dict[str, str], headers: dict | None = None, **claims: object) -> tuple[int, str, str]:
        now = int(time.time())
        all_claims = {
            "iss": key["client_email"],
            "aud": "https://oauth2.googleapis.com/token",
            "scope": SCOPES[0],
            "iat": now,
            "exp": now + 3600,
            **claims,
        }
        assertion = jwt.encode(all_claims, key["private_key"], "RS256", headers or {"kid": key["private_key_id"]})
        return self.send(guarded, assertion)

    def send(self, guarded, assertion: str, grant: str = "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        form = {"grant_type": grant, "assertion": assertion}
        answer = requests.post(guarded.base + "/token", data=form, timeout=30)
        body = answer.json()
        return answer.status_code, body.get("error", body.get("token_type")), body.get("error_description", "")

    @pytest.mark.parametrize(
        ("claims", "code", "error", "words"),
        [
            ({"iss": "does-not-exist@p.iam.gserviceaccount.com"}, 400, "invalid_grant", "account not found"),
            ({"iss": BOB}, 400, "invalid_grant", "Invalid JWT Signature."),
            ({"aud": "https://example.com"}, 400, "invalid_grant", "Failed audience check"),
            ({"iat": 1, "exp": 3601}, 400, "invalid_grant", "short-lived token (60 minutes)"),
            ({"exp": int(time.time()) + 9_000}, 400, "invalid_grant", "short-lived token (60 minutes)"),
            ({"scope": ""}, 400, "invalid_scope", "Invalid OAuth scope"),
            ({"sub": "user@example.com"}, 401, "unauthorized_client", "Client is unauthorized"),
        ],
    )
    def test_bad_ones(self, guarded, claims, code, error, words):
        found = self.ask(guarded, guarded.key(ALICE), **claims)
        assert found[:2] == (code, error)
        assert words in found[2]

    def test_a_key_that_is_not_known_and_a_signature_that_does_not_fit(self, guarded):
        alice, bob = guarded.key(ALICE), guarded.key(BOB)
        assert self.ask(guarded, alice, {"kid": "nobody"})[2] == "Invalid JWT Signature."
        forged = {**alice, "private_key": bob["private_key"]}
        assert self.ask(guarded, forged)[2] == "Invalid JWT Signature."

    def test_what_is_no_assertion(self, guarded):
        assert self.send(guarded, "x")[:2] == (400, "invalid_grant")
        assert self.send(guarded, "x", "password") == (400, "unsupported_grant_type", "Invalid grant_type: password")

    def test_no_key_for_what_is_no_account(self, guarded):
        for email in ("alice@example.com", "does-not-exist@p.iam.gserviceaccount.com", None):
            answer = requests.post(f"{guarded.base}/_localcloud/keys", json={"email": email}, timeout=30)
            assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


class TestPermissions:
    def test_cloud_dns_says_forbidden_and_localcloud_what_was_missing(self, guarded):
        answer = guarded.call(ALICE, "GET", ZONES)
        assert answer.status_code == 403
        assert answer.json() == {
            "error": {
                "code": 403,
                "message": "Forbidden",
                "errors": [{"message": "Forbidden", "domain": "global", "reason": "forbidden"}],
            }
        }
        assert answer.headers["X-Localcloud-Missing-Permission"] == "dns.managedZones.list"

    def test_resource_manager_names_the_permission(self, guarded):
        answer = guarded.call(ALICE, "POST", f"{PROJECT}:setIamPolicy", {"policy": {}})
        error = answer.json()["error"]
        assert (answer.status_code, error["status"]) == (403, "PERMISSION_DENIED")
        assert error["message"] == (
            "Permission 'resourcemanager.projects.setIamPolicy' denied on resource"
            " '//cloudresourcemanager.googleapis.com/projects/demo-project' (or it may not exist)."
        )
        assert error["details"][0]["metadata"]["permission"] == "resourcemanager.projects.setIamPolicy"

    @pytest.mark.parametrize(
        ("role", "may"),
        [
            ("roles/dns.reader", {"list"}),
            ("roles/viewer", {"list", "read policy"}),
            ("roles/dns.admin", {"list", "change", "create zone"}),
            ("roles/editor", {"list", "change", "create zone", "read policy"}),
            ("roles/owner", {"list", "change", "create zone", "read policy", "set policy"}),
            ("roles/resourcemanager.projectIamAdmin", {"read policy", "set policy"}),
            ("roles/iam.serviceAccountTokenCreator", set()),
            ("roles/made.up", set()),
        ],
    )
    def test_what_a_role_on_the_project_permits(self, guarded, role, may):
        guarded.zone()
        guarded.grant(member(ALICE), role)
        calls: dict[str, tuple[str, str, object]] = {
            "list": ("GET", ZONES, None),
            "change": ("POST", f"{ZONES}/ml/changes", {"additions": [RECORD]}),
            "create zone": ("POST", ZONES, {"name": "b", "dnsName": "b.example.com."}),
            "read policy": ("POST", f"{PROJECT}:getIamPolicy", None),
            "set policy": ("POST", f"{PROJECT}:setIamPolicy", {"policy": {}}),
        }
        codes = {what: guarded.call(ALICE, *call).status_code for what, call in calls.items()}
        assert codes == {what: 200 if what in may else 403 for what in calls}

    def test_a_grant_on_a_zone_is_good_for_that_zone(self, guarded):
        guarded.zone("ml")
        guarded.zone("other")
        guarded.grant(member(ALICE), "roles/dns.admin", f"{ZONES}/ml")
        change = {"additions": [RECORD]}
        assert guarded.call(ALICE, "POST", f"{ZONES}/ml/changes", change).status_code == 200
        assert guarded.call(ALICE, "GET", f"{ZONES}/ml/rrsets").status_code == 200
        assert guarded.call(ALICE, "POST", f"{ZONES}/other/changes", change).status_code == 403
        assert guarded.call(ALICE, "GET", ZONES).status_code == 403
        assert guarded.call(ALICE, "POST", f"{ZONES}/ml:getIamPolicy").status_code == 200
        assert guarded.call(ALICE, "POST", f"{ZONES}/ml:setIamPolicy", {"policy": {}}).status_code == 403

    def test_a_zone_that_is_not_there_is_told_to_those_only_who_may_know(self, guarded):
        assert guarded.call(ALICE, "GET", f"{ZONES}/nobody").status_code == 403
        assert guarded.call(OWNER, "GET", f"{ZONES}/nobody").status_code == 404

    def test_what_the_caller_has_is_what_test_iam_permissions_says(self, guarded):
        guarded.zone()
        guarded.grant(member(ALICE), "roles/dns.reader", f"{ZONES}/ml")
        asked = {"permissions": ["dns.changes.create", "dns.managedZones.get"]}
        ask: Callable[[str, str], object] = lambda who, where: guarded.call(  # noqa: E731
            who, "POST", f"{where}:testIamPermissions", asked
        ).json()
        assert ask(ALICE, f"{ZONES}/ml") == {"permissions": ["dns.managedZones.get"]}
        assert ask(ALICE, PROJECT) == ask(BOB, f"{ZONES}/ml") == {}
        assert ask(OWNER, PROJECT) == asked
        assert ask(OWNER, f"{ZONES}/nobody") == {}

    @pytest.mark.parametrize(
        ("expression", "code"),
        [
            ('request.time < timestamp("2999-01-01T00:00:00Z")', 200),
            ("request.time < timestamp('2000-01-01T00:00:00Z')", 403),
            (
                'request.time > timestamp("2000-01-01T00:00:00Z") && request.time < timestamp("2999-01-01T00:00:00Z")',
                200,
            ),
            ('resource.name.startsWith("x")', 403),
            ('request.time < timestamp("soon")', 403),
        ],
    )
    def test_conditions_on_time_are_kept_and_others_grant_nothing(self, guarded, expression, code):
        guarded.grant(member(ALICE), "roles/viewer", condition={"title": "t", "expression": expression})
        assert guarded.call(ALICE, "GET", ZONES).status_code == code


class TestTime:
    def test_when_a_grant_and_its_end_are_enforced(self):
        now = 1_000.0
        store = Store(monotonic=lambda: now)
        authority = Authority(store, owner=OWNER, grant_delay=300)
        grant = Policy((Binding("roles/viewer", (member(ALICE),)),))
        for policy, allowed in ((grant, False), (Policy(), True)):
            store.set_policy("projects/p", policy)
            for passed, expected in ((0, allowed), (299, allowed), (2, not allowed)):
                now += passed
                found = authority.allows(Principal(member(ALICE)), "dns.managedZones.list", ["projects/p"])
                assert found is expected

    def test_a_token_ends(self):
        now = 1_000.0
        tokens = TokenBook(lambda: now)
        token = tokens.issue(Principal(member(ALICE)), 60)
        assert tokens.find(token) == Principal(member(ALICE))
        now += 60
        assert tokens.find(token) is None


class TestImpersonation:
    def impersonated(self, guarded, source: Credentials, chain: list[str]) -> requests.Session:
        *delegates, target = chain
        endpoint = f"{guarded.base}/v1/projects/-/serviceAccounts/{target}:generateAccessToken"
        credentials = google.auth.impersonated_credentials.Credentials(
            source, target, SCOPES, delegates=delegates, iam_endpoint_override=endpoint
        )
        return google.auth.transport.requests.AuthorizedSession(credentials)

    def account(self, email: str) -> str:
        return f"/v1/projects/-/serviceAccounts/{email}"

    def test_the_target_s_rights_count_and_need_the_right_to_act_as_it(self, guarded):
        guarded.grant(member(BOB), "roles/viewer")
        session = self.impersonated(guarded, guarded.credentials(ALICE), [BOB])
        with pytest.raises(google.auth.exceptions.RefreshError) as caught:
            session.get(guarded.base + ZONES, timeout=30)
        error = json.loads(caught.value.args[1])["error"]
        assert error["message"] == (
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
        )
        assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
        guarded.grant(member(ALICE), "roles/iam.serviceAccountTokenCreator", self.account(BOB))
        assert session.get(guarded.base + ZONES, timeout=30).status_code == 200
        assert guarded.call(ALICE, "GET", ZONES).status_code == 403

    def test_a_chain_needs_every_link(self, guarded):
        creator = "roles/iam.serviceAccountTokenCreator"
        guarded.grant(member(CAROL), "roles/viewer")
        session = self.impersonated(guarded, guarded.credentials(ALICE), [BOB, CAROL])
        guarded.grant(member(BOB), creator, self.account(CAROL))
        with pytest.raises(google.auth.exceptions.RefreshError, match=r"iam\.serviceAccounts\.implicitDelegation"):
            session.get(guarded.base + ZONES, timeout=30)
        guarded.grant(member(ALICE), creator)  # on the project: good for all its accounts, such as Bob
        assert session.get(guarded.base + ZONES, timeout=30).status_code == 200
        direct = self.impersonated(guarded, guarded.credentials(ALICE), [CAROL])  # of another project
        with pytest.raises(google.auth.exceptions.RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
            direct.get(guarded.base + ZONES, timeout=30)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"scope": SCOPES, "lifetime": "2h"},
            {"scope": SCOPES, "lifetime": "3601s"},
            {"scope": SCOPES, "delegates": 1},
        ],
    )
    def test_malformed_requests(self, guarded, body):
        answer = guarded.call(OWNER, "POST", f"{self.account(BOB)}:generateAccessToken", body)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")

    def test_a_credential_file_of_an_identity_from_elsewhere_that_acts_as_an_account(self, guarded, tmp_path):
        (tmp_path / "token").write_text(jwt.encode({"sub": "airflow"}, "x" * 32, "HS256"))
        pool = "locations/global/workforcePools/training"
        file = tmp_path / "credentials.json"
        file.write_text(
            json.dumps(
                {
                    "type": "external_account",
                    "audience": f"//iam.googleapis.com/{pool}/providers/idp",
                    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                    "token_url": f"{guarded.base}/v1/token",
                    "service_account_impersonation_url": f"{guarded.base}{self.account(BOB)}:generateAccessToken",
                    "credential_source": {"file": str(tmp_path / "token")},
                }
            )
        )
        guarded.grant(member(BOB), "roles/viewer")
        credentials, _ = google.auth.load_credentials_from_file(str(file), scopes=SCOPES)
        session = google.auth.transport.requests.AuthorizedSession(credentials)
        with pytest.raises(google.auth.exceptions.RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
            session.get(guarded.base + ZONES, timeout=30)
        subject = f"principal://iam.googleapis.com/{pool}/subject/airflow"
        guarded.grant(subject, "roles/iam.serviceAccountTokenCreator", self.account(BOB))
        assert session.get(guarded.base + ZONES, timeout=30).status_code == 200


def test_without_enforcement_keys_work_and_nobody_needs_one(cloud):
    guarded = Guarded(cloud)
    assert guarded.call(ALICE, "GET", ZONES).status_code == 200
    assert requests.get(cloud.api + ZONES, timeout=30).status_code == 200
    body = {"scope": SCOPES}
    path = f"/v1/projects/-/serviceAccounts/{BOB}:generateAccessToken"
    assert requests.post(cloud.api + path, json=body, timeout=30).json()["accessToken"].startswith("ya29.")


@pytest.mark.parametrize("method", ["oauth2.token", "sts.token"])
def test_token_endpoints_can_fail_too(cloud, method):
    rule = {"method": method, "kind": "status", "status": 503, "count": 1}
    requests.post(f"{cloud.api}/_localcloud/faults", json=rule, timeout=30)
    path = {"oauth2.token": "/token", "sts.token": "/v1/token"}[method]
    answer = requests.post(cloud.api + path, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (503, "internal_failure")
