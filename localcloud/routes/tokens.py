"""Tokens: OAuth's `/token` for keys, STS for identities from elsewhere, and `generateAccessToken` for impersonation."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from localcloud.access import refusals
from localcloud.access.keys import account_project
from localcloud.access.tokens import LIFETIME_S, Principal
from localcloud.admission import resources_of
from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.errors import ApiError, invalid_argument

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
_GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
_POOL = re.compile(r"//iam\.googleapis\.com/(.+/work(?:force|loadIdentity)Pools/[^/]+)/providers/[^/]+")
_SECONDS = re.compile(r"([0-9]{1,5})(?:\.0+)?s")
_DELEGATE = "projects/-/serviceAccounts/"
_GET_TOKEN = "iam.serviceAccounts.getAccessToken"  # noqa: S105 - a permission
_DELEGATE_ON = "iam.serviceAccounts.implicitDelegation"


async def _read_form(request: Request) -> JsonObject:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def token(service: Service, call: Call) -> JsonObject:
    """A token for the holder of a service account's key, who shows it by a signature (RFC 7523)."""
    from localcloud.access.assertions import BadAssertion, verify

    if call.body.get("grant_type") != _JWT_BEARER:
        raise refusals.oauth("unsupported_grant_type", f"Invalid grant_type: {call.body.get('grant_type', '')}")
    try:
        claims = verify(
            call.body.get("assertion", ""),
            find_key=service.store.service_account_key,
            audiences=(_GOOGLE_AUDIENCE, f"{call.base_url}/token"),
        )
    except BadAssertion as error:
        raise refusals.oauth("invalid_grant", str(error)) from error
    if claims.get("sub") not in (None, claims["iss"]):
        raise refusals.oauth(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of"
            " the scopes requested.",
            code=401,
        )
    scopes = frozenset(str(claims.get("scope", "")).split())
    if not scopes:
        raise refusals.oauth("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    issued = service.authority.tokens.issue(Principal(f"serviceAccount:{claims['iss']}", scopes))
    return {"access_token": issued, "expires_in": LIFETIME_S - 1, "token_type": "Bearer"}


def exchange(service: Service, call: Call) -> JsonObject:
    """A token for somebody whom another identity provider vouches for (RFC 8693).

    There is no provider to ask, so every JWT is believed: what matters here is what comes after.
    """
    from localcloud.access.assertions import unverified_subject

    if call.body.get("grant_type") != _EXCHANGE:
        raise refusals.oauth("unsupported_grant_type", f"Invalid grant_type: {call.body.get('grant_type', '')}")
    pool = _POOL.fullmatch(call.body.get("audience", ""))
    if pool is None:
        raise refusals.oauth("invalid_request", 'Invalid value for "audience".')
    subject = unverified_subject(call.body.get("subject_token", ""))
    if subject is None:
        raise refusals.oauth("invalid_grant", "Unable to parse the ID Token.")
    scopes = frozenset(call.body.get("scope", "").split())
    if not scopes:
        raise refusals.oauth("invalid_scope", "Scopes are required.")
    principal = Principal(f"principal://iam.googleapis.com/{pool[1]}/subject/{subject}", scopes)
    return {
        "access_token": service.authority.tokens.issue(principal),
        "issued_token_type": _ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": LIFETIME_S - 1,
    }


def generate_access_token(service: Service, call: Call) -> JsonObject:
    """A token of another service account, for a caller who may act as it: itself, or through a chain of delegates."""
    account = call.path["account"].lower()
    scopes = call.body.get("scope")
    if not isinstance(scopes, list) or not scopes or not all(isinstance(scope, str) for scope in scopes):
        raise invalid_argument("Request contains an invalid argument.")
    lifetime = _lifetime(call.body.get("lifetime", f"{LIFETIME_S}s"))
    chain = [*_delegates(call.body.get("delegates") or []), account]
    if service.authority.enforced:
        _require_chain(service, service.authority.identify(call.authorization), chain)
    if account_project(account) is None:
        raise ApiError(404, invalid_argument("Not found; Gaia id not found for email " + account).problems)
    tokens = service.authority.tokens
    issued = tokens.issue(Principal(f"serviceAccount:{account}", frozenset(scopes)), lifetime)
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(tokens.clock() + lifetime))
    return {"accessToken": issued, "expireTime": expires}


def _require_chain(service: Service, caller: Principal, chain: Sequence[str]) -> None:
    """Each link must let the one before act as it. Raises Refusal 403."""
    for position, account in enumerate(chain, 1):
        permission = _GET_TOKEN if position == len(chain) else _DELEGATE_ON
        resources = resources_of(service, Call({"account": account}, {}, {}))
        service.authority.require(caller, permission, "iamcredentials", resources)
        caller = Principal(f"serviceAccount:{account}")


def _delegates(sent: Any) -> list[str]:
    if not isinstance(sent, list) or not all(isinstance(delegate, str) for delegate in sent):
        raise invalid_argument("Request contains an invalid argument.")
    # The reference wants the full name; google-auth and Airflow send bare addresses.
    return [delegate.removeprefix(_DELEGATE).lower() for delegate in sent]


def _lifetime(sent: object) -> int:
    found = _SECONDS.fullmatch(sent) if isinstance(sent, str) else None
    if found is None or not 0 < int(found[1]) <= LIFETIME_S:
        raise invalid_argument("The lifetime of a token is more than 0 and at most 3600 seconds.")
    return int(found[1])


METHODS = (
    Method("oauth2.token", "POST", "/token", token, _read_form),
    Method("sts.token", "POST", "/v1/token", exchange, _read_form),
    Method(
        "iamcredentials.projects.serviceAccounts.generateAccessToken",
        "POST",
        "/v1/projects/{accounts}/serviceAccounts/{account}:generateAccessToken",
        generate_access_token,
    ),
)
