"""Compute Engine's lists, held against Google's own description of the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.test_localcloud_discovery import load, mismatches

SCHEMAS = load("compute.v1")["schemas"]
PROJECT = "/compute/v1/projects/demo-project"
ZONE_A, ZONE_B = f"{PROJECT}/zones/us-central1-a", f"{PROJECT}/zones/us-central1-b"
NETWORK = "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/training"
INVALID_FILTER = "Invalid value for field 'filter': '{}'. Invalid list filter expression."


def instance(number: int, zone: str = "us-central1-a", **fields: Any) -> dict[str, Any]:
    interface = {"network": NETWORK, "networkIP": f"10.0.0.{number}"}
    labels = {"job": "bert", "rank": str(number)}
    return {"name": f"w-{number}", "zone": zone, "networkInterfaces": [interface], "labels": labels, **fields}


@pytest.fixture
def fleet(api):
    """Three instances in zone a and two in zone b, one of which does not run."""
    items = [instance(n) for n in (1, 2, 3)] + [instance(4, "us-central1-b"), instance(5, "us-central1-b")]
    items[4] |= {"status": "TERMINATED", "labels": {"job": "gpt"}}
    answer = api.post("/_localcloud/instances", {"project": "demo-project", "items": items})
    assert answer.body == {"instances": 5}
    return api


def names(body: dict[str, Any]) -> list[str]:
    return [item["name"] for item in body.get("items", [])]


def test_a_zone_s_instances(fleet):
    answer = fleet.get(f"{ZONE_A}/instances")
    assert names(answer.body) == ["w-1", "w-2", "w-3"]
    assert list(mismatches(answer.body, {"$ref": "InstanceList"}, SCHEMAS, "list")) == []
    assert "items" not in fleet.get(f"{PROJECT}/zones/elsewhere/instances").body


def test_all_zones(fleet):
    answer = fleet.get(f"{PROJECT}/aggregated/instances", filter="labels.job=gpt")
    assert list(mismatches(answer.body, {"$ref": "InstanceAggregatedList"}, SCHEMAS, "list")) == []
    assert [item["name"] for item in answer.body["items"]["zones/us-central1-b"]["instances"]] == ["w-5"]
    assert answer.body["items"]["zones/us-central1-a"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    assert fleet.get("/compute/v1/projects/other-project/aggregated/instances").body["items"] == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("labels.job = bert", ["w-1", "w-2", "w-3"]),
        ('(labels.job = "bert") (labels.rank != "2")', ["w-1", "w-3"]),
        ("labels.job=bert AND labels.rank=2", ["w-2"]),
        ("(labels.rank:*)", ["w-1", "w-2", "w-3"]),
        ("labels.gone:*", []),
        ("status != RUNNING", []),
        ("name eq 'w-[12]'", ["w-1", "w-2"]),
        ("name ne .*2", ["w-1", "w-3"]),
    ],
)
def test_filters(fleet, text, found):
    assert names(fleet.get(f"{ZONE_A}/instances", filter=text).body) == found


@pytest.mark.parametrize(
    "text",
    [
        "labels.job = bert OR labels.job = gpt",
        "status eq RUNNING AND name eq w-1",
        "networkInterfaces[].network = x",
        "name = w-1 name eq w-1",
        "name eq '('",
        "(name = w-1",
        "name",
        "name > w-1",
        "machineType = n1",
        "labels.job = bert AND",
    ],
)
def test_a_filter_that_is_not_evaluated_is_refused(fleet, text):
    """In the words that Google has for it; better than a list in which too many or too few are."""
    answer = fleet.get(f"{ZONE_A}/instances", filter=text)
    assert answer.problem == (400, "invalid", INVALID_FILTER.format(text))


@pytest.mark.parametrize("path", [f"{ZONE_A}/instances", f"{PROJECT}/aggregated/instances"])
def test_pages(fleet, path):
    pages, token = [], {}
    while token is not None:
        body = fleet.get(path, maxResults=2, **token).body
        listed = body["items"]
        if isinstance(listed, dict):
            listed = [item for scope in listed.values() for item in scope.get("instances", [])]
        pages.append([item["name"] for item in listed])
        token = {"pageToken": body["nextPageToken"]} if "nextPageToken" in body else None
    whole = ["w-1", "w-2", "w-3"] if path.startswith(ZONE_A) else ["w-1", "w-2", "w-3", "w-4", "w-5"]
    assert [name for page in pages for name in page] == whole
    assert max(map(len, pages)) == 2


def test_a_zone_that_cannot_be_reached(fleet):
    fleet.post("/_localcloud/instances", {"project": "demo-project", "unreachable": ["us-central1-b"]})
    scopes = fleet.get(f"{PROJECT}/aggregated/instances").body["items"]
    assert scopes["zones/us-central1-b"]["warning"]["code"] == "UNREACHABLE"
    assert "instances" not in scopes["zones/us-central1-b"]
    assert len(scopes["zones/us-central1-a"]["instances"]) == 3


def test_a_page_beyond_what_google_gives(fleet):
    answer = fleet.get(f"{ZONE_A}/instances", maxResults=501)
    assert answer.problem[:2] == (400, "invalid")
    assert fleet.get(f"{ZONE_A}/instances", orderBy="creationTimestamp desc").code == 501


GROUPS = [
    (
        {"zone": "us-central1-a"},
        f"{ZONE_A}/instanceGroupManagers/g",
        "InstanceGroupManagersListManagedInstancesResponse",
    ),
    (
        {"region": "us-central1"},
        f"{PROJECT}/regions/us-central1/instanceGroupManagers/g",
        "RegionInstanceGroupManagersListInstancesResponse",
    ),
]


@pytest.mark.parametrize(("place", "path", "listing"), GROUPS, ids=["zonal", "regional"])
def test_managed_instance_groups(fleet, place, path, listing):
    members = [
        {"name": "w-1", "zone": "us-central1-a"},
        {"name": "w-5", "zone": "us-central1-b"},
        {"name": "w-9", "zone": "us-central1-b", "currentAction": "CREATING"},
    ]
    group = {"name": "g", "targetSize": 4, "instances": members, **place}
    fleet.post("/_localcloud/instance-groups", {"project": "demo-project", "items": [group]})
    body = fleet.get(path).body
    assert body["targetSize"] == 4
    assert list(mismatches(body, {"$ref": "InstanceGroupManager"}, SCHEMAS, "group")) == []
    first = fleet.post(f"{path}/listManagedInstances?maxResults=2").body
    second = fleet.post(f"{path}/listManagedInstances?maxResults=2&pageToken={first['nextPageToken']}").body
    assert list(mismatches(first, {"$ref": listing}, SCHEMAS, "members")) == []
    listed = [*first["managedInstances"], *second["managedInstances"]]
    assert [(m["name"], m["currentAction"], m.get("instanceStatus")) for m in listed] == [
        ("w-1", "NONE", "RUNNING"),
        ("w-5", "NONE", "TERMINATED"),
        ("w-9", "CREATING", None),
    ]


@pytest.mark.parametrize("path", [path for _, path, _ in GROUPS], ids=["zonal", "regional"])
def test_a_group_that_is_not_there(api, path):
    resource = path.removeprefix("/compute/v1/")
    assert api.get(path).problem == (404, "notFound", f"The resource '{resource}' was not found")
    assert api.post(f"{path}/listManagedInstances").code == 404


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ({"items": []}, "project"),
        ({"project": "p", "items": [{"name": "w"}]}, "zone"),
        ({"project": "p", "items": [{"name": "W", "zone": "a"}]}, "'name': 'W'"),
        ({"project": "p", "items": {"name": "w"}}, "items"),
    ],
)
def test_what_cannot_be_put_there(api, body, culprit):
    answer = api.post("/_localcloud/instances", body)
    assert answer.code == 400
    assert culprit in answer.problem[2]


def test_all_of_it_can_be_forgotten(fleet):
    assert fleet.call("DELETE", "/_localcloud/instances").code == 200
    assert fleet.get(f"{PROJECT}/aggregated/instances").body["items"] == {}
