"""Asking for a zone: what is refused before anything is sent, what is made, compared and deleted."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mldns.exceptions import InvalidInput, ZoneMismatch, ZoneNotEmpty, ZoneNotOurs
from mldns.plan.batches import Change
from mldns.providers.base import ZoneSpec
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.providers.gcp.zones import parse_zone
from mldns.providers.zones import EnsuredZone, delete_zone, ensure_zone
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient

NETWORK = "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/training"


def wanted(**changes: Any) -> ZoneSpec:
    request: dict[str, Any] = {
        "zone": "my-managed-zone",
        "dns_name": "ml.example.com.",
        "visibility": "private",
        "networks": ["training"],
        "labels": {"team": "ml"},
        "description": "",
        "allow_unbound": False,
        "project_id": "demo-project",
    }
    return parse_zone(**{**request, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zone": "My_Zone"}, "zone name 'My_Zone'"),
        ({"zone": "1zone"}, "begin with a letter"),
        ({"zone": "z" * 64}, "1 to 63"),
        ({"zone": ""}, "zone name ''"),
        ({"dns_name": "ml..example.com"}, "empty label"),
        ({"dns_name": "x" * 64 + ".com"}, "at most 63"),
        ({"visibility": "secret"}, "neither 'private' nor 'public'"),
        ({"networks": []}, "allow_unbound=True"),
        ({"networks": "training"}, "must be a list"),
        ({"networks": ["https://evil.example/projects/p/global/networks/n"]}, "neither a name nor projects/"),
        ({"networks": ["projects/p/networks/n"]}, "neither a name nor projects/"),
        ({"visibility": "public"}, "networks are for private zones"),
        ({"labels": {"Team": "ml"}}, "label 'Team'"),
        ({"labels": {"team": "M L"}}, "value 'M L'"),
        ({"labels": ["team"]}, "must be a mapping"),
        ({"description": "x" * 1025}, "1,024"),
    ],
)
def test_what_cannot_be_right_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wanted(**changes)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "network",
    [
        "training",
        "projects/demo-project/global/networks/training",
        NETWORK,
        "https://compute.googleapis.com/compute/v1/projects/demo-project/global/networks/training",
    ],
)
def test_a_network_has_one_spelling(network: str) -> None:
    assert wanted(networks=[network, network]).networks == (NETWORK,)


def test_a_zone_is_made_with_our_label_and_its_name_servers_come_back(client: DNSClient) -> None:
    zone = ensure_zone(CloudDNSProvider(client), wanted())
    assert (zone.created, zone.drift) == (True, ())
    assert zone.zone.labels == {"team": "ml", "managed-by": "mldns"}
    assert zone.zone.name_servers == ("ns-gcp-private.googledomains.com.",)
    found = client.get_zone("my-managed-zone")
    assert [n["networkUrl"] for n in found["privateVisibilityConfig"]["networks"]] == [NETWORK]
    again = ensure_zone(CloudDNSProvider(client), wanted())
    assert (again.created, again.drift, again.zone) == (False, (), zone.zone)


def test_differences_are_reported_and_left_alone(client: DNSClient, cloud: Cloud) -> None:
    ensure_zone(CloudDNSProvider(client), wanted(description="as it was"))
    calls = cloud.stats()
    zone = ensure_zone(
        CloudDNSProvider(client),
        wanted(networks=["training", "other"], labels={"team": "infra", "cost": "1"}, description="new"),
    )
    assert list(zone.drift) == [
        {"field": "networks", "wanted": [NETWORK.replace("training", "other"), NETWORK], "found": [NETWORK]},
        {"field": "labels.team", "wanted": "infra", "found": "ml"},
        {"field": "labels.cost", "wanted": "1", "found": None},
        {"field": "description", "wanted": "new", "found": "as it was"},
    ]
    writing = ("managedZones.patch", "managedZones.update", "managedZones.create")
    assert {m: cloud.stats().get(m) for m in writing} == {m: calls.get(m) for m in writing}


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"dns_name": "other.example.com."}, "dnsName"), ({"visibility": "public", "networks": ()}, "visibility")],
)
def test_another_zone_under_that_name_is_an_error_and_never_a_second_zone(
    client: DNSClient, changes: dict[str, Any], field: str
) -> None:
    ensure_zone(CloudDNSProvider(client), wanted())
    with pytest.raises(ZoneMismatch) as mismatch:
        ensure_zone(CloudDNSProvider(client), wanted(**changes))
    assert mismatch.value.field == field
    assert client.list_zones(dns_name="other.example.com.") == []


def test_a_rival_zone_for_the_same_askers_is_mentioned(client: DNSClient) -> None:
    ensure_zone(CloudDNSProvider(client), wanted(zone="first", visibility="public", networks=()))
    second = ensure_zone(CloudDNSProvider(client), wanted(zone="second", visibility="public", networks=()))
    assert [item["found"] for item in second.drift] == ["also in zone first"]
    private = ensure_zone(CloudDNSProvider(client), wanted(zone="third"))
    assert private.drift == (), "a private zone beside a public one is ordinary split horizon"


def test_many_at_once_make_one_zone(make_client: MakeClient, cloud: Cloud) -> None:
    results: list[EnsuredZone] = []

    def run() -> None:
        results.append(ensure_zone(CloudDNSProvider(make_client()), wanted()))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(zone.created for zone in results) == [False] * 7 + [True]
    assert len({zone.zone.id for zone in results}) == 1
    assert cloud.stats()["managedZones.create"]["200"] == 1


def test_only_a_zone_of_ours_is_deleted_and_only_when_it_is_empty(client: DNSClient) -> None:
    client.create_zone({"name": "theirs", "dnsName": "theirs.test.", "description": "d"})
    with pytest.raises(ZoneNotOurs, match="managed-by=mldns"):
        delete_zone(CloudDNSProvider(client), "theirs")
    ensure_zone(CloudDNSProvider(client), wanted())
    record = RRset("x.ml.example.com.", "A", 30, ("10.0.0.1",))
    client.create_change("my-managed-zone", Change(additions=(record,)))
    with pytest.raises(ZoneNotEmpty, match=r"release its jobs, .* take back their grants"):
        delete_zone(CloudDNSProvider(client), "my-managed-zone")
    client.create_change("my-managed-zone", Change(deletions=(record,)))
    assert delete_zone(CloudDNSProvider(client), "my-managed-zone") is True
    assert delete_zone(CloudDNSProvider(client), "my-managed-zone") is False
    assert client.find_zone("theirs") is not None
