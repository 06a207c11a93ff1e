"""What boto3 raises, as mldns's exceptions, and what may be sent again."""

from __future__ import annotations

from typing import Any

import botocore.exceptions as boto
import pytest

from mldns import exceptions
from mldns.providers.aws.failures import Failure, translate
from mldns.providers.errors import AlreadyExists, ApiRefused, Call, ZoneMoved
from mldns.providers.retry import retry_after

URL = {"endpoint_url": "http://x", "error": "y"}


def refusal(status: int, code: str, message: str = "", **headers: str) -> boto.ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return boto.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "op")


def translated(error: Exception, method: str = "ChangeResourceRecordSets") -> exceptions.MldnsError:
    return translate(Failure(error), Call(method, "123", "z", within="account"))


@pytest.mark.parametrize(
    ("error", "transient", "never_applied"),
    [
        (refusal(400, "Throttling", "Rate exceeded"), True, True),
        (refusal(400, "PriorRequestNotComplete"), True, True),
        (refusal(500, "InternalFailure"), True, False),
        (refusal(502, "502", "Bad Gateway"), True, False),
        (refusal(503, "ServiceUnavailable"), True, False),
        (boto.EndpointConnectionError(**URL), True, True),
        (boto.ConnectTimeoutError(**URL), True, True),
        (boto.ReadTimeoutError(**URL), True, False),
        (boto.ConnectionClosedError(**URL), True, False),
        (boto.SSLError(**(URL | {"error": "CERTIFICATE_VERIFY_FAILED"})), False, False),
        (refusal(400, "InvalidChangeBatch", "[x]"), False, False),
        (refusal(403, "AccessDenied"), False, False),
        (boto.NoCredentialsError(), False, False),
    ],
)
def test_what_may_be_sent_again(error: Exception, transient: bool, never_applied: bool) -> None:
    failure = Failure(error)
    assert (failure.transient, failure.never_applied) == (transient, never_applied)


def test_a_wait_that_was_asked_for_is_heard() -> None:
    assert retry_after(Failure(refusal(503, "ServiceUnavailable", **{"retry-after": "7"}))) == 7.0
    assert retry_after(Failure(boto.ConnectTimeoutError(**URL))) is None


MOVED = "[Tried to {} resource record set [name='{}', type='A'] but {}]"


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (MOVED.format("create", "a.z.", "it already exists"), (("a.z.", "A"),)),
        (MOVED.format("delete", r"\052.z.", "it was not found"), (("*.z.", "A"),)),
        (
            MOVED.format("delete", "a.z.", "the values provided do not match the current values"),
            (("a.z.", "A"),),
        ),
        (MOVED.format("create", "a.z.", "it already exists").strip("[]") + ", something else", (("a.z.", "A"),)),
        ("[RRSet of type A with DNS name a.z. is not permitted because a conflicting RRSet of type  CNAME …]", ()),
        ("[RRSet of type CNAME with DNS name a.z. is not permitted as it conflicts with other records …]", ()),
    ],
)
def test_a_zone_that_moved(message: str, keys: Any) -> None:
    error = translated(refusal(400, "InvalidChangeBatch", message))
    assert isinstance(error, ZoneMoved)
    assert error.keys == keys


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal(404, "NoSuchHostedZone"), exceptions.ZoneNotFound),
        (refusal(400, "HostedZoneNotEmpty"), exceptions.ZoneNotEmpty),
        (refusal(409, "HostedZoneAlreadyExists"), AlreadyExists),
        (refusal(400, "ConflictingDomainExists"), AlreadyExists),
        (refusal(400, "TooManyHostedZones"), exceptions.QuotaShort),
        (refusal(400, "InvalidChangeBatch", "[Number of records limit of 1000 exceeded.]"), exceptions.QuotaShort),
        (refusal(400, "InvalidChangeBatch", "[RDATA character limit of 32000 exceeded.]"), exceptions.QuotaShort),
        (refusal(400, "InvalidChangeBatch", "[Exceeded limit MAX_RRSETS_BY_ZONE for zone: Z]"), exceptions.QuotaShort),
        (refusal(400, "InvalidChangeBatch", "[Invalid Resource Record: 'x']"), ApiRefused),
        (refusal(503, "ServiceUnavailable"), exceptions.CloudUnavailable),
        (boto.ReadTimeoutError(**URL), exceptions.CloudUnavailable),
        (boto.ParamValidationError(report="x"), exceptions.InvalidInput),
        (refusal(403, "SignatureDoesNotMatch"), exceptions.MldnsError),
        (boto.NoCredentialsError(), exceptions.MldnsError),
    ],
)
def test_what_a_refusal_becomes(error: Exception, kind: type[Exception]) -> None:
    assert type(translated(error)) is kind


def test_a_denied_call_names_the_permission() -> None:
    message = "User: arn:aws:iam::1:user/x is not authorized to perform: route53:ListHostedZonesByName because …"
    for error, permission in (
        (refusal(403, "AccessDenied", message), "route53:ListHostedZonesByName"),
        (refusal(403, "AccessDenied"), "route53:GetHostedZone"),
    ):
        denied = translated(error, "GetHostedZone")
        assert isinstance(denied, exceptions.PermissionMissing)
        assert denied.permission == permission
        assert "account '123'" in denied.resource
