"""Record sets over HTTP beyond the facts of tests/contract: filters, bad parameters, one set at a time."""

from __future__ import annotations

import pytest
import requests

APEX = "ml.example.com."
JOB = [
    (f"job.{APEX}", "A"),
    (f"job.{APEX}", "TXT"),
    (f"_mldns.job.{APEX}", "A"),
    *((f"worker-{n}.job.{APEX}", "A") for n in (0, 1, 10, 2)),
]
NS_SOA = [(APEX, "NS"), (APEX, "SOA")]
ALL = [*NS_SOA, (APEX, "A"), (f"*.{APEX}", "A"), (f"a.{APEX}", "A"), *JOB, (f"otherjob.{APEX}", "A")]
PATH = "managedZones/ml/rrsets"


@pytest.fixture(autouse=True)
def zone(api, record):
    api.zone()
    rrsets = [record(name, "x" if type_ == "TXT" else "192.0.2.1", type=type_) for name, type_ in reversed(ALL[2:])]
    assert api.change(rrsets).code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ALL),
        ({"name": "JOB.ml.example.com."}, JOB[:2]),
        ({"name": APEX}, [*NS_SOA, (APEX, "A")]),
        ({"filter": 'name="job.ml.example.com." AND type="A"'}, JOB[:1]),
        ({"filter": '`name`=`has_suffix`("job.ml.example.com.")'}, JOB),
        ({"filter": ' type = "TXT"  AND  name = has_suffix( "job.ml.example.com." ) '}, JOB[1:2]),
        ({"filter": 'name=has_suffix("nobody.ml.example.com.")'}, []),
        ({"filter": 'name=has_suffix("example.com.")'}, ALL),
    ],
)
@pytest.mark.parametrize("page", [1, 1000])
def test_selections_whatever_the_page(api, query, expected, page):
    assert api.names(**query, maxResults=page) == expected


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        *(
            ("filter", {"filter": text})
            for text in (
                "",
                'name="job.ml.example.com"',
                "name=job.ml.example.com.",
                'name="a.ml.example.com." OR name="job.ml.example.com."',
                'name="a.ml.example.com." name="job.ml.example.com."',
                'name="a.ml.example.com." AND',
                'name="a.ml.example.com." AND name=has_suffix("job.ml.example.com.")',
                'type="A"',
                'type=has_suffix("A") AND name="a.ml.example.com."',
                'name!="a.ml.example.com."',
                'ttl="300"',
            )
        ),
        ("type", {"name": f"a.{APEX}", "type": "a"}),
        ("name", {"name": "None"}),
        ("maxResults", {"maxResults": "-1"}),
        ("maxResults", {"maxResults": "9" * 5000}),
        ("pageToken", {"pageToken": "???"}),
    ],
)
def test_bad_list_parameters(api, parameter, query):
    code, reason, message = api.get(PATH, **query).problem
    assert (code, reason) == (400, "invalid")
    assert f"'parameters.{parameter}'" in message


def test_a_page_token_outlives_the_record_that_it_stands_for(api, record):
    first = api.get(PATH, maxResults=5).body
    api.change([], [record(f"a.{APEX}", "192.0.2.1")])
    rest = api.names(pageToken=first["nextPageToken"])
    assert [(rrset["name"], rrset["type"]) for rrset in first["rrsets"]] + rest == ALL


def test_the_server_may_make_pages_smaller_than_asked(start_cloud, record):
    cloud = start_cloud("--page-size", "2")
    base = f"{cloud.api}/dns/v1/projects/p-1/managedZones"
    requests.post(base, json={"name": "ml", "dnsName": APEX}, timeout=30)
    requests.post(f"{base}/ml/rrsets", json=record(f"a.{APEX}", "192.0.2.1"), timeout=30)
    page = requests.get(f"{base}/ml/rrsets?maxResults=1000", timeout=30).json()
    assert len(page["rrsets"]) == 2
    assert "nextPageToken" in page


@pytest.mark.parametrize(
    ("verb", "path", "body", "refusal"),
    [
        ("POST", "", {"type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}, (400, "invalid")),
        ("PATCH", f"/b.{APEX}/A", {}, (404, "notFound")),
        ("PATCH", f"/a.{APEX}/A", {"name": f"b.{APEX}", "rrdatas": ["192.0.2.1"]}, (400, "immutableField")),
        ("PATCH", f"/a.{APEX}/A", {"type": "TXT", "rrdatas": ["1"]}, (400, "immutableField")),
        ("DELETE", f"/{APEX}/NS", {}, (400, "invalidZoneApex")),
    ],
)
def test_one_set_refused(api, verb, path, body, refusal):
    assert api.call(verb, PATH + path, body).problem[:2] == refusal
    assert api.names() == ALL


def test_a_name_in_a_path_may_hold_an_encoded_slash(api, record):
    api.change([record(f"1.0/25.{APEX}", "x.example.com.", type="PTR")])
    assert api.get(f"{PATH}/1.0%2F25.{APEX}/PTR").body["rrdatas"] == ["x.example.com."]
