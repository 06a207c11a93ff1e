"""What Google's error bodies become: one class and one line each."""

from __future__ import annotations

import json
from typing import Any

import google.auth.exceptions
import pytest
import requests
from google.api_core import exceptions as api_exceptions

from mldns.exceptions import CloudUnavailable, MldnsError, PermissionMissing, QuotaShort, ZoneNotFound
from mldns.plan.batches import Change
from mldns.providers.errors import AlreadyExists, ApiRefused, Call, PolicyMoved, UnknownMember, ZoneMoved
from mldns.providers.gcp.errors import translate
from mldns.providers.gcp.failures import never_applied, throttled, transient
from mldns.providers.retry import retry_after
from mldns.records.rrset import RRset

CHANGE = Call("changes.create", "p", "z")
SENT = Change(
    additions=(RRset("a.z.test.", "A", 5, ("10.0.0.1",)), RRset("b.z.test.", "AAAA", 5, ("::1",))),
    deletions=(RRset("c.z.test.", "A", 5, ("10.0.0.1",)),),
)


def answered(status: int, reason: str, *messages: str, headers: dict[str, str] | None = None) -> Any:
    """The exception that google-api-core makes of a Cloud DNS error body."""
    response = requests.Response()
    response.status_code = status
    response.request = requests.Request("POST", "https://dns.googleapis.com/dns/v1/x?prettyPrint=false").prepare()
    response.headers.update(headers or {})
    errors = [{"message": message, "domain": "global", "reason": reason} for message in messages]
    body = {"error": {"code": status, "message": messages[0], "errors": errors}}
    response._content = json.dumps(body).encode()
    return api_exceptions.from_http_response(response)


@pytest.mark.parametrize(
    ("status", "reason", "message", "keys"),
    [
        (
            409,
            "alreadyExists",
            "The resource 'entity.change.additions[1]' named 'b.z.test. (AAAA)' already exists",
            (("b.z.test.", "AAAA"),),
        ),
        (
            409,
            "alreadyExists",
            "The resource 'entity.change.additions[b.z.test.][AAAA]' named 'b.z.test. (AAAA)' already exists",
            (("b.z.test.", "AAAA"),),
        ),
        (
            412,
            "conditionNotMet",
            "Precondition not met for 'entity.change.deletions[0]'",
            (("c.z.test.", "A"),),
        ),
        (
            404,
            "notFound",
            "The 'entity.change.deletions[0]' resource named 'c.z.test. (A)' does not exist.",
            (("c.z.test.", "A"),),
        ),
        (412, "conditionNotMet", "Precondition not met for 'entity.change.deletions[76]'", ()),
    ],
)
def test_a_change_that_no_longer_fits_names_its_records_in_both_spellings(
    status: int, reason: str, message: str, keys: tuple[tuple[str, str], ...]
) -> None:
    error = translate(answered(status, reason, message), CHANGE, SENT)
    assert isinstance(error, ZoneMoved)
    assert error.keys == keys


@pytest.mark.parametrize(
    ("call", "error", "kind", "text"),
    [
        (
            CHANGE,
            answered(404, "notFound", "The 'parameters.managedZone' resource named 'z' does not exist."),
            ZoneNotFound,
            "zone 'z' does not exist in 'p'",
        ),
        (
            Call("changes.get", "p", "z"),
            answered(404, "notFound", "The 'parameters.changeId' resource named '9' does not exist."),
            ApiRefused,
            "'parameters.changeId' resource named '9' does not exist",
        ),
        (
            Call("managedZones.create", "p"),
            answered(409, "alreadyExists", "The resource 'entity.managedZone' named 'z' already exists"),
            AlreadyExists,
            "managedZones.create of project 'p' was refused with 409 alreadyExists",
        ),
        (
            CHANGE,
            answered(403, "forbidden", "Forbidden"),
            PermissionMissing,
            "permission dns.changes.create (with dns.resourceRecordSets.create, update and delete) is missing on zone",
        ),
        (
            Call("projects.setIamPolicy", "p"),
            answered(
                403, "", "Permission 'resourcemanager.projects.setIamPolicy' denied on resource '//x.googleapis.com/p'"
            ),
            PermissionMissing,
            "permission resourcemanager.projects.setIamPolicy is missing on project 'p'",
        ),
        (
            Call("managedZones.list", "p"),
            answered(403, "accessNotConfigured", "Cloud DNS API has not been used in project p before"),
            ApiRefused,
            "has not been used in project p before",
        ),
        (
            CHANGE,
            answered(
                403,
                "quotaExceeded",
                "The change would exceed quota for additions per change.",
                "The change would exceed quota for rrdata size per change.",
            ),
            QuotaShort,
            "additions per change, The change would exceed quota for rrdata size",
        ),
        (
            CHANGE,
            answered(400, "invalid", "Invalid value for 'entity.change.additions[0].rrdata[0]': 'x'"),
            ApiRefused,
            "(a.z.test. A)",
        ),
        (
            Call("projects.setIamPolicy", "p"),
            answered(409, "", "There were concurrent policy changes. Please retry the whole read-modify-write."),
            PolicyMoved,
            "concurrent policy changes",
        ),
        (Call("managedZones.setIamPolicy", "p", "z"), answered(412, "conditionNotMet", "etag"), PolicyMoved, "etag"),
        (
            Call("projects.setIamPolicy", "p"),
            answered(400, "", "Service account x@p.iam.gserviceaccount.com does not exist."),
            UnknownMember,
            "does not exist: create the account first",
        ),
        (
            Call("managedZones.get", "p", "z"),
            answered(401, "authError", "Invalid Credentials"),
            MldnsError,
            "does not accept the connection's credentials",
        ),
        (CHANGE, answered(503, "backendError", "Backend Error"), CloudUnavailable, "HTTP 503 Backend Error"),
        (CHANGE, google.auth.exceptions.RefreshError("no token"), MldnsError, "credentials do not work"),
        (CHANGE, google.auth.exceptions.RefreshError("<html><title>502 Bad</title></html>"), MldnsError, "r: 502 Bad"),
        (CHANGE, requests.exceptions.InvalidURL("no host"), CloudUnavailable, "InvalidURL: no host"),
    ],
)
def test_each_refusal_has_its_class_and_its_line(
    call: Call, error: Exception, kind: type[Exception], text: str
) -> None:
    translated = translate(error, call, SENT)  # type: ignore[arg-type]
    assert type(translated) is kind
    assert text in str(translated)
    assert "\n" not in str(translated)
    assert "prettyPrint" not in str(translated)


@pytest.mark.parametrize(
    ("error", "is_transient", "is_never_applied"),
    [
        (answered(429, "rateLimitExceeded", "m"), True, True),
        (answered(403, "userRateLimitExceeded", "m"), True, True),
        (answered(403, "quotaExceeded", "m"), False, False),
        (answered(500, "internal", "m"), True, False),
        (answered(503, "backendError", "m"), True, False),
        (answered(501, "notImplemented", "m"), False, False),
        (answered(409, "alreadyExists", "m"), False, False),
        (requests.exceptions.ConnectTimeout(), True, True),
        (requests.exceptions.ReadTimeout(), True, False),
        (requests.exceptions.ConnectionError("reset"), True, False),
        (requests.exceptions.ChunkedEncodingError(), True, False),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] x"), False, False),
        (requests.exceptions.MissingSchema(), False, False),
        (google.auth.exceptions.TransportError("no metadata server"), True, True),
        (google.auth.exceptions.RefreshError("invalid_grant"), False, False),
        (google.auth.exceptions.RefreshError("<html><title>502 Server Error</title><p>Sorry</html>"), True, True),
        (ValueError("a bug of ours"), False, False),
    ],
)
def test_what_is_repeated(error: Exception, is_transient: bool, is_never_applied: bool) -> None:
    assert transient(error) is is_transient
    assert never_applied(error) is is_never_applied
    assert transient(error) or not throttled(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7.0), ("0.5", 0.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None)],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    headers = {"Retry-After": header} if header else {}
    assert retry_after(answered(429, "rateLimitExceeded", "m", headers=headers)) == seconds
