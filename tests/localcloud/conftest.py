"""Plain HTTP against the running stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import requests


class Answer(NamedTuple):
    code: int
    body: dict[str, Any]

    @property
    def problem(self) -> tuple[int, str, str]:
        """Code, reason and message of an error answer."""
        return self.code, self.body["error"]["errors"][0]["reason"], self.body["error"]["message"]


class Api:
    """Calls below the project's DNS path, or an absolute path that starts with a slash."""

    def __init__(self, base: str, project: str) -> None:
        self.base = base
        self._dns = f"/dns/v1/projects/{project}"
        self._session = requests.Session()

    def call(self, verb: str, path: str, body: object = None, **query: object) -> Answer:
        url = self.base + (path if path.startswith("/") else f"{self._dns}/{path}".rstrip("/"))
        answer = self._session.request(verb, url, json=body, params=query or None, timeout=30)
        return Answer(answer.status_code, answer.json())

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, **query)

    def post(self, path: str, body: object = None, **query: object) -> Answer:
        return self.call("POST", path, body, **query)

    def zone(self, name: str = "ml", dns_name: str = "ml.example.com.", **fields: object) -> dict[str, Any]:
        answer = self.post("managedZones", {"name": name, "dnsName": dns_name, **fields})
        assert answer.code == 200, answer.body
        return answer.body

    def change(self, additions: list[object] = (), deletions: list[object] = (), zone: str = "ml") -> Answer:
        return self.post(f"managedZones/{zone}/changes", {"additions": list(additions), "deletions": list(deletions)})

    def names(self, zone: str = "ml", **query: object) -> list[tuple[str, str]]:
        """Every (name, type) of the zone, over all pages."""
        found: list[tuple[str, str]] = []
        while True:
            answer = self.get(f"managedZones/{zone}/rrsets", **query)
            assert answer.code == 200, answer.body
            found += [(rrset["name"], rrset["type"]) for rrset in answer.body["rrsets"]]
            if "nextPageToken" not in answer.body:
                return found
            query["pageToken"] = answer.body["nextPageToken"]

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def api(cloud) -> Iterator[Api]:
    """An empty cloud, over HTTP."""
    api = Api(cloud.api, cloud.project)
    yield api
    api.close()


def record(name: str, *rrdatas: str, type: str = "A", ttl: object = 300) -> dict[str, Any]:
    return {"name": name, "type": type, "ttl": ttl, "rrdatas": list(rrdatas)}


@pytest.fixture(name="record")
def _record():
    """`record("a.ml.example.com.", "192.0.2.1")`: a record set as sent to the API."""
    return record
