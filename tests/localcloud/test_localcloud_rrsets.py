"""Record sets over HTTP: listing with filters and pages, and one set at a time."""

from __future__ import annotations

import pytest
import requests

NAMES = (
    "*.ml.example.com.",
    "_mldns.job.ml.example.com.",
    "a.ml.example.com.",
    "job.ml.example.com.",
    "otherjob.ml.example.com.",
    "worker-0.job.ml.example.com.",
    "worker-1.job.ml.example.com.",
    "worker-10.job.ml.example.com.",
    "worker-2.job.ml.example.com.",
)
APEX = [("ml.example.com.", "NS"), ("ml.example.com.", "SOA")]


@pytest.fixture(autouse=True)
def zone(api, record):
    api.zone()
    rrsets = [record(name, "192.0.2.1") for name in reversed(NAMES)]
    rrsets.append(record("job.ml.example.com.", "x", type="TXT"))
    rrsets.append(record("ml.example.com.", "192.0.2.1"))
    assert api.change(rrsets).code == 200


JOB = [
    ("job.ml.example.com.", "A"),
    ("job.ml.example.com.", "TXT"),
    ("_mldns.job.ml.example.com.", "A"),
    ("worker-0.job.ml.example.com.", "A"),
    ("worker-1.job.ml.example.com.", "A"),
    ("worker-10.job.ml.example.com.", "A"),
    ("worker-2.job.ml.example.com.", "A"),
]
ALL = [
    *APEX,
    ("ml.example.com.", "A"),
    ("*.ml.example.com.", "A"),
    ("a.ml.example.com.", "A"),
    *JOB,
    ("otherjob.ml.example.com.", "A"),
]


@pytest.mark.parametrize("page", [1, 2, 5, 1000])
def test_canonical_order_with_ns_and_soa_first_whatever_the_page(api, page):
    assert api.names(maxResults=page) == ALL


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "job.ml.example.com."}, JOB[:2]),
        ({"name": "JOB.ml.example.com."}, JOB[:2]),
        ({"name": "job.ml.example.com.", "type": "TXT"}, JOB[1:2]),
        ({"name": "nobody.ml.example.com."}, []),
        ({"name": "ml.example.com."}, [*APEX, ("ml.example.com.", "A")]),
        ({"filter": 'name="job.ml.example.com."'}, JOB[:2]),
        ({"filter": 'name="job.ml.example.com." AND type="A"'}, JOB[:1]),
        ({"filter": 'name=has_suffix("job.ml.example.com.")'}, JOB),
        ({"filter": '`name`=`has_suffix`("job.ml.example.com.")'}, JOB),
        ({"filter": ' type = "TXT"  AND  name = has_suffix( "job.ml.example.com." ) '}, JOB[1:2]),
        ({"filter": 'name=has_suffix("nobody.ml.example.com.")'}, []),
        ({"filter": 'name=has_suffix("example.com.")'}, ALL),
    ],
)
@pytest.mark.parametrize("page", [1, 1000])
def test_selections(api, query, expected, page):
    assert api.names(**query, maxResults=page) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job",
        'name="job.ml.example.com"',
        "name=job.ml.example.com.",
        'name="a.ml.example.com." OR name="job.ml.example.com."',
        'name="a.ml.example.com." name="job.ml.example.com."',
        'name="a.ml.example.com." AND',
        'name="a.ml.example.com." AND name="job.ml.example.com."',
        'name="a.ml.example.com." AND name=has_suffix("job.ml.example.com.")',
        'type="A"',
        'type=has_suffix("A") AND name="a.ml.example.com."',
        'name!="a.ml.example.com."',
        'ttl="300"',
    ],
)
def test_a_filter_outside_the_documented_corner_is_refused(api, text):
    assert api.get("managedZones/ml/rrsets", filter=text).problem == (
        400,
        "invalid",
        f"Invalid value for 'parameters.filter': '{text}'",
    )


@pytest.mark.parametrize(
    ("query", "reason", "message"),
    [
        ({"type": "A"}, "invalid", "Invalid value for 'parameters.name': ''"),
        ({"name": "a.ml.example.com.", "type": "a"}, "invalid", "Invalid value for 'parameters.type': 'a'"),
        ({"name": "None"}, "invalid", "Invalid value for 'parameters.name': 'None'"),
        (
            {"filter": 'name="a.ml.example.com."', "name": "a.ml.example.com."},
            "invalid",
            "Invalid value for 'parameters.name': 'a.ml.example.com.'",
        ),
        ({"maxResults": "-1"}, "invalid", "Invalid value for 'parameters.maxResults': '-1'"),
        ({"maxResults": "9" * 5000}, "invalid", f"Invalid value for 'parameters.maxResults': '{'9' * 5000}'"),
        ({"pageToken": "???"}, "invalid", "Invalid value for 'parameters.pageToken': '???'"),
    ],
)
def test_bad_list_parameters(api, query, reason, message):
    assert api.get("managedZones/ml/rrsets", **query).problem == (400, reason, message)


def test_a_page_token_outlives_the_record_that_it_stands_for(api, record):
    first = api.get("managedZones/ml/rrsets", maxResults=5).body
    api.change([], [record("a.ml.example.com.", "192.0.2.1")])
    rest = api.names(pageToken=first["nextPageToken"])
    assert [(rrset["name"], rrset["type"]) for rrset in first["rrsets"]] + rest == ALL


def test_the_server_may_make_pages_smaller_than_asked(start_cloud, record):
    cloud = start_cloud("--page-size", "2")
    base = f"{cloud.api}/dns/v1/projects/p-1/managedZones"
    requests.post(base, json={"name": "ml", "dnsName": "ml.example.com."}, timeout=5)
    requests.post(f"{base}/ml/rrsets", json=record("a.ml.example.com.", "192.0.2.1"), timeout=5)
    page = requests.get(f"{base}/ml/rrsets?maxResults=1000", timeout=5).json()
    assert len(page["rrsets"]) == 2
    assert "nextPageToken" in page


class TestOneSet:
    PATH = "managedZones/ml/rrsets"

    def test_create_get_patch_delete(self, api, record):
        created = api.post(self.PATH, record("b.ml.example.com.", "192.0.2.5", ttl="60"))
        assert created.code == 200
        assert created.body == {
            "kind": "dns#resourceRecordSet",
            "name": "b.ml.example.com.",
            "type": "A",
            "ttl": 60,
            "rrdatas": ["192.0.2.5"],
            "signatureRrdatas": [],
        }
        path = f"{self.PATH}/b.ml.example.com./A"
        assert api.get(path).body == created.body
        patched = api.call("PATCH", path, {"rrdatas": ["192.0.2.6"]})
        assert patched.body == {**created.body, "rrdatas": ["192.0.2.6"]}
        assert api.call("DELETE", path) == (200, {})
        assert api.get(path).code == 404

    def test_each_is_a_change_of_its_own(self, api, record):
        api.post(self.PATH, record("b.ml.example.com.", "192.0.2.5"))
        api.call("PATCH", f"{self.PATH}/b.ml.example.com./A", {"ttl": 5})
        last = api.get("managedZones/ml/changes").body["changes"][-1]
        assert (last["id"], last["deletions"][0]["ttl"], last["additions"][0]["ttl"]) == ("3", 300, 5)

    def test_create_what_exists(self, api, record):
        assert api.post(self.PATH, record("a.ml.example.com.", "192.0.2.5")).problem == (
            409,
            "alreadyExists",
            "The resource 'entity.rrset' named 'a.ml.example.com. (A)' already exists",
        )

    def test_create_without_a_name(self, api):
        assert api.post(self.PATH, {"type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}).problem == (
            400,
            "invalid",
            "Invalid value for 'entity.rrset.name': ''",
        )

    @pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
    def test_what_is_not_there(self, api, verb):
        assert api.call(verb, f"{self.PATH}/b.ml.example.com./A", {}).problem == (
            404,
            "notFound",
            "The 'parameters.name' resource named 'b.ml.example.com. (A)' does not exist.",
        )

    @pytest.mark.parametrize(("field", "value"), [("name", "b.ml.example.com."), ("type", "TXT")])
    def test_a_patch_cannot_move_a_set(self, api, field, value):
        body = {field: value, "rrdatas": ["1"] if value == "TXT" else ["192.0.2.1"]}
        assert api.call("PATCH", f"{self.PATH}/a.ml.example.com./A", body).problem == (
            400,
            "immutableField",
            f"The field 'entity.rrset.{field}' cannot be modified.",
        )

    def test_the_apex_cannot_be_deleted_here_either(self, api):
        assert api.call("DELETE", f"{self.PATH}/ml.example.com./NS").problem[:2] == (400, "invalidZoneApex")

    def test_names_in_a_path_are_percent_decoded(self, api, record):
        assert api.get(f"{self.PATH}/%2A.ml.example.com./A").body["name"] == "*.ml.example.com."
        api.change([record("1.0/25.ml.example.com.", "x.example.com.", type="PTR")])
        assert api.get(f"{self.PATH}/1.0%2F25.ml.example.com./PTR").body["rrdatas"] == ["x.example.com."]
