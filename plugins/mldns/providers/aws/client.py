"""The Route 53 client: boto3's, with mldns's retries, the account's pace, pages, and errors that say what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import unescape

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from mldns import metrics
from mldns.providers.aws.failures import Failure, translate
from mldns.providers.aws.pacing import Pace, pace_of
from mldns.providers.errors import AnswerLost, Call
from mldns.providers.retry import RetryPolicy

Resource = dict[str, Any]
"""What boto3 makes of an answer."""

# The second time it would be refused, and could not be told from somebody else's: its sender has to look. A zone is
# made under a reference that AWS takes once, and the rest does no harm twice.
_NOT_REPEATABLE = frozenset({"ChangeResourceRecordSets"})
_MESSAGES = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
# Of each list what its next page is asked for with.
_NEXT: Mapping[str, Mapping[str, str]] = {
    "ListHostedZones": {"Marker": "NextMarker"},
    "ListHostedZonesByName": {"DNSName": "NextDNSName", "HostedZoneId": "NextHostedZoneId"},
    "ListResourceRecordSets": {
        "StartRecordName": "NextRecordName",
        "StartRecordType": "NextRecordType",
        "StartRecordIdentifier": "NextRecordIdentifier",
    },
}


class Route53Client:
    """One account's hosted zones. Threads may share it.

    :param boto: boto3's client of `route53`; it must not retry (`retries={"total_max_attempts": 1}`).
    :param account: its number, for messages, and for the pace that all clients of it share.
    :param retrying: how often and how long calls that are safe to repeat are repeated.
    """

    def __init__(self, boto: Any, *, account: str, retrying: RetryPolicy, pace: Pace | None = None) -> None:
        self._boto, self.account, self.retrying = boto, account, retrying
        self._pace = pace or pace_of(account)
        boto.meta.events.register("before-parse.route53.ChangeResourceRecordSets", _read_messages, unique_id="mldns")

    def call(self, operation: str, *, zone: str | None = None, **parameters: Any) -> Resource:
        """One call, repeated as far as that is safe, with its failures as mldns exceptions.

        :param operation: as AWS names it, such as `GetHostedZone`.
        :param zone: for messages: what the caller named the zone.
        :param parameters: as boto3 takes them.
        :raises AnswerLost: a change may have been applied, or not.
        """
        call = Call(operation, self.account, zone, within="account")
        repeatable = operation not in _NOT_REPEATABLE
        send: Callable[..., Resource] = getattr(self._boto, xform_name(operation))
        try:
            return self.retrying.run(
                lambda: self._send(operation, send, parameters),
                what=str(call),
                repeatable=lambda error: isinstance(error, Failure) and _again(error, repeatable),
            )
        except Failure as failure:
            if not repeatable and failure.transient:
                raise AnswerLost(call, failure, brief=failure.brief) from failure
            raise translate(failure, call) from failure

    def pages(self, operation: str, items: str, *, zone: str | None = None, **parameters: Any) -> Iterator[Resource]:
        """Yield all items of a list; how many a page holds is AWS's choice, so only `IsTruncated` tells.

        :param items: the answer's list; the others as of `call`.
        """
        while True:
            page = self.call(operation, zone=zone, **parameters)
            yield from page.get(items, ())
            if not page.get("IsTruncated"):
                return
            following = {ours: page[theirs] for ours, theirs in _NEXT[operation].items() if theirs in page}
            parameters = {key: value for key, value in parameters.items() if key not in _NEXT[operation]} | following

    def _send(self, operation: str, send: Callable[..., Resource], parameters: Mapping[str, Any]) -> Resource:
        self._pace.wait()
        with metrics.api_call(operation):
            try:
                return send(**parameters)
            except (ClientError, BotoCoreError, OSError) as error:
                raise Failure(error) from error


def _again(failure: Failure, repeatable: bool) -> bool:
    return failure.transient if repeatable else failure.never_applied


def _read_messages(response_dict: Mapping[str, Any], customized_response_dict: Resource, **_: Any) -> None:
    """The second form of a refused batch, a bare list of messages, which boto3 turns into an error without a text."""
    body = bytes(response_dict.get("body") or b"").decode(errors="replace")
    if "<InvalidChangeBatch" in body:
        messages = ", ".join(unescape(text) for text in _MESSAGES.findall(body))
        customized_response_dict["Error"] = {"Code": "InvalidChangeBatch", "Message": f"[{messages}]"}
