"""Facts about managed zones, public and private: made, listed, patched, deleted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest

from tests.contract.facts import fact
from tests.contract.scratch import ScratchZones, Zone, rrset
from tests.contract.shapes import INSTANT, UINT64, UUID, Closed, expect
from tests.contract.target import Target

PUBLIC_NAME_SERVER = re.compile(r"ns-cloud-[a-e][1-4]\.googledomains\.com\.")
_SOA = re.compile(r"ns-cloud-[a-e]1\.googledomains\.com\. cloud-dns-hostmaster\.google\.com\. 1 21600 3600 259200 300")


@fact("zones.create", "R", "recorded traffic, 2024")
def test_create_answers_with_the_zone(own_zone: Zone) -> None:
    """Creating a zone answers 200 with the zone: a numeric id as a string, milliseconds in creationTime, labels."""
    expect(
        own_zone.body,
        {
            "kind": "dns#managedZone",
            "id": UINT64,
            "name": own_zone.name,
            "dnsName": own_zone.dns_name,
            "description": re.compile("throw-away zone .*"),
            "creationTime": INSTANT,
            "visibility": "public",
            "labels": Closed({"created-by": "mldns-verify"}),
            "nameServers": [PUBLIC_NAME_SERVER] * 4,
        },
    )
    assert own_zone.wire.get(own_zone.path).ok() == own_zone.body


@fact("zones.apex", "R", "recorded traffic, 2024")
def test_a_new_zone_has_its_apex(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """A new zone holds an NS set of 4 servers and an SOA with serial 1 and minimum 300, both with ttl 21600."""
    ns, soa = records = own_zone.records()
    observed(soa["rrdatas"])
    common = {"kind": "dns#resourceRecordSet", "name": own_zone.dns_name, "ttl": 21600, "signatureRrdatas": []}
    expect(
        records,
        [common | {"type": "NS", "rrdatas": [PUBLIC_NAME_SERVER] * 4}, common | {"type": "SOA", "rrdatas": [_SOA]}],
    )
    assert ns["rrdatas"] == own_zone.body["nameServers"]


@fact("zones.name_taken", "R", "recorded traffic, 2024")
def test_a_taken_name_is_refused(zone: Zone, zones: ScratchZones) -> None:
    """A zone name that is taken answers 409 alreadyExists."""
    zones.request(name=zone.name).refused(409, "alreadyExists")


@fact("zones.absent", "R", "recorded traffic, 2024")
def test_an_absent_zone_is_not_found(target: Target) -> None:
    """An absent zone answers 404 notFound, naming parameters.managedZone, in every method."""
    path = "managedZones/mldns-verify-absent"
    message = r"The 'parameters\.managedZone' resource named 'mldns-verify-absent' does not exist\."
    for reply in (
        target.dns.get(path),
        target.dns.delete(path),
        target.dns.patch(path, {"description": "x"}),
        target.dns.get(f"{path}/rrsets"),
        target.dns.get(f"{path}/changes"),
        target.dns.post(f"{path}/changes", {"additions": [rrset("a.example.", "A", 60, "192.0.2.1")]}),
    ):
        reply.refused(404, "notFound", message)


@fact("zones.list_by_dns_name", "D", "discovery document, managedZones.list")
def test_zones_by_dns_name(target: Target, own_zone: Zone) -> None:
    """managedZones.list with dnsName gives the zones of exactly that name."""
    body = target.dns.get("managedZones", dnsName=own_zone.dns_name).ok({"kind": "dns#managedZonesListResponse"})
    assert [zone["name"] for zone in body["managedZones"]] == [own_zone.name]
    parent = own_zone.dns_name.partition(".")[2]
    names = [zone["name"] for zone in target.dns.get("managedZones", dnsName=parent).ok()["managedZones"]]
    assert own_zone.name not in names


@fact("zones.list_pages", "D", "discovery document, managedZones.list")
def test_zones_in_pages(target: Target, zone: Zone, own_zone: Zone) -> None:
    """managedZones.list with maxResults=1 gives one zone and a nextPageToken that leads to the next."""
    first = target.dns.get("managedZones", maxResults=1).ok()
    second = target.dns.get("managedZones", maxResults=1, pageToken=first["nextPageToken"]).ok()
    assert len(first["managedZones"]) == len(second["managedZones"]) == 1
    assert first["managedZones"] != second["managedZones"]


@fact("zones.patch", "R", "recorded traffic, 2024")
def test_patch_answers_with_an_operation(own_zone: Zone) -> None:
    """Patching labels answers with an Operation: a UUID, done at once, zoneContext.oldValue and newValue."""
    operation = own_zone.wire.patch(own_zone.path, {"labels": {"stage": "two"}}).ok(
        {
            "kind": "dns#operation",
            "id": UUID,
            "startTime": INSTANT,
            "status": "done",
            "type": str,
            "user": str,
            "zoneContext": {"oldValue": {"name": own_zone.name}, "newValue": {"name": own_zone.name}},
        }
    )
    context = operation["zoneContext"]
    assert context["oldValue"]["labels"] == {"created-by": "mldns-verify"}
    assert context["newValue"]["labels"]["stage"] == "two"
    assert own_zone.wire.get(own_zone.path).ok()["labels"] == context["newValue"]["labels"]


@fact("zones.patch_merges_labels", "U", "the stand-in's guess, after the usual semantics of PATCH on a map")
def test_patch_and_other_labels(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """A patch of labels keeps the labels that it does not name."""
    own_zone.wire.patch(own_zone.path, {"labels": {"stage": "two"}}).ok()
    labels = own_zone.wire.get(own_zone.path).ok()["labels"]
    observed(labels)
    assert labels == {"created-by": "mldns-verify", "stage": "two"}


@fact("zones.patch_removes_label", "U", "the stand-in's guess, after RFC 7396")
def test_patch_of_a_label_to_null(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """A patch that sets a label to null removes it."""
    own_zone.wire.patch(own_zone.path, {"labels": {"created-by": None, "stage": "two"}}).ok()
    labels = own_zone.wire.get(own_zone.path).ok().get("labels")
    observed(labels)
    assert labels == {"stage": "two"}


@fact("zones.operations", "D", "discovery document, managedZoneOperations and managedZones.patch")
def test_an_operation_can_be_read_again(own_zone: Zone) -> None:
    """The Operation of a patch can be read again, and clientOperationId becomes its id."""
    ours = f"mldns-{secrets.token_hex(8)}"
    query = {"clientOperationId": ours}
    operation = own_zone.wire.request("PATCH", own_zone.path, {"description": "another"}, query=query).ok()
    assert operation["id"] == ours
    assert own_zone.wire.get(f"{own_zone.path}/operations/{ours}").ok()["id"] == ours
    listed = own_zone.wire.get(f"{own_zone.path}/operations").ok()["operations"]
    assert ours in [operation["id"] for operation in listed]


@fact("zones.namesakes", "D", "Google's page 'Overlapping zones'")
def test_two_zones_of_one_name(own_zone: Zone, zones: ScratchZones) -> None:
    """Two public zones may have one dnsName, and are then on different name servers."""
    namesake = zones.request(dnsName=own_zone.dns_name).ok()
    assert not set(namesake["nameServers"]) & set(own_zone.body["nameServers"])


@fact("zones.list_order", "U", "the stand-in's guess")
def test_the_order_of_zones(target: Target, zone: Zone, own_zone: Zone, observed: Callable[[object], None]) -> None:
    """managedZones.list is in the order of the zones' names."""
    listed = [listed["name"] for listed in target.dns.get("managedZones").ok()["managedZones"]]
    observed(listed[:10])
    assert {zone.name, own_zone.name} <= set(listed)
    assert listed == sorted(listed)


@fact("zones.update", "D", "discovery document, managedZones.update")
def test_update_replaces(own_zone: Zone) -> None:
    """A PUT of the whole zone changes its description and answers with an Operation."""
    whole = dict(own_zone.body) | {"description": "another"}
    own_zone.wire.put(own_zone.path, whole).ok({"kind": "dns#operation", "status": "done"})
    assert own_zone.wire.get(own_zone.path).ok()["description"] == "another"


@fact("zones.immutable", "R", "recorded traffic")
def test_the_dns_name_is_immutable(zone: Zone) -> None:
    """A patch of dnsName answers 400 immutableField."""
    reply = zone.wire.patch(zone.path, {"dnsName": f"other.{zone.dns_name}"})
    reply.refused(400, "immutableField", r"The field 'entity\.managedZone\.dnsName' cannot be modified\.")


@fact("zones.delete", "R", "recorded traffic, 2024")
def test_delete_answers_with_nothing(zones: ScratchZones) -> None:
    """Deleting a zone answers 200 with {}."""
    zone = zones.create()
    assert zone.wire.delete(zone.path).ok() == {}
    zone.wire.get(zone.path).refused(404, "notFound")


@fact("zones.delete_not_empty", "Q", "error bodies quoted in public issue threads")
def test_a_zone_with_records_stays(own_zone: Zone) -> None:
    """Deleting a zone that holds more than its apex answers 400 containerNotEmpty."""
    own_zone.add(rrset(own_zone.at("a"), "A", 60, "192.0.2.1"))
    message = (
        rf"The resource named '{own_zone.name}' cannot be deleted because it contains one or more 'resource records'\."
    )
    own_zone.wire.delete(own_zone.path).refused(400, "containerNotEmpty", message)


@fact(
    "zones.description_optional",
    "U",
    "the stand-in's guess: issues of 2016 to 2022 quote a 400, the discovery document requires nothing",
)
def test_a_description_is_optional(zones: ScratchZones) -> None:
    """A zone without description is created."""
    zones.request(visibility="private", description=None).ok()


@fact("zones.description_may_be_empty", "U", "the stand-in's guess")
def test_a_description_may_be_empty(zones: ScratchZones) -> None:
    """An empty description is not a missing one."""
    zones.request(visibility="private", description="").ok()


@fact("zones.reserved_name", "D", "Google's page 'Error messages'")
def test_a_top_level_domain_is_not_available(zones: ScratchZones) -> None:
    """A public zone called com. answers 400 managedZoneDnsNameNotAvailable."""
    zones.request(dnsName="com.").refused(400, "managedZoneDnsNameNotAvailable")


@fact(
    "zones.reserved_example",
    "U",
    "the stand-in's guess; terraform.test. was refused in 2017 (verifyManagedZoneDnsNameOwnership)",
)
def test_a_zone_under_example(zones: ScratchZones) -> None:
    """A public zone under the reserved .example. needs no proof of ownership."""
    zones.request(domain="example.").ok()


@fact("private.without_networks", "D", "Google's page 'Create a private zone'")
def test_a_private_zone_without_networks(private_zone: Zone) -> None:
    """A private zone may have no network at all."""
    assert private_zone.body["visibility"] == "private"


@fact("private.name_server", "D", "Google's page 'Name servers'")
def test_a_private_zone_has_one_name_server(private_zone: Zone) -> None:
    """A private zone names the single server ns-gcp-private.googledomains.com., in NS and SOA too."""
    server = "ns-gcp-private.googledomains.com."
    assert private_zone.body["nameServers"] == [server]
    ns, soa = private_zone.records()
    assert (ns["type"], ns["rrdatas"]) == ("NS", [server])
    assert soa["type"] == "SOA"
    assert soa["rrdatas"][0].startswith(f"{server} ")


@fact("private.networks", "D", "discovery document, ManagedZonePrivateVisibilityConfig")
def test_networks_come_back(target: Target, zones: ScratchZones) -> None:
    """The networks of a private zone come back in privateVisibilityConfig, and can be patched."""
    if target.network is None:
        pytest.skip("needs a network that zones may be bound to: NETWORK=https://www.googleapis.com/compute/v1/…")
    config = {"networks": [{"networkUrl": target.network}]}
    zone = zones.create(visibility="private", privateVisibilityConfig=config)
    expect(zone.body["privateVisibilityConfig"], config)
    zone.wire.patch(zone.path, {"privateVisibilityConfig": {"networks": []}}).ok({"kind": "dns#operation"})
    networks = zone.wire.get(zone.path).ok().get("privateVisibilityConfig", {}).get("networks", [])
    assert networks == []


@fact("private.network_taken", "U", "the stand-in's guess at the reason; that it is refused is documented")
def test_one_network_sees_one_zone_of_a_name(target: Target, zones: ScratchZones) -> None:
    """Two private zones of one dnsName cannot share a network: networkAlreadyBound."""
    if target.network is None:
        pytest.skip("needs a network that zones may be bound to: NETWORK=https://www.googleapis.com/compute/v1/…")
    config = {"networks": [{"networkUrl": target.network}]}
    zone = zones.create(visibility="private", privateVisibilityConfig=config)
    again = zones.request(visibility="private", dnsName=zone.dns_name, privateVisibilityConfig=config)
    again.refused(400, "networkAlreadyBound")
