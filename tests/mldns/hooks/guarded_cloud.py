"""A localcloud that enforces IAM: key files for its accounts, and grants made by its owner."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import jwt
import requests

from tests.cloud_fixture import Cloud

AIRFLOW = "airflow@demo-project.iam.gserviceaccount.com"
REGISTRAR = "registrar@demo-project.iam.gserviceaccount.com"
OWNER = "owner@demo-project.iam.gserviceaccount.com"


def key(cloud: Cloud, email: str) -> dict[str, str]:
    """A new key file of a service account."""
    return dict(cloud.call("POST", "/_localcloud/keys", {"email": email}))


def account(email: str) -> str:
    """The resource of a service account."""
    return f"/v1/projects/-/serviceAccounts/{email}"


def granting(cloud: Cloud) -> Callable[[str, str, str], None]:
    """`grant(member, role, resource)` as the owner."""
    owner = key(cloud, OWNER)

    def grant(member: str, role: str, resource: str) -> None:
        now = datetime.datetime.now(datetime.UTC)
        claims = {"iss": OWNER, "sub": OWNER, "aud": "https://iam.googleapis.com/", "iat": now}
        claims["exp"] = now + datetime.timedelta(minutes=5)
        token = jwt.encode(claims, owner["private_key"], "RS256", {"kid": owner["private_key_id"]})
        headers = {"Authorization": f"Bearer {token}"}
        policy = requests.post(f"{cloud.api}{resource}:getIamPolicy", headers=headers, timeout=10).json()
        policy["bindings"] = [*policy.get("bindings", []), {"role": role, "members": [member]}]
        body = {"policy": policy}
        answer = requests.post(f"{cloud.api}{resource}:setIamPolicy", headers=headers, json=body, timeout=10)
        assert answer.status_code == 200, answer.text

    return grant
