"""Changes over HTTP: what is accepted, and every refusal with its exact body."""

from __future__ import annotations

import re

import pytest
import requests

A = "a.ml.example.com."


@pytest.fixture(autouse=True)
def zone(api, record):
    """A zone with one A record."""
    api.zone()
    assert api.change([record(A, "192.0.2.1", "192.0.2.2")]).code == 200


def listed(api, name: str, type_: str = "A") -> dict | None:
    rrsets = api.get("managedZones/ml/rrsets", name=name, type=type_).body["rrsets"]
    return rrsets[0] if rrsets else None


def test_a_change_is_pending_and_its_records_are_there_at_once(api, record):
    answer = api.change([record("b.ml.example.com.", "192.0.2.3", ttl="60")])
    assert answer.code == 200
    body = answer.body
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body.pop("startTime"))
    rrset = {
        "kind": "dns#resourceRecordSet",
        "name": "b.ml.example.com.",
        "type": "A",
        "ttl": 60,
        "rrdatas": ["192.0.2.3"],
        "signatureRrdatas": [],
    }
    assert body == {"kind": "dns#change", "id": "2", "status": "pending", "additions": [rrset], "deletions": []}
    assert listed(api, "b.ml.example.com.") == rrset


def test_replacing_takes_one_change_and_needs_exactly_what_was_listed(api, record):
    current = listed(api, A)
    assert api.change([record(A, "192.0.2.9")], [current]).code == 200
    assert listed(api, A)["rrdatas"] == ["192.0.2.9"]


# What is sent beside the zone's record `A` 300 192.0.2.1 192.0.2.2, and the refusal: code, reason, message.
REFUSALS = {
    "empty change": ([], [], 400, "required", "The 'entity.change' parameter is required but was missing."),
    "addition exists": (
        [(A, "A", 300, ["192.0.2.7"])],
        [],
        409,
        "alreadyExists",
        f"The resource 'entity.change.additions[0]' named '{A} (A)' already exists",
    ),
    "addition twice": (
        [("b.ml.example.com.", "A", 300, ["192.0.2.7"]), ("b.ml.example.com.", "A", 300, ["192.0.2.8"])],
        [],
        409,
        "alreadyExists",
        "The resource 'entity.change.additions[1]' named 'b.ml.example.com. (A)' already exists",
    ),
    "deletion with another ttl": (
        [],
        [(A, "A", 60, ["192.0.2.1", "192.0.2.2"])],
        412,
        "conditionNotMet",
        "Precondition not met for 'entity.change.deletions[0]'",
    ),
    "deletion with other data": (
        [],
        [(A, "A", 300, ["192.0.2.1"])],
        412,
        "conditionNotMet",
        "Precondition not met for 'entity.change.deletions[0]'",
    ),
    "deletion in another order": (
        [],
        [(A, "A", 300, ["192.0.2.2", "192.0.2.1"])],
        412,
        "conditionNotMet",
        "Precondition not met for 'entity.change.deletions[0]'",
    ),
    "deletion of nothing": (
        [],
        [("b.ml.example.com.", "A", 300, ["192.0.2.1"])],
        404,
        "notFound",
        "The 'entity.change.deletions[0]' resource named 'b.ml.example.com. (A)' does not exist.",
    ),
    "deletion twice": (
        [],
        [(A, "A", 300, ["192.0.2.1", "192.0.2.2"])] * 2,
        404,
        "notFound",
        f"The 'entity.change.deletions[1]' resource named '{A} (A)' does not exist.",
    ),
    "name outside the zone": (
        [("a.example.com.", "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].name': 'a.example.com.'",
    ),
    "name that only ends like the zone": (
        [("notml.example.com.", "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].name': 'notml.example.com.'",
    ),
    "relative name": (
        [("a.ml.example.com", "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].name': 'a.ml.example.com'",
    ),
    "label of 64 letters": (
        [("a" * 64 + ".ml.example.com.", "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        f"Invalid value for 'entity.change.additions[0].name': '{'a' * 64}.ml.example.com.'",
    ),
    "template that was not filled in": (
        [("${short_name}.ml.example.com.", "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].name': '${short_name}.ml.example.com.'",
    ),
    "no name": (
        [(None, "A", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].name': ''",
    ),
    "unknown type": (
        [("b.ml.example.com.", "GROUP", 300, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].type': 'GROUP'",
    ),
    "ttl below 0": (
        [("b.ml.example.com.", "A", -1, ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].ttl': '-1'",
    ),
    "ttl as words": (
        [("b.ml.example.com.", "A", "soon", ["192.0.2.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].ttl': 'soon'",
    ),
    "no ttl": (
        [("b.ml.example.com.", "A", None, ["192.0.2.1"])],
        [],
        400,
        "required",
        "The 'entity.change.additions[0].ttl' parameter is required but was missing.",
    ),
    "second rrdata bad": (
        [("b.ml.example.com.", "A", 300, ["192.0.2.1", "999.1.1.1"])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].rrdata[1]': '999.1.1.1'",
    ),
    "relative target": (
        [],
        [("ml.example.com.", "NS", 21600, ["ns-cloud-a1.googledomains.com"])],
        400,
        "invalid",
        "Invalid value for 'entity.change.deletions[0].rrdata[0]': 'ns-cloud-a1.googledomains.com'",
    ),
    "no rrdata": (
        [("b.ml.example.com.", "A", 300, [])],
        [],
        400,
        "invalid",
        "Invalid value for 'entity.change.additions[0].rrdata': ''",
    ),
    "CNAME beside another type": (
        [(A, "CNAME", 300, ["b.example.com."])],
        [],
        400,
        "cnameResourceRecordSetConflict",
        f"The resource record set 'entity.change.additions[0]' is invalid because the DNS name '{A}' has a resource"
        " record set of the type 'A'. A DNS name may have either one CNAME resource record set or resource record sets"
        " of other types, but not both.",
    ),
    "another type beside a CNAME": (
        [("c.ml.example.com.", "CNAME", 300, ["b.example.com."]), ("c.ml.example.com.", "TXT", 300, ["x"])],
        [],
        400,
        "cnameResourceRecordSetConflict",
        "The resource record set 'entity.change.additions[0]' is invalid because the DNS name 'c.ml.example.com.' has a"
        " resource record set of the type 'TXT'. A DNS name may have either one CNAME resource record set or resource"
        " record sets of other types, but not both.",
    ),
    "CNAME at the apex": (
        [("ml.example.com.", "CNAME", 300, ["b.example.com."])],
        [],
        400,
        "recordTypeDisallowedAtZoneApex",
        "The resource record set 'entity.change.additions[0]' is invalid because a resource record set of type 'CNAME'"
        " is not allowed at the zone apex.",
    ),
    "two CNAME targets": (
        [("c.ml.example.com.", "CNAME", 300, ["b.example.com.", "d.example.com."])],
        [],
        400,
        "invalidRecordCount",
        "The resource record set 'entity.change.additions[0]' is only permitted to have one record because it is of"
        " type 'CNAME'.",
    ),
    "wildcard NS": (
        [("*.ml.example.com.", "NS", 300, ["ns.example.com."])],
        [],
        400,
        "wildcardNotAllowed",
        "The resource record set 'entity.change.additions[0]' is invalid because a resource record set of type 'NS'"
        " must not be a wildcard.",
    ),
    "SOA off the apex": (
        [("b.ml.example.com.", "SOA", 300, ["ns.example.com. root.example.com. 1 2 3 4 5"])],
        [],
        400,
        "invalidZoneApex",
        "The resource record set 'entity.change.additions[0]' is invalid because a zone must contain exactly one"
        " resource record set of type 'SOA' at the apex.",
    ),
}


def _sent(rows: list[tuple]) -> list[dict]:
    keys = ("name", "type", "ttl", "rrdatas")
    return [{k: v for k, v in zip(keys, row, strict=True) if v is not None} for row in rows]


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_has_google_s_words_and_changes_nothing(api, case):
    additions, deletions, code, reason, message = REFUSALS[case]
    before = api.names()
    answer = api.change(_sent(additions), _sent(deletions))
    assert answer.code == code
    assert answer.body["error"]["errors"][0] == {"message": message, "domain": "global", "reason": reason}
    assert set(answer.body["error"]) == {"code", "message", "errors"}  # no `status`: that is Resource Manager's
    assert (answer.body["error"]["code"], answer.body["error"]["message"]) == (code, message)
    assert api.names() == before
    assert len(api.get("managedZones/ml/changes").body["changes"]) == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_deletions_of_the_absent_and_of_the_changed_are_refused_in_one_answer(api, record, order):
    absent, changed = record("b.ml.example.com.", "192.0.2.1"), record(A, "192.0.2.1")
    told = [(404, "notFound"), (412, "conditionNotMet")]
    answer = api.change(deletions=[(absent, changed)[n] for n in order])
    assert [problem["reason"] for problem in answer.body["error"]["errors"]] == [told[n][1] for n in order]
    assert answer.code == answer.body["error"]["code"] == told[order[0]][0]


def test_one_bad_part_leaves_the_good_parts_undone(api, record):
    answer = api.change(
        [record("b.ml.example.com.", "192.0.2.3"), record(A, "192.0.2.9")],
        [record("gone.ml.example.com.", "192.0.2.3")],
    )
    assert answer.code == 404
    assert listed(api, "b.ml.example.com.") is None


def test_every_malformed_part_is_reported(api, record):
    answer = api.change([record("b", "192.0.2.1"), record("c.ml.example.com.", "1.1.1", ttl=True)])
    assert [error["message"] for error in answer.body["error"]["errors"]] == [
        "Invalid value for 'entity.change.additions[0].name': 'b'",
        "Invalid value for 'entity.change.additions[1].ttl': 'True'",
        "Invalid value for 'entity.change.additions[1].rrdata[0]': '1.1.1'",
    ]


@pytest.mark.parametrize("type_", ["NS", "SOA"])
def test_the_apex_keeps_its_ns_and_soa(api, record, type_):
    current = listed(api, "ml.example.com.", type_)
    assert api.change([], [current]).problem == (
        400,
        "invalidZoneApex",
        "The resource record set 'entity.change.deletions[0]' is invalid because a zone must contain exactly one"
        f" resource record set of type '{type_}' at the apex.",
    )
    assert api.change([{**current, "ttl": 60}], [current]).code == 200
    assert listed(api, "ml.example.com.", type_)["ttl"] == 60


def test_a_cname_may_take_the_place_of_the_other_types_in_one_change(api, record):
    assert api.change([record(A, "b.example.com.", type="CNAME")], [listed(api, A)]).code == 200
    assert listed(api, A, "CNAME")["rrdatas"] == ["b.example.com."]


class TestQuota:
    @staticmethod
    def workers(record, count: int, start: int = 0) -> list[dict]:
        return [record(f"w{n}.ml.example.com.", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(start, count)]

    def test_a_thousand_additions_fit_and_one_more_does_not(self, api, record):
        rrsets = self.workers(record, 1001)
        assert api.change(rrsets).problem == (
            403,
            "quotaExceeded",
            "The change would exceed quota for additions per change.",
        )
        assert api.change(rrsets[:1000]).code == 200
        assert api.change([], rrsets[:1000]).code == 200

    def test_each_exceeded_limit_is_an_error_of_its_own(self, api, record):
        texts = [record(f"t{n}.ml.example.com.", f'"{"x" * 200}"', type="TXT") for n in range(1001)]
        answer = api.change(texts)
        assert answer.code == 403
        assert [error["message"] for error in answer.body["error"]["errors"]] == [
            "The change would exceed quota for additions per change.",
            "The change would exceed quota for total rrdata size per change.",
        ]

    def test_a_hundred_rrdatas_fit_and_one_more_does_not(self, api, record):
        addresses = [f"10.0.0.{n}" for n in range(101)]
        name = "workers.ml.example.com."
        assert api.change([record(name, *addresses)]).problem[1:] == (
            "quotaExceeded",
            "The change would exceed quota for resource records per resource record set.",
        )
        assert api.change([record(name, *addresses[:100])]).code == 200

    def test_the_zone_holds_ten_thousand_sets_with_its_ns_and_soa(self, api, record):
        for start in range(0, 9000, 1000):
            assert api.change(self.workers(record, start + 1000, start)).code == 200
        last = self.workers(record, 10_000, 9000)
        assert api.change(last[:998]).problem == (
            403,
            "quotaExceeded",
            "The change would exceed quota for resource record sets per managed zone.",
        )
        assert api.change(last[:997]).code == 200
        assert len(api.names()) == 10_000
        full = last[0]
        assert api.change([{**full, "ttl": 60}], [full]).code == 200  # a full zone still takes a replacement


def test_changes_are_numbered_from_the_zone_s_creation(api, record):
    assert api.change([record("b.ml.example.com.", "192.0.2.3")]).body["id"] == "2"
    changes = api.get("managedZones/ml/changes").body["changes"]
    assert [change["id"] for change in changes] == ["0", "1", "2"]
    assert [(rrset["name"], rrset["type"]) for rrset in changes[0]["additions"]] == [
        ("ml.example.com.", "NS"),
        ("ml.example.com.", "SOA"),
    ]
    assert changes[0]["status"] == "done"
    newest_first = api.get("managedZones/ml/changes", sortBy="changeSequence", sortOrder="descending").body["changes"]
    assert [change["id"] for change in newest_first] == ["2", "1", "0"]


@pytest.mark.parametrize(("order", "expected"), [("ascending", "0 1 2 3 4"), ("descending", "4 3 2 1 0")])
def test_changes_come_in_pages(api, record, order, expected):
    for n in range(3):
        api.change([record(f"p{n}.ml.example.com.", "192.0.2.3")])
    seen, query = [], {"maxResults": 2, "sortOrder": order}
    while True:
        page = api.get("managedZones/ml/changes", **query).body
        seen += [change["id"] for change in page["changes"]]
        if "nextPageToken" not in page:
            break
        query["pageToken"] = page["nextPageToken"]
    assert " ".join(seen) == expected


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"sortBy": "name"}, "sortBy"),
        ({"sortOrder": "up"}, "sortOrder"),
        ({"maxResults": 0}, "maxResults"),
        ({"maxResults": "many"}, "maxResults"),
        ({"pageToken": "x"}, "pageToken"),
        ({"pageToken": "OTk="}, "pageToken"),
    ],
)
def test_bad_list_parameters_of_changes(api, query, path):
    value = next(iter(query.values()))
    assert api.get("managedZones/ml/changes", **query).problem == (
        400,
        "invalid",
        f"Invalid value for 'parameters.{path}': '{value}'",
    )


@pytest.mark.parametrize("change_id", ["9", "abc", "99999999999999999999"])
def test_a_change_that_is_not_there(api, change_id):
    assert api.get(f"managedZones/ml/changes/{change_id}").problem == (
        404,
        "notFound",
        f"The 'parameters.changeId' resource named '{change_id}' does not exist.",
    )


def test_routing_policies_and_alias_records_are_not_pretended(api, record):
    routed = {"name": "r.ml.example.com.", "type": "A", "ttl": 5, "routingPolicy": {"wrr": {"items": []}}}
    assert api.change([routed]).problem == (
        501,
        "notImplemented",
        "localcloud does not implement routing policies (routingPolicy).",
    )
    alias = record("ml.example.com.", "x.example.com.", type="ALIAS")
    assert api.change([alias]).problem[2] == "localcloud does not implement ALIAS record sets."


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b'{"a": "\\ud800"}', b"\xff"])
def test_a_body_that_is_no_json_object(cloud, raw):
    url = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones/ml/changes"
    answer = requests.post(url, data=raw, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "parseError"


@pytest.mark.parametrize("body", [{"additions": {"a": 1}}, {"additions": ["x"]}, {"deletions": "x"}])
def test_parts_of_the_wrong_json_type(api, body):
    code, reason, _ = api.post("managedZones/ml/changes", body).problem
    assert (code, reason) == (400, "invalid")
