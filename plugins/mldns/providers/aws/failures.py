"""What AWS's refusals and silences mean: one kind of error out of boto3's many, and of that the mldns exceptions.

Of an `InvalidChangeBatch` there is only the text, and several complaints may share one pair of brackets.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from botocore import exceptions as boto

from mldns.exceptions import (
    CloudUnavailable,
    InvalidInput,
    MldnsError,
    PermissionMissing,
    QuotaShort,
    ZoneNotEmpty,
    ZoneNotFound,
)
from mldns.messages import clipped
from mldns.providers.aws.wire import written_name
from mldns.providers.errors import AlreadyExists, ApiRefused, Call, ZoneMoved
from mldns.providers.retry import describe

# Turned away before anything was done. `PriorRequestNotComplete`: Route 53 takes one change of a zone at a time.
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "PriorRequestNotComplete"})
_NOT_SENT = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
_UNANSWERED = (boto.HTTPClientError, boto.ResponseStreamingError, boto.IncompleteReadError)
_NO_TOKEN = (boto.CredentialRetrievalError, boto.TokenRetrievalError, boto.UnauthorizedSSOTokenError)
_NO_CREDENTIALS = (boto.NoCredentialsError, boto.PartialCredentialsError, *_NO_TOKEN)
_BAD_CREDENTIALS = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "InvalidSignature"}
    | {"IncompleteSignature", "MissingAuthenticationToken", "ExpiredTokenException", "AuthFailure"}
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedOperation"})
_TAKEN = frozenset({"HostedZoneAlreadyExists", "ConflictingDomainExists"})
_TOO_MANY = frozenset({"TooManyHostedZones", "LimitsExceeded"})
_MOVED = re.compile(
    r"but it already exists|but it was not found|but the values provided do not match the current values"
    r"|is not permitted (?:because a conflicting|as it conflicts)"
)
_LIMIT = re.compile(r"(?:Number of records|RDATA character) limit of \d+ exceeded|Exceeded limit MAX_\w+")
_NAMED = re.compile(r"name='([^']+)', type='([A-Z0-9]+)'")
_ACTION = re.compile(r"not authorized to perform: (\S+)")


class Failure(Exception):
    """A call that failed, however boto3 puts it.

    `code` is HTTP's status, None without an answer; `reason` AWS's code; `transient` says that the same call may well
    succeed a moment later, `never_applied` that this one had no effect; `mldns.providers.retry` reads `response`.
    """

    def __init__(self, error: Exception) -> None:
        answer: dict[str, Any] = getattr(error, "response", None) or {}
        self.cause, said, about = error, answer.get("Error", {}), answer.get("ResponseMetadata", {})
        self.code: int | None = about.get("HTTPStatusCode")
        self.reason, self.message = str(said.get("Code") or ""), " ".join(str(said.get("Message") or "").split())
        self.throttled = self.reason in _THROTTLED or self.code == 429
        self.never_applied = self.throttled or isinstance(error, _NOT_SENT)
        silent = isinstance(error, _UNANSWERED) and "CERTIFICATE_VERIFY_FAILED" not in str(error)
        self.transient = self.never_applied or silent or (self.code or 0) >= 500
        wait = about.get("HTTPHeaders", {}).get("retry-after")
        self.response = SimpleNamespace(headers={"Retry-After": wait} if wait else {})
        told = f"HTTP {self.code} {self.reason}: {self.message}".rstrip(": ")
        self.brief = told if answer else clipped(describe(error), 300)
        super().__init__(self.brief)


def translate(failure: Failure, call: Call) -> MldnsError:
    """Return the mldns exception for a call that failed.

    :param call: what was asked for.
    """
    if isinstance(failure.cause, _NO_CREDENTIALS) or failure.reason in _BAD_CREDENTIALS:
        return MldnsError(f"{call}: the connection's credentials do not work: {failure.brief}")
    if failure.code is None:
        wrong = isinstance(failure.cause, boto.ParamValidationError)
        return (
            InvalidInput(f"{call}: {failure.brief}") if wrong else CloudUnavailable(f"{call} failed: {failure.brief}")
        )
    if failure.reason in _DENIED or failure.code == 403:
        named = _ACTION.search(failure.message)
        action = named[1] if named else f"route53:{call.method}"
        return PermissionMissing(permission=action, resource=call.resource, detail=failure.message)
    if failure.transient:
        return CloudUnavailable(f"{call} failed with {failure.brief}")
    return _refused(failure, call)


def _refused(failure: Failure, call: Call) -> MldnsError:
    refusal = ApiRefused(call, status=failure.code or 0, reason=failure.reason, message=failure.message)
    if failure.reason == "NoSuchHostedZone" and call.zone:
        return ZoneNotFound(call.zone, call.project)
    if failure.reason == "HostedZoneNotEmpty" and call.zone:
        return ZoneNotEmpty(call.zone)
    if failure.reason in _TAKEN:
        return AlreadyExists(call, status=failure.code or 0, reason=failure.reason, message=failure.message)
    if failure.reason in _TOO_MANY or _LIMIT.search(failure.message):
        return QuotaShort(f"{call}: {failure.message}; ask AWS for a higher limit, or ask for less at once")
    if call.method == "ChangeResourceRecordSets" and _MOVED.search(failure.message):
        named = _NAMED.findall(failure.message)
        return ZoneMoved(str(refusal), keys=tuple(dict.fromkeys((written_name(name), kind) for name, kind in named)))
    return refusal
