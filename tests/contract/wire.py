"""Plain HTTP to the two APIs: exact requests out, exact bodies back.

Neither mldns nor google-cloud-dns nor googleapiclient is in between: the suite is about what is on the wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.contract.shapes import expect

_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `request` is `METHOD path`, `body` the parsed JSON ({} when there is none)."""

    request: str
    status: int
    body: dict[str, Any]

    def ok(self, pattern: object = None) -> dict[str, Any]:
        """The body of a success, matched against `pattern`; AssertionError for anything but 200."""
        assert self.status == 200, f"expected 200: {self}"
        if pattern is not None:
            expect(self.body, pattern)
        return self.body

    def refused(self, code: int, reason: str, message: str | None = None) -> None:
        """Assert the error's HTTP code, the reason of its first entry and (a regular expression of) its message."""
        assert (self.status, self.reason) == (code, reason), f"expected {code} {reason}: {self}"
        if message is not None:
            assert re.fullmatch(message, self.message), f"expected a message like {message!r}: {self}"

    @property
    def error(self) -> dict[str, Any]:
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}

    @property
    def reasons(self) -> list[str]:
        """`reason` of each entry of `errors[]`."""
        return [str(entry.get("reason")) for entry in self.error.get("errors", [])]

    @property
    def reason(self) -> str | None:
        return self.reasons[0] if self.reasons else None

    @property
    def message(self) -> str:
        return str(self.error.get("message", ""))

    def __str__(self) -> str:
        if not self.error:
            return f"{self.request} → {self.status}"
        words = [str(self.status), self.error.get("status"), self.reason]
        return f"{self.request} → {' '.join(filter(None, words))}: {self.message}"


@dataclass(slots=True)
class Wire:
    """An API below `base`, e.g. `https://dns.googleapis.com/dns/v1/projects/my-project`.

    Paths are sent as given: percent-encode names yourself. Every answer is appended to `heard`, for the table.
    """

    session: requests.Session
    base: str
    heard: list[Reply]

    def get(self, path: str, **query: object) -> Reply:
        return self.request("GET", path, query=query)

    def post(self, path: str, body: object, **query: object) -> Reply:
        return self.request("POST", path, body, query=query)

    def patch(self, path: str, body: object) -> Reply:
        return self.request("PATCH", path, body)

    def put(self, path: str, body: object) -> Reply:
        return self.request("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self.request("DELETE", path)

    def request(
        self, method: str, path: str, body: object = None, *, query: Mapping[str, object] | None = None
    ) -> Reply:
        # Resource Manager hangs its verbs on the project itself: `…/projects/p:getIamPolicy`.
        url = self.base + path if path.startswith(":") else f"{self.base}/{path}".rstrip("/")
        response = self.session.request(method, url, json=body, params=dict(query or {}), timeout=_TIMEOUT)
        try:
            parsed = response.json()
        except json.JSONDecodeError:
            parsed = {}
        reply = Reply(f"{method} {path or url}", response.status_code, parsed if isinstance(parsed, dict) else {})
        self.heard.append(reply)
        return reply


def open_session(credentials: Credentials) -> requests.Session:
    """A session that signs requests and waits when told 429: a full request quota is nobody's answer to a question."""
    session = AuthorizedSession(credentials)
    patience = Retry(
        total=8, connect=1, read=0, status=6, status_forcelist=(429,), allowed_methods=None, backoff_factor=2.0
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=patience, pool_maxsize=16))
    return session
