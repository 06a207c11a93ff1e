"""The hook with real credentials: key files, impersonation chains and federated identities, against enforced policies.

`impersonation_chain` cannot be pointed at another server: Airflow's base hook builds google-auth's impersonated
credentials without an endpoint, which makes it `https://iamcredentials.googleapis.com`. But requests obeys
`HTTPS_PROXY` and `REQUESTS_CA_BUNDLE`, so a proxy that holds a certificate for that name leads the very same bytes to
localcloud, and nothing is patched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from mldns.exceptions import InvalidInput, MldnsError, PermissionMissing
from mldns.hooks.cloud_dns import CloudDNSHook
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.guarded_cloud import AIRFLOW, REGISTRAR, account, key
from tests.tls import tls_front, write_certificate

IAM_HOST = "iamcredentials.googleapis.com"
MIDDLE = "middle@demo-project.iam.gserviceaccount.com"
CREATOR = "roles/iam.serviceAccountTokenCreator"
PROJECT = "/v3/projects/demo-project"

MakeHook = Callable[..., CloudDNSHook]


@pytest.fixture
def make_hook(guarded: Cloud, monkeypatch: pytest.MonkeyPatch) -> MakeHook:
    def make(impersonation_chain: str | list[str] | None = None, **extras: Any) -> CloudDNSHook:
        connection = guarded.connection(num_retries=0, is_anonymous=None, **extras)
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", connection)
        return CloudDNSHook(impersonation_chain=impersonation_chain)

    return make


def test_a_key_file_may_what_its_account_was_granted(guarded, grant, make_hook):
    hook = make_hook(keyfile_dict=key(guarded, AIRFLOW))
    with pytest.raises(PermissionMissing, match=r"dns\.managedZones\.get"):
        hook.get_zone(zone="my-managed-zone")
    grant(f"serviceAccount:{AIRFLOW}", "roles/dns.admin", PROJECT)
    assert hook.ensure_zone(zone="my-managed-zone", dns_name="ml.example.com.", networks=["training"])["created"]
    with pytest.raises(PermissionMissing, match=r"resourcemanager\.projects\.\w+IamPolicy"):
        hook.bind_iam(role="roles/dns.reader", members=["user:a@example.com"], scope="project")
    asked = ["resourcemanager.projects.get", "resourcemanager.projects.setIamPolicy"]
    assert hook.test_iam_permissions(permissions=asked, scope="project") == asked[:1]


SHORT_KEY = {"type": "service_account", "client_email": "a@example.com", "token_uri": "https://oauth.example.com"}


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("keyfile_dict", '{"type": "service_acc'),
        ("keyfile_dict", "[1]"),
        ("keyfile_dict", "[" * 100_000),
        ("keyfile_dict", json.dumps(SHORT_KEY)),
        ("keyfile_dict", json.dumps({**SHORT_KEY, "private_key": "SECRET"})),
        ("keyfile_dict", json.dumps({**SHORT_KEY, "private_key": 7})),
        ("key_path", "/nowhere/key.json"),
        ("key_path", "/nowhere"),
        ("credential_config_file", '{"type": "external_account"}'),
    ],
)
def test_a_bent_key_is_refused_in_one_line(guarded, make_hook, extra, text):
    with pytest.raises(InvalidInput) as refused:
        make_hook(**{extra: text}).list_zones()
    said = str(refused.value)
    assert said.startswith(f"connection 'google_cloud_default': extra {extra} cannot be read as credentials (")
    assert "\n" not in said
    assert "SECRET" not in said


def test_a_federated_identity_acts_as_an_account(guarded, grant, make_hook, tmp_path):
    (tmp_path / "token").write_text(jwt.encode({"sub": "worker-1"}, "x" * 32, "HS256"))
    pool = "locations/global/workforcePools/training"
    hook = make_hook(
        credential_config_file=json.dumps(
            {
                "type": "external_account",
                "audience": f"//iam.googleapis.com/{pool}/providers/idp",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{guarded.api}/v1/token",
                "service_account_impersonation_url": f"{guarded.api}{account(REGISTRAR)}:generateAccessToken",
                "credential_source": {"file": str(tmp_path / "token")},
            }
        )
    )
    grant(f"serviceAccount:{REGISTRAR}", "roles/dns.reader", PROJECT)
    grant(f"principal://iam.googleapis.com/{pool}/subject/worker-1", CREATOR, account(REGISTRAR))
    assert hook.list_zones() == []


class TestImpersonationChain:
    @pytest.fixture(autouse=True)
    def _iamcredentials_is_localcloud(
        self, guarded: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Iterator[None]:
        certificate = write_certificate(tmp_path, IAM_HOST)
        with tls_front(guarded.api, certificate, as_proxy=True) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
            yield

    def test_one_account(self, guarded, grant, make_hook):
        hook = make_hook(REGISTRAR, keyfile_dict=key(guarded, AIRFLOW))
        grant(f"serviceAccount:{REGISTRAR}", "roles/dns.reader", PROJECT)
        with pytest.raises(MldnsError, match=r"iam\.serviceAccounts\.getAccessToken"):
            hook.list_zones()
        grant(f"serviceAccount:{AIRFLOW}", CREATOR, account(REGISTRAR))
        assert hook.list_zones() == []

    def test_a_chain(self, guarded, grant, make_hook):
        hook = make_hook([MIDDLE, REGISTRAR], keyfile_dict=key(guarded, AIRFLOW))
        grant(f"serviceAccount:{REGISTRAR}", "roles/dns.reader", PROJECT)
        grant(f"serviceAccount:{MIDDLE}", CREATOR, account(REGISTRAR))
        with pytest.raises(MldnsError, match=r"iam\.serviceAccounts\.implicitDelegation"):
            hook.list_zones()
        grant(f"serviceAccount:{AIRFLOW}", CREATOR, account(MIDDLE))
        assert hook.list_zones() == []

    def test_a_credential_file_that_impersonates(self, guarded, grant, make_hook):
        # google-auth takes no more than the account's name from the URL in it.
        file = {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": f"https://{IAM_HOST}{account(REGISTRAR)}:generateAccessToken",
            "delegates": [MIDDLE],
            "source_credentials": key(guarded, AIRFLOW),
        }
        grant(f"serviceAccount:{REGISTRAR}", "roles/dns.reader", PROJECT)
        grant(f"serviceAccount:{AIRFLOW}", CREATOR, account(MIDDLE))
        grant(f"serviceAccount:{MIDDLE}", CREATOR, account(REGISTRAR))
        assert make_hook(credential_config_file=json.dumps(file)).list_zones() == []

    def test_a_grant_is_proven_as_its_member(self, guarded, grant, make_hook):
        hook = make_hook(keyfile_dict=key(guarded, AIRFLOW))
        grant(f"serviceAccount:{AIRFLOW}", "roles/resourcemanager.projectIamAdmin", PROJECT)
        grant(f"serviceAccount:{AIRFLOW}", CREATOR, account(REGISTRAR))
        binding = {"role": "roles/dns.reader", "members": [f"serviceAccount:{REGISTRAR}"], "scope": "project"}
        assert hook.bind_iam(**binding, wait=True)["proof"].startswith("effective after ")
