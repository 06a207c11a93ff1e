"""What happens to a request before any method sees it: method overrides and other API versions, as at Google's front
ends; a bound on bodies; and no service to web pages, which could otherwise edit zones through the browser of whoever
runs localcloud, be it from a name of their own that they let point here (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.bodies import MAX_BODY, JsonAnswer, too_large
from localcloud.errors import ApiError

# v1beta2 has the very methods of v1, and Config Connector and `gcloud beta` use it. Of v2 we know one thing: gcloud
# asks it for the policy of a zone.
_ALIASES = (
    (re.compile(r"/dns/v1beta2/"), "/dns/v1/"),
    (re.compile(r"/dns/v2/(projects/[^/]+)/locations/global(/managedZones/[^/]+:\w+Iam\w+)$"), r"/dns/v1/\1\2"),
)


class FrontEnd:
    """ASGI middleware in front of the routes.

    :param host_names: names that localcloud is called by, beside addresses, names of one label and Google's own.
    """

    def __init__(self, app: ASGIApp, host_names: Collection[str] = ()) -> None:
        self._app = app
        self._host_names = frozenset(name.lower() for name in host_names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host = _host_name(headers.get("host", ""))
        if _from_a_web_page(headers):
            refusal = PlainTextResponse("localcloud answers programs, not web pages\n", status_code=403)
            await refusal(scope, receive, send)
        elif not (_cannot_be_a_web_page_s(host) or host in self._host_names):
            text = f"localcloud does not answer to this Host; is it called so, start it with --host-name {host}\n"
            await PlainTextResponse(text, status_code=421)(scope, receive, send)
        else:
            try:
                await self._serve(scope, _bounded(receive, headers), send)
            except ApiError as refusal_of_the_body:
                answer = JsonAnswer(refusal_of_the_body.body(), status_code=refusal_of_the_body.code)
                await answer(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = {**scope, "path": _canonical(scope["path"])}
        override = Request(scope).headers.get("x-http-method-override") if scope["method"] == "POST" else None
        if override:
            scope, receive = await _overridden(scope, receive, override.upper())
        await self._app(scope, receive, send)


def _host_name(host: str) -> str:
    """The name in a Host header, in lower case, without port and last dot; the header itself if it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return host.lower()


def _cannot_be_a_web_page_s(host: str) -> bool:
    """Whether no stranger can have that name: an address, one label (`localhost`, a container), Google's; or none."""
    if "." not in host or host.endswith((".googleapis.com", ".localhost")):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bounded(receive: Receive, headers: Headers) -> Receive:
    """`receive`, raising ApiError 413 when the body is, or is announced to be, longer than `MAX_BODY`."""
    announced = headers.get("content-length", "")
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        if announced.isdecimal() and int(announced) > MAX_BODY:
            raise too_large()
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise too_large()
        return message

    return receive_bounded


def _from_a_web_page(headers: Headers) -> bool:
    """Browsers add these to what a page sends, and to nothing that a person opens; clients of an API send neither."""
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


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
