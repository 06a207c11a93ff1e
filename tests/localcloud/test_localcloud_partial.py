"""`fields`: what it selects, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from localcloud.errors import ApiError
from localcloud.partial import parse_fields, partial
from tests.cloud_fixture import Cloud

ANSWER: dict[str, Any] = {
    "kind": "list",
    "nextPageToken": "t",
    "rrsets": [{"name": "a.", "ttl": 5, "policy": {"geo": 1, "x": 2}}, {"name": "b."}],
}


@pytest.mark.parametrize(
    ("fields", "selected"),
    [
        ("kind", {"kind": "list"}),
        (
            "nextPageToken,rrsets(name,ttl)",
            {"nextPageToken": "t", "rrsets": [{"name": "a.", "ttl": 5}, {"name": "b."}]},
        ),
        ("rrsets/policy/geo", {"rrsets": [{"policy": {"geo": 1}}, {}]}),
        ("rrsets(policy(x),name)", {"rrsets": [{"policy": {"x": 2}, "name": "a."}, {"name": "b."}]}),
        ("*", ANSWER),
        ("kind,nothing", {"kind": "list"}),
        ("nothing", ANSWER),
        (None, ANSWER),
    ],
)
def test_what_is_selected(fields: str | None, selected: dict[str, Any]) -> None:
    assert partial(ANSWER, fields) == selected


@pytest.mark.parametrize("fields", [",", "a,", "a(", "a(b", "a)", "a/", "a//b", "a b", "()", "a(b)c"])
def test_what_is_no_selection_is_refused(fields: str) -> None:
    with pytest.raises(ApiError):
        parse_fields(fields)


def test_a_change_is_answered_in_part_and_a_bad_selection_applies_nothing(cloud: Cloud) -> None:
    zones = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones"
    requests.post(zones, json={"name": "z", "dnsName": "z.test.", "description": "d"}, timeout=30)
    record = {"name": "a.z.test.", "type": "A", "ttl": 5, "rrdatas": ["192.0.2.1"]}
    bad = requests.post(f"{zones}/z/changes?fields=id,(", json={"additions": [record]}, timeout=30)
    assert (bad.status_code, bad.json()["error"]["errors"][0]["reason"]) == (400, "invalid")
    sent = requests.post(f"{zones}/z/changes?fields=id,status", json={"additions": [record]}, timeout=30)
    assert sent.json() == {"id": "1", "status": "pending"}
    assert requests.get(f"{zones}/z/rrsets?fields=rrsets(ttl)", timeout=30).json()["rrsets"][-1] == {"ttl": 5}
