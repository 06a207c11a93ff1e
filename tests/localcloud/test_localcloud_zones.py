"""Managed zones over HTTP."""

from __future__ import annotations

import re

import pytest
import requests

NETWORK = "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/training"
PRIVATE = {"visibility": "private", "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]}}


def visible_from(*networks: str) -> dict:
    """The privateVisibilityConfig that Google shows."""
    kind = "dns#managedZonePrivateVisibilityConfig"
    listed = [{"kind": f"{kind}Network", "networkUrl": network} for network in networks]
    return {"kind": kind, "networks": listed, "gkeClusters": []}


def test_a_public_zone_as_google_shows_it(api):
    zone = api.zone("my-managed-zone", description="training", labels={"managed-by": "mldns"})
    assert re.fullmatch(r"[1-9]\d{0,19}", zone.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", zone.pop("creationTime"))
    assert zone == {
        "kind": "dns#managedZone",
        "name": "my-managed-zone",
        "dnsName": "ml.example.com.",
        "description": "training",
        "labels": {"managed-by": "mldns"},
        "visibility": "public",
        "nameServers": [f"ns-cloud-a{n}.googledomains.com." for n in (1, 2, 3, 4)],
        "cloudLoggingConfig": {"kind": "dns#managedZoneCloudLoggingConfig"},
    }


def test_the_apex_of_a_new_zone(api):
    zone = api.zone()
    ns, soa = api.get("managedZones/ml/rrsets").body["rrsets"]
    assert (ns["name"], ns["type"], ns["ttl"], ns["rrdatas"]) == ("ml.example.com.", "NS", 21600, zone["nameServers"])
    assert (soa["type"], soa["ttl"]) == ("SOA", 21600)
    assert soa["rrdatas"] == ["ns-cloud-a1.googledomains.com. cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"]


def test_the_serial_stays_where_it_is(api, record):
    api.zone()
    before = api.get("managedZones/ml/rrsets", name="ml.example.com.", type="SOA").body
    api.change([record("a.ml.example.com.", "192.0.2.1")])
    assert api.get("managedZones/ml/rrsets", name="ml.example.com.", type="SOA").body == before


def test_a_private_zone_has_one_server_and_its_networks(api):
    zone = api.zone(**PRIVATE)
    assert zone["visibility"] == "private"
    assert zone["nameServers"] == ["ns-gcp-private.googledomains.com."]
    assert zone["privateVisibilityConfig"] == visible_from(NETWORK)


def test_a_private_zone_without_networks_is_legal(api):
    assert "privateVisibilityConfig" not in api.zone(visibility="private")


def test_a_zone_goes_by_name_and_by_number(api):
    zone = api.zone()
    assert api.get(f"managedZones/{zone['id']}").body == api.get("managedZones/ml").body == zone
    assert api.get(f"managedZones/{zone['id']}/rrsets").code == 200


@pytest.mark.parametrize("name", ["nobody", "12345", "9" * 5000])
@pytest.mark.parametrize(
    ("verb", "path"),
    [
        *(("GET", path) for path in ("", "/rrsets", "/changes", "/changes/1", "/operations")),
        *(("POST", path) for path in ("/rrsets", "/changes", ":getIamPolicy")),
        *((verb, "") for verb in ("DELETE", "PATCH", "PUT")),
    ],
)
def test_no_such_zone(api, verb, path, name):
    assert api.call(verb, f"managedZones/{name}{path}", {}).problem == (
        404,
        "notFound",
        f"The 'parameters.managedZone' resource named '{name}' does not exist.",
    )


def test_another_project_does_not_see_it(api):
    zone = api.zone()
    for name in ("ml", zone["id"]):
        assert api.get(f"/dns/v1/projects/other-project/managedZones/{name}").code == 404
    assert api.get("/dns/v1/projects/other-project/managedZones").body["managedZones"] == []


def test_a_name_is_taken_once_a_project(api):
    api.zone()
    answer = api.post("managedZones", {"name": "ml", "dnsName": "other.example.com."})
    assert answer.problem == (409, "alreadyExists", "The resource 'entity.managedZone' named 'ml' already exists")
    assert answer.body["error"].keys() == {"code", "message", "errors"}
    assert (
        api.post("/dns/v1/projects/other-project/managedZones", {"name": "ml", "dnsName": "x.example.org."}).code == 200
    )


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
    ],
)
def test_a_bad_field_is_named_with_its_value(api, field, value):
    body = {"name": "ml", "dnsName": "ml.example.com.", field: value}
    path = f"entity.managedZone.{field}"
    assert api.post("managedZones", body).problem == (400, "invalid", f"Invalid value for '{path}': '{value}'")
    assert api.get("managedZones").body["managedZones"] == []


def test_a_zone_needs_a_name_and_a_dns_name(api):
    answer = api.post("managedZones", {"description": "training"})
    assert [(problem["reason"], problem["message"]) for problem in answer.body["error"]["errors"]] == [
        ("required", "The 'entity.managedZone.name' parameter is required but was missing."),
        ("required", "The 'entity.managedZone.dnsName' parameter is required but was missing."),
    ]
    assert answer.code == 400


@pytest.mark.parametrize("labels", [{"Creator": "x"}, {"creator": "FOO"}, {"creator": 1}, {"1st": "x"}])
def test_labels_are_lower_case(api, labels):
    body = {"name": "ml", "dnsName": "ml.example.com.", "labels": labels}
    assert api.post("managedZones", body).problem == (
        400,
        "invalid",
        "Invalid value for 'entity.managedZone.labels': '0'",
    )


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({**PRIVATE, "visibility": "public"}, NETWORK),
        ({"visibility": "private", "privateVisibilityConfig": {"networks": [{"networkUrl": "training"}]}}, "training"),
        ({"visibility": "private", "privateVisibilityConfig": {"networks": [{}]}}, ""),
    ],
)
def test_a_network_that_cannot_be_bound(api, fields, value):
    assert api.post("managedZones", {"name": "ml", "dnsName": "ml.example.com.", **fields}).problem == (
        400,
        "invalid",
        f"Invalid value for 'entity.managedZone.privateVisibilityConfig.networks[0].networkUrl': '{value}'",
    )


def test_a_short_network_url_comes_back_in_full(api):
    short = {"networks": [{"networkUrl": "projects/demo-project/global/networks/training"}]}
    zone = api.zone(visibility="private", privateVisibilityConfig=short)
    assert zone["privateVisibilityConfig"] == visible_from(NETWORK)


def test_a_network_sees_one_private_zone_of_a_dns_name(api):
    api.zone("first", **PRIVATE)
    second = {"name": "second", "dnsName": "ml.example.com.", "visibility": "private"}
    code, reason, _ = api.post("managedZones", {**second, **PRIVATE}).problem
    assert (code, reason) == (400, "networkAlreadyBound")
    assert api.post("managedZones", second).code == 200
    assert api.call("PATCH", "managedZones/second", PRIVATE).problem[1] == "networkAlreadyBound"
    assert api.post("managedZones", {**second, **PRIVATE, "name": "below", "dnsName": "a.ml.example.com."}).code == 200


def test_a_hundred_networks_fit_and_one_more_does_not(api):
    networks = [{"networkUrl": f"{NETWORK}-{n}"} for n in range(101)]
    zone = {"name": "ml", "dnsName": "ml.example.com.", "visibility": "private"}
    answer = api.post("managedZones", {**zone, "privateVisibilityConfig": {"networks": networks}})
    assert answer.problem == (403, "quotaExceeded", "The change would exceed quota for networks per managed zone.")
    assert api.post("managedZones", {**zone, "privateVisibilityConfig": {"networks": networks[:100]}}).code == 200


def test_zones_of_one_public_dns_name_have_different_servers_until_there_are_no_more(api):
    servers = {api.zone(f"z{n}")["nameServers"][0] for n in range(5)}
    assert servers == {f"ns-cloud-{shard}1.googledomains.com." for shard in "abcde"}
    answer = api.post("managedZones", {"name": "z5", "dnsName": "ml.example.com."})
    assert answer.problem[:2] == (400, "managedZoneDnsNameNotAvailable")
    assert answer.problem[2].startswith("The domain 'ml.example.com.' (or its child domains) may be reserved")
    assert api.call("DELETE", "managedZones/z2").code == 200
    assert api.zone("z6")["nameServers"][0] == "ns-cloud-c1.googledomains.com."


def test_a_reserved_name_is_not_available(api):
    assert api.post("managedZones", {"name": "com", "dnsName": "com."}).problem[1] == "managedZoneDnsNameNotAvailable"


class TestList:
    def test_by_name_and_in_pages(self, api):
        for name in ("c", "a", "b"):
            api.zone(name, f"{name}.example.com.")
        first = api.get("managedZones", maxResults=2).body
        assert [zone["name"] for zone in first["managedZones"]] == ["a", "b"]
        second = api.get("managedZones", maxResults=2, pageToken=first["nextPageToken"]).body
        assert [zone["name"] for zone in second["managedZones"]] == ["c"]
        assert second.keys() == {"kind", "managedZones"}

    def test_by_dns_name(self, api):
        api.zone("a", "a.example.com.")
        api.zone("b", "b.example.com.")
        found = api.get("managedZones", dnsName="b.example.com.").body["managedZones"]
        assert [zone["name"] for zone in found] == ["b"]

    def test_a_dns_name_ends_with_a_dot(self, api):
        message = "Invalid value for 'parameters.dnsName': 'b.example.com'"
        assert api.get("managedZones", dnsName="b.example.com").problem == (400, "invalid", message)

    def test_empty(self, api):
        assert api.get("managedZones").body == {"kind": "dns#managedZonesListResponse", "managedZones": []}


class TestPatch:
    def test_labels_are_merged_and_the_operation_shows_both_sides(self, api):
        zone = api.zone(labels={"a": "1", "b": "2"})
        answer = api.call("PATCH", "managedZones/ml", {"labels": {"b": None, "c": "3"}, "unknownField": True})
        assert answer.code == 200
        operation = answer.body
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", operation["id"])
        assert (operation["kind"], operation["status"], operation["type"]) == ("dns#operation", "done", "UPDATE")
        assert operation["zoneContext"]["oldValue"] == zone
        assert operation["zoneContext"]["newValue"] == api.get("managedZones/ml").body
        assert api.get("managedZones/ml").body["labels"] == {"a": "1", "c": "3"}

    def test_an_empty_patch_and_empty_labels_change_nothing(self, api):
        zone = api.zone(labels={"a": "1"}, description="x")
        for body in ({}, {"labels": {}}):
            assert api.call("PATCH", "managedZones/ml", body).code == 200
            assert api.get("managedZones/ml").body == zone

    def test_null_labels_remove_them_all(self, api):
        api.zone(labels={"a": "1"})
        api.call("PATCH", "managedZones/ml", {"labels": None})
        assert "labels" not in api.get("managedZones/ml").body

    def test_update_replaces_what_may_change(self, api):
        zone = api.zone(labels={"a": "1"}, description="x")
        body = {**zone, "labels": {"b": "2"}, "description": "y"}
        assert api.call("PUT", "managedZones/ml", body).code == 200
        assert api.get("managedZones/ml").body == body
        del body["labels"]
        assert api.call("PUT", "managedZones/ml", body).code == 200
        assert api.get("managedZones/ml").body == body

    def test_an_update_holds_the_whole_zone(self, api):
        zone = api.zone(labels={"a": "1"})
        answer = api.call("PUT", "managedZones/ml", {"labels": {"b": "2"}, "nameServers": []})
        fields = ("name", "dnsName", "description", "id", "nameServers[0]", "creationTime", "visibility")
        assert [(problem["reason"], problem["message"]) for problem in answer.body["error"]["errors"]] == [
            ("required", f"The 'entity.managedZone.{field}' parameter is required but was missing.") for field in fields
        ]
        assert (answer.code, api.get("managedZones/ml").body) == (400, zone)

    def test_networks_are_replaced(self, api):
        api.zone(**PRIVATE)
        other = NETWORK.replace("training", "serving")
        config = {"networks": [{"networkUrl": other}]}
        assert api.call("PATCH", "managedZones/ml", {"privateVisibilityConfig": config}).code == 200
        assert api.get("managedZones/ml").body["privateVisibilityConfig"] == visible_from(other)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("dnsName", "x.example.com."), ("visibility", "private"), ("name", "other"), ("id", "1")),
            ("nameServers", ["ns.example.com."]),
        ],
    )
    @pytest.mark.parametrize("verb", ["PATCH", "PUT"])
    def test_what_cannot_change(self, api, verb, field, value):
        zone = api.zone()
        whole = zone if verb == "PUT" else {}
        assert api.call(verb, "managedZones/ml", {**whole, "description": "x", field: value}).problem == (
            400,
            "immutableField",
            f"The field 'entity.managedZone.{field}' cannot be modified.",
        )
        assert api.get("managedZones/ml").body == zone

    def test_a_bad_label_changes_nothing(self, api):
        zone = api.zone(labels={"a": "1"})
        assert api.call("PATCH", "managedZones/ml", {"labels": {"B": "x"}, "description": "y"}).code == 400
        assert api.get("managedZones/ml").body == zone


def test_operations_can_be_read_again(api):
    api.zone()
    for n in range(3):
        api.call("PATCH", f"managedZones/ml?clientOperationId=op-{n}", {"description": str(n)})
    assert api.get("managedZones/ml/operations/op-1").body["zoneContext"]["newValue"]["description"] == "1"
    first = api.get("managedZones/ml/operations", maxResults=2).body
    assert [operation["id"] for operation in first["operations"]] == ["op-0", "op-1"]
    second = api.get("managedZones/ml/operations", pageToken=first["nextPageToken"], sortBy="id").body
    assert [operation["id"] for operation in second["operations"]] == ["op-2"]
    assert api.get("managedZones/ml/operations/op-9").problem[0:2] == (404, "notFound")
    assert api.get("managedZones/ml/operations", sortBy="size").problem[0:2] == (400, "invalid")


class TestDelete:
    def test_an_empty_zone_goes_and_its_name_is_free(self, api):
        first = api.zone()
        answer = api.call("DELETE", "managedZones/ml")
        assert answer == (200, {})
        assert api.get("managedZones/ml").code == 404
        assert api.get(f"managedZones/{first['id']}").code == 404
        assert api.zone()["id"] != first["id"]

    def test_a_zone_with_records_stays(self, api, record):
        api.zone()
        api.change([record("a.ml.example.com.", "192.0.2.1")])
        assert api.call("DELETE", "managedZones/ml").problem == (
            400,
            "containerNotEmpty",
            "The resource named 'ml' cannot be deleted because it contains one or more 'resource records'.",
        )
        api.change([], [record("a.ml.example.com.", "192.0.2.1")])
        assert api.call("DELETE", "managedZones/ml").code == 200


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
    code, reason, message = api.post("managedZones", {"name": "ml", "dnsName": "ml.example.com.", **fields}).problem
    assert (code, reason) == (501, "notImplemented")
    assert message.startswith("localcloud does not implement ")
    assert api.get("managedZones").body["managedZones"] == []


def test_quota_of_a_project(api):
    body = api.get("").body
    assert (body["kind"], body["id"]) == ("dns#project", "demo-project")
    assert body["number"].isdigit()
    quota = body["quota"]
    assert (quota["managedZones"], quota["rrsetsPerManagedZone"]) == (10_000, 10_000)
    assert (quota["rrsetAdditionsPerChange"], quota["rrsetDeletionsPerChange"]) == (1_000, 1_000)
    assert (quota["totalRrdataSizePerChange"], quota["resourceRecordsPerRrset"]) == (100_000, 100)


def test_a_project_id_that_cannot_be(api):
    assert api.get("/dns/v1/projects/Bad Project/managedZones").problem == (
        400,
        "invalid",
        "Invalid value for 'parameters.project': 'Bad Project'",
    )


@pytest.mark.parametrize(
    "host", ["dns.googleapis.com", "content.googleapis.com", "www.googleapis.com", "localcloud:8053"]
)
def test_any_host_is_answered(cloud, host):
    url = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones?alt=json&prettyPrint=false&fields=id&$alt=json"
    assert requests.get(url, headers={"Host": host}, timeout=5).json()["managedZones"] == []
