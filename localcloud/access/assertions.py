"""Signed assertions (RFC 7523): the JWTs with which the holder of a key says who it is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import jwt

from localcloud.access.keys import ServiceAccountKey, account_project

_LIFETIME_S = 3_600
_LEEWAY_S = 300  # clocks differ


class BadAssertion(Exception):
    """Google's words for what is wrong."""


def verify(
    token: str, *, find_key: Callable[[str], ServiceAccountKey | None], audiences: Collection[str] | None
) -> dict[str, Any]:
    """The claims of an assertion that one of the account's own keys has signed. Raises BadAssertion.

    :param audiences: of which `aud` must be one; None leaves `aud` to the caller.
    """
    try:
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as error:
        raise BadAssertion("Bad Request") from error
    if not isinstance(issuer, str) or account_project(issuer) is None:
        raise BadAssertion("Invalid grant: account not found")
    key = find_key(str(header.get("kid")))
    if key is None or key.email != issuer:
        raise BadAssertion("Invalid JWT Signature.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.public_key,
            algorithms=["RS256"],
            audience=audiences,
            leeway=_LEEWAY_S,
            options={"require": ["iat", "exp"], "verify_aud": audiences is not None},
        )
    except jwt.InvalidAudienceError as error:
        raise BadAssertion("Invalid JWT: Failed audience check.") from error
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
        raise BadAssertion("Invalid JWT Signature.") from error
    except jwt.InvalidTokenError as error:
        raise BadAssertion(_TIMEFRAME) from error
    if int(claims["exp"]) - int(claims["iat"]) > _LIFETIME_S:
        raise BadAssertion(_TIMEFRAME)
    return claims


def unverified_subject(token: str) -> str | None:
    """`sub` of a JWT that nobody here can check; None when there is none."""
    try:
        subject = jwt.decode(token, options={"verify_signature": False}).get("sub")
    except jwt.InvalidTokenError:
        return None
    return subject if isinstance(subject, str) and subject else None


_TIMEFRAME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp"
    " values in the JWT claim."
)
