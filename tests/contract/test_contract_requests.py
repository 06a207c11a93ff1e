"""Facts about requests and answers in general: how a zone is addressed, what is decoded, ignored, always there."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from tests.contract.facts import fact
from tests.contract.scratch import Zone, rrset
from tests.contract.shapes import UINT64, Closed, expect
from tests.contract.target import Target


@fact("errors.envelope", "R", "recorded traffic, 2024")
def test_an_error_has_no_status(target: Target) -> None:
    """An error body of Cloud DNS has code, message and errors[] of message, domain, reason, and no status."""
    message = "The 'parameters.managedZone' resource named 'mldns-verify-absent' does not exist."
    entry = Closed({"message": message, "domain": "global", "reason": "notFound"})
    reply = target.dns.get("managedZones/mldns-verify-absent")
    expect(reply.body, Closed({"error": Closed({"code": 404, "message": message, "errors": [entry]})}))


@fact("zones.name_or_id", "D", "REST reference, parameter managedZone")
def test_a_zone_answers_to_its_id(zone: Zone) -> None:
    """Every method takes a zone's name or its numeric id."""
    by_id = f"managedZones/{zone.body['id']}"
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    assert zone.wire.get(by_id).ok()["name"] == zone.name
    change = zone.wire.post(f"{by_id}/changes", {"additions": [record]}).ok()
    assert zone.wire.get(f"{by_id}/changes/{change['id']}").ok()["id"] == change["id"]
    assert zone.wire.get(f"{by_id}/rrsets", name=record["name"]).ok()["rrsets"]
    assert zone.wire.get(f"{by_id}/rrsets/{record['name']}/A").ok()["rrdatas"] == ["192.0.2.1"]
    assert "etag" in zone.wire.post(f"{by_id}:getIamPolicy", {}).ok()


@fact("requests.system_parameters", "D", "discovery document, parameters")
def test_system_parameters_change_nothing(zone: Zone) -> None:
    """alt, prettyPrint and $alt change nothing about a JSON answer's content."""
    plain = zone.wire.get(zone.path).ok()
    assert zone.wire.get(zone.path, alt="json", prettyPrint="false", **{"$alt": "json;enum-encoding=int"}).ok() == plain


@fact("requests.unknown_body_keys", "U", "the stand-in's guess")
def test_unknown_keys_are_tolerated(zone: Zone) -> None:
    """Keys that the API does not know are tolerated in a body."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1") | {"colour": "green"}
    zone.wire.post(f"{zone.path}/changes", {"additions": [record], "purpose": "test"}).ok()


@fact("lists.never_without_their_list", "R", "recorded traffic, 2024; certbot indexes it blindly")
def test_lists_carry_their_list(target: Target, zone: Zone) -> None:
    """A list answer carries its list even when it is empty."""
    assert target.dns.get("managedZones", dnsName=f"absent.{zone.dns_name}").ok()["managedZones"] == []
    assert zone.page(name=zone.at("absent")).ok()["rrsets"] == []
    assert isinstance(zone.wire.get(f"{zone.path}/changes").ok()["changes"], list)


@fact("requests.percent_encoding", "D", "RFC 3986")
def test_paths_are_percent_decoded(zone: Zone) -> None:
    """Names in paths are percent-decoded: %2A.z. is the wildcard."""
    wildcard = zone.at("*")
    zone.add(rrset(wildcard, "A", 60, "192.0.2.1"))
    path = f"{zone.path}/rrsets/{quote(wildcard, safe='')}/A"
    assert "%2A" in path
    assert zone.wire.get(path).ok()["name"] == wildcard


@fact("projects.quota", "D", "Google's page 'Quotas and limits'; discovery document, Quota")
def test_the_project_says_its_limits(target: Target, observed: Callable[[object], None]) -> None:
    """projects.get gives the limits: at least 10,000 zones and rrsets, 1,000 edits and 100,000 bytes a change."""
    body = target.dns.get("").ok({"kind": "dns#project", "id": target.project, "number": UINT64})
    at_least = {
        "managedZones": 10_000,
        "rrsetsPerManagedZone": 10_000,
        "rrsetAdditionsPerChange": 1_000,
        "rrsetDeletionsPerChange": 1_000,
        "totalRrdataSizePerChange": 100_000,
        "resourceRecordsPerRrset": 100,
    }
    expect(body["quota"], {"kind": "dns#quota"} | dict.fromkeys(at_least, int))
    observed({key: body["quota"][key] for key in at_least})
    assert {key: body["quota"][key] for key, least in at_least.items() if body["quota"][key] < least} == {}
