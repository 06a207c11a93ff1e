"""The API over one kept-alive connection of the standard library, with bodies that are ready before they are sent."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.job import Job, Record

_BATCH = 1_000  # additions, or deletions, that one change may hold
_POLL_SECONDS = 0.1
# No more of an answer than is needed: neither what a change holds nor signatures that nothing has.
_RECORDS = "nextPageToken,rrsets(name,type,ttl,rrdatas)"
_CHANGE = urlencode({"fields": "id,status"})


class Wire:
    """One zone, asked with nothing between the caller and the socket."""

    def __init__(self, job: Job) -> None:
        where = urlsplit(job.api)
        self._connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
        self._zone = f"/dns/v1/projects/{job.project}/managedZones/{job.zone}"

    def read_all(self) -> None:
        """List the zone, page after page."""
        token = ""
        while True:
            asked = {"maxResults": 1000, "fields": _RECORDS, **({"pageToken": token} if token else {})}
            token = self._send("GET", f"/rrsets?{urlencode(asked)}").get("nextPageToken", "")
            if not token:
                return

    def write_all(self, bodies: list[bytes]) -> None:
        """Send the changes one after the other, and wait until the last one is `done`."""
        change: dict[str, Any] = {"status": "done"}
        for body in bodies:
            change = self._send("POST", f"/changes?{_CHANGE}", body)
        while change["status"] != "done":
            time.sleep(_POLL_SECONDS)
            change = self._send("GET", f"/changes/{change['id']}?{_CHANGE}")

    def _send(self, verb: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        self._connection.request(verb, self._zone + path, body, {"Content-Type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{verb} {path}: HTTP {answer.status} {text.decode(errors='replace')[:500]}")
        parsed: dict[str, Any] = json.loads(text)
        return parsed


def change_bodies(held: list[Record], wanted: list[Record]) -> list[bytes]:
    """The fewest changes that turn `held` into `wanted`: the same names in both, or one of them empty."""
    if held == wanted:
        return []
    starts = range(0, max(len(held), len(wanted)), _BATCH)
    changes = ({"additions": wanted[at : at + _BATCH], "deletions": held[at : at + _BATCH]} for at in starts)
    return [json.dumps(change, separators=(",", ":")).encode() for change in changes]
