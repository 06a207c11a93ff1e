"""What Google's front ends do to a request before any method sees it: method overrides and other API versions."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# v1beta2 has the very methods of v1, and Config Connector and `gcloud beta` use it. Of v2 we know one thing: gcloud
# asks it for the policy of a zone.
_ALIASES = (
    (re.compile(r"/dns/v1beta2/"), "/dns/v1/"),
    (re.compile(r"/dns/v2/(projects/[^/]+)/locations/global(/managedZones/[^/]+:\w+Iam\w+)$"), r"/dns/v1/\1\2"),
)


class FrontEnd:
    """ASGI middleware in front of the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": _canonical(scope["path"])}
            override = Request(scope).headers.get("x-http-method-override") if scope["method"] == "POST" else None
            if override:
                scope, receive = await _overridden(scope, receive, override.upper())
        await self._app(scope, receive, send)


def _canonical(path: str) -> str:
    for pattern, replacement in _ALIASES:
        path = pattern.sub(replacement, path, count=1)
    return path


async def _overridden(scope: Scope, receive: Receive, method: str) -> tuple[Scope, Receive]:
    """The request that a POST stands for. A GET too long for a URL sends its query as the body."""
    scope = {**scope, "method": method}
    if method != "GET":
        return scope, receive
    scope["query_string"] = await Request(scope, receive).body()

    async def nothing() -> Message:
        return {"type": "http.request", "body": b""}

    return scope, nothing
