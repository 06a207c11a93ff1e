"""When a call may be repeated, and how long to wait before it is.

Three kinds of failure matter: *throttled* (429: nothing was applied, repeat anything), *never sent* (no connection was
made: repeat anything) and *transient* (5xx, a cut or silent connection: the call may have been applied, so only what is
idempotent is repeated; `mldns.providers.changes` looks a change up instead).
"""

from __future__ import annotations

import re

import google.auth.exceptions
import requests
import urllib3.exceptions
from google.api_core import exceptions as api_exceptions

from mldns.providers import retry

_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_PAGE_TITLE = re.compile(r"<title>([^<]*)</title>", re.IGNORECASE)
_GATEWAY_PAGE = re.compile(r"<title>[^<]*\b50[24]\b", re.IGNORECASE)
# Older Google APIs send their rate limit as a 403 with one of these reasons.
_THROTTLED_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})


def transient(error: BaseException) -> bool:
    """Whether the same call may well succeed a moment later, be it that this one was applied or not."""
    if isinstance(error, api_exceptions.GoogleAPICallError):
        return error.code in _TRANSIENT_STATUSES or throttled(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        if error.retryable or isinstance(error, google.auth.exceptions.TransportError):
            return True
        # google-auth retries a token endpoint's 500 and 503, and not the 502 and 504 of what stands before it.
        return bool(_GATEWAY_PAGE.search(str(error)))
    return isinstance(
        error,
        requests.exceptions.ConnectionError
        | requests.exceptions.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError
        | requests.exceptions.JSONDecodeError,
    )


def throttled(error: BaseException) -> bool:
    """Whether the server turned the call away before looking at it: too many requests."""
    if not isinstance(error, api_exceptions.GoogleAPICallError):
        return False
    return error.code == 429 or (error.code == 403 and reason_of(error) in _THROTTLED_REASONS)


def never_applied(error: BaseException) -> bool:
    """Whether the call cannot have had an effect, so that even a create is safe to send again."""
    if throttled(error) or isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return transient(error)  # no token, so no call
    cause = error.args[0] if isinstance(error, requests.exceptions.ConnectionError) and error.args else None
    refused = getattr(cause, "reason", cause)
    return isinstance(refused, urllib3.exceptions.NewConnectionError)


def reason_of(error: api_exceptions.GoogleAPICallError) -> str:
    """The `reason` of the first entry of a DNS error body, such as `alreadyExists`; empty where there is none."""
    first = next(iter(error.errors or ()), None)
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def message_of(error: api_exceptions.GoogleAPICallError) -> str:
    """The server's own words on one line; google-api-core writes `METHOD URL: ` in front of them.

    The machines in front of an API answer with a whole page: then its title.
    """
    text = " ".join(str(error.message).split())
    if page := _PAGE_TITLE.search(text):
        return page[1].strip()
    if text.partition(" ")[0] in ("GET", "POST", "PUT", "PATCH", "DELETE") and "://" in text:
        text = text.partition(": ")[2]
    return text.removesuffix(".")


def describe(error: BaseException | None) -> str:
    """An error in a few words on one line, without the URL that google-api-core puts in front."""
    if isinstance(error, api_exceptions.GoogleAPICallError) and not hasattr(error, "brief"):
        return f"HTTP {int(error.code or 0)} {message_of(error)}".strip()
    if isinstance(error, google.auth.exceptions.GoogleAuthError) and (page := _PAGE_TITLE.search(str(error))):
        return f"{type(error).__name__}: {page[1].strip()}"
    return retry.describe(error)
