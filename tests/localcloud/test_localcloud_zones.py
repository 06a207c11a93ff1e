"""Managed zones over HTTP beyond the facts of tests/contract."""

from __future__ import annotations

import pytest

NETWORK = "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/training"
PRIVATE = {"visibility": "private", "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]}}
ZONE = {"name": "ml", "dnsName": "ml.example.com."}


def visible_from(*networks: str) -> dict:
    """The privateVisibilityConfig that Google shows."""
    kind = "dns#managedZonePrivateVisibilityConfig"
    listed = [{"kind": f"{kind}Network", "networkUrl": network} for network in networks]
    return {"kind": kind, "networks": listed, "gkeClusters": []}


@pytest.mark.parametrize("name", ["nobody", "12345", "9" * 5000])
@pytest.mark.parametrize(
    ("verb", "path"),
    [("GET", "/changes/1"), ("GET", "/operations"), ("POST", "/rrsets"), ("POST", ":getIamPolicy"), ("PUT", "")],
)
def test_no_such_zone(api, verb, path, name):
    assert api.call(verb, f"managedZones/{name}{path}", {}).problem[:2] == (404, "notFound")


def test_another_project_does_not_see_it_and_may_have_its_name(api):
    zone = api.zone()
    others = "/dns/v1/projects/other-project/managedZones"
    assert [api.get(f"{others}/{name}").code for name in ("ml", zone["id"])] == [404, 404]
    assert api.get(others).body["managedZones"] == []
    assert api.post(others, {"name": "ml", "dnsName": "x.example.org."}).code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "50-domain123-com"),
        ("name", "Upper"),
        ("name", "dash-"),
        ("name", "a" * 64),
        ("name", 7),
        ("dnsName", "example.com"),
        ("dnsName", "cymbal...group."),
        ("dnsName", "*.example.com."),
        ("visibility", "secret"),
        ("nameServerSet", "ns-cloud-d"),
        *(("labels", labels) for labels in ({"Creator": "x"}, {"creator": "FOO"}, {"creator": 1}, {"1st": "x"})),
    ],
)
def test_a_bad_field_is_named(api, field, value):
    code, reason, message = api.post("managedZones", {**ZONE, field: value}).problem
    assert (code, reason) == (400, "invalid")
    assert f"'entity.managedZone.{field}'" in message
    assert api.get("managedZones").body["managedZones"] == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "missing"),
    [
        ("POST", "managedZones", {"description": "training"}, "name dnsName"),
        (
            "PUT",
            "managedZones/there",
            {"labels": {"b": "2"}, "nameServers": []},
            "name dnsName description id nameServers[0] creationTime visibility",
        ),
    ],
)
def test_what_is_missing_is_listed(api, verb, path, body, missing):
    there = api.zone("there", "there.example.com.")
    problems = api.call(verb, path, body).body["error"]["errors"]
    assert {problem["reason"] for problem in problems} == {"required"}
    named = [problem["message"].split("'")[1].removeprefix("entity.managedZone.") for problem in problems]
    assert named == missing.split()
    assert api.get("managedZones").body["managedZones"] == [there]


@pytest.mark.parametrize(
    "fields",
    [
        {**PRIVATE, "visibility": "public"},
        {"visibility": "private", "privateVisibilityConfig": {"networks": [{"networkUrl": "training"}]}},
        {"visibility": "private", "privateVisibilityConfig": {"networks": [{}]}},
    ],
)
def test_a_network_that_cannot_be_bound(api, fields):
    code, reason, message = api.post("managedZones", {**ZONE, **fields}).problem
    assert (code, reason) == (400, "invalid")
    assert "'entity.managedZone.privateVisibilityConfig.networks[0].networkUrl'" in message


def test_a_short_network_url_comes_back_in_full_and_networks_are_replaced(api):
    short = {"networks": [{"networkUrl": "projects/demo-project/global/networks/training"}]}
    zone = api.zone(visibility="private", privateVisibilityConfig=short)
    assert zone["privateVisibilityConfig"] == visible_from(NETWORK)
    other = NETWORK.replace("training", "serving")
    api.call("PATCH", "managedZones/ml", {"privateVisibilityConfig": {"networks": [{"networkUrl": other}]}})
    assert api.get("managedZones/ml").body["privateVisibilityConfig"] == visible_from(other)


def test_a_network_sees_one_private_zone_of_a_dns_name_by_a_patch_either(api):
    api.zone("first", **PRIVATE)
    second = {"name": "second", "dnsName": "ml.example.com.", "visibility": "private"}
    assert api.post("managedZones", second).code == 200
    assert api.call("PATCH", "managedZones/second", PRIVATE).problem[1] == "networkAlreadyBound"
    assert api.post("managedZones", {**second, **PRIVATE, "name": "below", "dnsName": "a.ml.example.com."}).code == 200


def test_zones_of_one_public_dns_name_have_different_servers_until_there_are_no_more(api):
    servers = {api.zone(f"z{n}")["nameServers"][0] for n in range(5)}
    assert servers == {f"ns-cloud-{shard}1.googledomains.com." for shard in "abcde"}
    refused = api.post("managedZones", {"name": "z5", "dnsName": "ml.example.com."})
    assert refused.problem[:2] == (400, "managedZoneDnsNameNotAvailable")
    assert api.call("DELETE", "managedZones/z2").code == 200
    assert api.zone("z6")["nameServers"][0] == "ns-cloud-c1.googledomains.com."


def test_a_list_by_a_relative_dns_name(api):
    assert api.get("managedZones", dnsName="b.example.com").problem[:2] == (400, "invalid")


def test_patches_that_change_nothing(api):
    zone = api.zone(labels={"a": "1"}, description="x")
    for body, code in (({}, 200), ({"labels": {}}, 200), ({"labels": {"B": "x"}, "description": "y"}, 400)):
        assert api.call("PATCH", "managedZones/ml", body).code == code
        assert api.get("managedZones/ml").body == zone


def test_null_labels_and_an_update_without_labels_remove_them_all(api):
    zone = api.zone(labels={"a": "1"}, description="x")
    assert api.call("PUT", "managedZones/ml", {**zone, "labels": {"b": "2"}}).code == 200
    assert api.get("managedZones/ml").body["labels"] == {"b": "2"}
    api.call("PATCH", "managedZones/ml", {"labels": None})
    assert "labels" not in api.get("managedZones/ml").body
    api.call("PUT", "managedZones/ml", zone)
    del zone["labels"]
    api.call("PUT", "managedZones/ml", zone)
    assert api.get("managedZones/ml").body == zone


@pytest.mark.parametrize(
    ("field", "value"),
    [("visibility", "private"), ("name", "other"), ("id", "1"), ("nameServers", ["ns.example.com."])],
)
@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_what_cannot_change(api, verb, field, value):
    zone = api.zone()
    whole = zone if verb == "PUT" else {}
    refused = api.call(verb, "managedZones/ml", {**whole, "description": "x", field: value})
    assert refused.problem[:2] == (400, "immutableField")
    assert api.get("managedZones/ml").body == zone


def test_operations_in_pages_and_those_that_are_none(api):
    api.zone()
    for n in range(3):
        api.call("PATCH", f"managedZones/ml?clientOperationId=op-{n}", {"description": str(n)})
    first = api.get("managedZones/ml/operations", maxResults=2).body
    second = api.get("managedZones/ml/operations", pageToken=first["nextPageToken"], sortBy="id").body
    assert [op["id"] for op in (*first["operations"], *second["operations"])] == ["op-0", "op-1", "op-2"]
    assert api.get("managedZones/ml/operations/op-9").problem[:2] == (404, "notFound")
    assert api.get("managedZones/ml/operations", sortBy="size").problem[:2] == (400, "invalid")


def test_a_zone_made_anew_has_another_id(api):
    first = api.zone()
    api.call("DELETE", "managedZones/ml")
    assert api.zone()["id"] != first["id"]
    assert api.get(f"managedZones/{first['id']}").code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"forwardingConfig": {"targetNameServers": [{"ipv4Address": "192.0.2.1"}]}},
        {"peeringConfig": {"targetNetwork": {"networkUrl": NETWORK}}},
        {"dnssecConfig": {"state": "on"}},
        {"visibility": "private", "privateVisibilityConfig": {"gkeClusters": [{"gkeClusterName": "x"}]}},
    ],
)
def test_kinds_of_zones_that_are_not_pretended(api, fields):
    assert api.post("managedZones", {**ZONE, **fields}).problem[:2] == (501, "notImplemented")
    assert api.get("managedZones").body["managedZones"] == []


def test_a_project_id_that_cannot_be(api):
    assert api.get("/dns/v1/projects/Bad Project/managedZones").problem[:2] == (400, "invalid")
