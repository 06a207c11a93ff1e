"""Changes over HTTP beyond the facts of tests/contract: the further refusals, and which part of a body is at fault."""

from __future__ import annotations

import pytest
import requests

A = "a.ml.example.com."
APEX = "ml.example.com."
STANDS = (A, "A", 300, ["192.0.2.1", "192.0.2.2"])


@pytest.fixture(autouse=True)
def zone(api, record):
    """A zone with one A record, `STANDS`."""
    api.zone()
    assert api.change([record(A, *STANDS[3])]).code == 200


def new(name: str | None = f"b.{APEX}", type_: str = "A", ttl: object = 300, rrdatas: object = ("192.0.2.7",)) -> tuple:
    return name, type_, ttl, list(rrdatas)


# What is sent beside the zone's record `STANDS`, and the refusal: additions, deletions, code, reason, path.
REFUSALS = {
    "addition twice": ([new(), new(rrdatas=["192.0.2.8"])], [], 409, "alreadyExists", "additions[1]"),
    "deletion twice": ([], [STANDS] * 2, 404, "notFound", "deletions[1]"),
    "name that only ends like the zone": ([new("notml.example.com.")], [], 400, "invalid", "additions[0].name"),
    "template not filled in": ([new("${short_name}.ml.example.com.")], [], 400, "invalid", "additions[0].name"),
    "no name": ([new(None)], [], 400, "invalid", "additions[0].name"),
    "ttl as words": ([new(ttl="soon")], [], 400, "invalid", "additions[0].ttl"),
    "relative target": ([], [new(APEX, "NS", 21600, ["ns1.test"])], 400, "invalid", "deletions[0].rrdata[0]"),
    "no rrdata": ([new(rrdatas=[])], [], 400, "invalid", "additions[0].rrdata"),
    "SOA off the apex": (
        [new(type_="SOA", rrdatas=["ns.test. root.test. 1 2 3 4 5"])],
        [],
        400,
        "invalidZoneApex",
        "additions[0]",
    ),
    "CNAME and another type at once": (
        [new(type_="CNAME", rrdatas=["x.test."]), new(type_="TXT", rrdatas=["x"])],
        [],
        400,
        "cnameResourceRecordSetConflict",
        "additions[0]",
    ),
}


def _sent(rows: list[tuple]) -> list[dict]:
    keys = ("name", "type", "ttl", "rrdatas")
    return [{k: v for k, v in zip(keys, row, strict=True) if v is not None} for row in rows]


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_names_the_part_and_changes_nothing(api, case):
    additions, deletions, code, reason, path = REFUSALS[case]
    before = api.names()
    answer = api.change(_sent(additions), _sent(deletions))
    assert answer.problem[:2] == (code, reason)
    assert f"'entity.change.{path}'" in answer.problem[2]
    assert api.names() == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_deletions_of_the_absent_and_of_the_changed_are_refused_in_one_answer(api, record, order):
    absent, changed = record(f"b.{APEX}", "192.0.2.1"), record(A, "192.0.2.1")
    told = [(404, "notFound"), (412, "conditionNotMet")]
    answer = api.change(deletions=[(absent, changed)[n] for n in order])
    assert [problem["reason"] for problem in answer.body["error"]["errors"]] == [told[n][1] for n in order]
    assert answer.code == answer.body["error"]["code"] == told[order[0]][0]


@pytest.mark.parametrize("type_", ["NS", "SOA"])
def test_the_apex_records_can_be_replaced(api, type_):
    (current,) = api.get("managedZones/ml/rrsets", name=APEX, type=type_).body["rrsets"]
    assert api.change([{**current, "ttl": 60}], [current]).body["additions"][0]["ttl"] == 60


@pytest.mark.parametrize(
    "query",
    [
        {"sortBy": "name"},
        {"sortOrder": "up"},
        {"maxResults": 0},
        {"maxResults": "many"},
        {"pageToken": "x"},
        {"pageToken": "OTk="},
    ],
)
def test_bad_list_parameters_of_changes(api, query):
    code, reason, message = api.get("managedZones/ml/changes", **query).problem
    assert (code, reason) == (400, "invalid")
    assert f"'parameters.{next(iter(query))}'" in message


@pytest.mark.parametrize("change_id", ["abc", "99999999999999999999"])
def test_a_change_that_cannot_be(api, change_id):
    assert api.get(f"managedZones/ml/changes/{change_id}").problem[:2] == (404, "notFound")


def test_routing_policies_and_alias_records_are_not_pretended(api, record):
    routed = {"name": f"r.{APEX}", "type": "A", "ttl": 5, "routingPolicy": {"wrr": {"items": []}}}
    for sent in (routed, record(APEX, "x.example.com.", type="ALIAS")):
        assert api.change([sent]).problem[:2] == (501, "notImplemented")


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b'{"a": "\\ud800"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object(cloud, raw):
    url = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones/ml/changes"
    answer = requests.post(url, data=raw, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "parseError"


@pytest.mark.parametrize("body", [{"additions": {"a": 1}}, {"additions": ["x"]}, {"deletions": "x"}])
def test_parts_of_the_wrong_json_type(api, body):
    assert api.post("managedZones/ml/changes", body).problem[:2] == (400, "invalid")
