"""What happens to a call that a fault hits: an error, a wait, a cut connection, silence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from localcloud.bodies import JsonAnswer
from localcloud.connections import Connections
from localcloud.faults import Rule
from localcloud.route53 import xml

Outcome = Literal["reset", "hang"]

# What Google sends with each code: reason, message, and Resource Manager's status.
_ERRORS = {
    401: ("authError", "Invalid Credentials", "UNAUTHENTICATED"),
    408: ("requestTimeout", "Request timed out.", "DEADLINE_EXCEEDED"),
    429: ("rateLimitExceeded", "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"),
    500: ("backendError", "Internal error encountered.", "INTERNAL"),
    503: ("backendError", "The service is currently unavailable.", "UNAVAILABLE"),
    504: ("backendError", "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
}
_ERRORS_403 = {
    "rateLimitExceeded": ("Rate Limit Exceeded", "usageLimits", "RESOURCE_EXHAUSTED"),
    "userRateLimitExceeded": ("User Rate Limit Exceeded", "usageLimits", "RESOURCE_EXHAUSTED"),
    "quotaExceeded": ("Quota exceeded.", "usageLimits", "RESOURCE_EXHAUSTED"),
    "forbidden": ("Forbidden", "global", "PERMISSION_DENIED"),
}
# A 502 comes from the machines in front of the API, which speak no JSON.
_BAD_GATEWAY = """<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <title>Error 502 (Server Error)!!1</title>
  <p><b>502.</b> <ins>That's an error.</ins>
  <p>The server encountered a temporary error and could not complete your request. Please try again in 30 seconds.
  <ins>That's all we know.</ins>
"""


class NoAnswer(Response):
    """The end of a call without an answer; `outcome` is how it is counted."""

    def __init__(self, connections: Connections, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome
        self._connections = connections

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        client = scope["client"]
        if self.outcome == "hang":
            await self._connections.gone(client)
        await self._connections.cut(client)


async def inflict(
    rule: Rule, method: str, proceed: Callable[[], Awaitable[Response]], connections: Connections
) -> Response:
    """The answer to a call of `method` that `rule` hits; `proceed` does what was asked and answers as ever."""
    if rule.kind == "status":
        return error_answer(rule, method)
    if rule.kind == "hang":
        return NoAnswer(connections, "hang")
    if rule.kind == "delay" and rule.delay is not None and await connections.pause(rule.delay):
        return await proceed()
    if rule.kind == "reset-after":
        await proceed()
    return NoAnswer(connections, "reset")


def error_answer(rule: Rule, method: str) -> Response:
    """Google's answer with the rule's status, in the words of the service that `method` belongs to."""
    code = rule.status or 0
    headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
    if method.startswith("route53."):
        return xml.fault(rule, headers)
    if code == 502:
        return HTMLResponse(_BAD_GATEWAY, code, headers)
    if code == 403:
        reason = rule.reason or "rateLimitExceeded"
        message, domain, status = _ERRORS_403[reason]
    else:
        (reason, message, status), domain = _ERRORS[code], "global"
    if method in ("oauth2.token", "sts.token"):
        # OAuth has an envelope of its own (RFC 6749 section 5.2).
        return JsonAnswer({"error": "internal_failure", "error_description": message}, code, headers)
    error: dict[str, object] = {
        "code": code,
        "message": message,
        "errors": [{"message": message, "domain": domain, "reason": reason}],
    }
    if "." in method.partition(".")[2]:  # Cloud DNS has no `status`; its methods alone have no service in front
        error["status"] = status
    return JsonAnswer({"error": error}, code, headers)
