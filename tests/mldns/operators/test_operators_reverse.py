"""PTR records beside the workers' names: written, proved against, released, and safe when half of it fails."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput, PermissionMissing, ZoneNotFound
from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSPreflightOperator,
    CloudDNSUpsertRecordsOperator,
)
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import Execute, connect, records, writes
from tests.mldns.providers.faulty_proxy import Fault, faulty_proxy

WHERE: dict[str, Any] = {"zone": "ml", "job": "bert", "reverse_zone": "reverse"}
JOB: dict[str, Any] = WHERE | {"workers": ["10.0.0.7", "10.0.0.8"]}
POINTERS = {
    "7.0.0.10.in-addr.arpa. PTR": ["worker-0.bert.ml.example.com."],
    "8.0.0.10.in-addr.arpa. PTR": ["worker-1.bert.ml.example.com."],
}


@pytest.fixture
def zones(connected: Cloud, execute: Execute) -> Cloud:
    for name, dns_name in (("ml", "ml.example.com."), ("reverse", "10.in-addr.arpa.")):
        execute(CloudDNSEnsureZoneOperator, zone=name, dns_name=dns_name, networks=[NETWORK])
    return connected


def pointers(cloud: Cloud) -> dict[str, list[str]]:
    """What the reverse zone holds beside manifests."""
    return {key: data for key, data in records(cloud, "reverse").items() if not key.endswith(" TXT")}


def test_pointers_come_with_the_names_and_go_with_them(zones: Cloud, execute: Execute) -> None:
    claimed = execute(CloudDNSClaimOperator, **JOB)
    assert claimed["reverse"] == {"zone": "reverse", "names": 2}
    assert records(zones, "reverse") == {}, "the setup is one change, in one zone"

    written = execute(CloudDNSUpsertRecordsOperator, **JOB)
    assert (written["created"], written["reverse"]["created"]) == (4, 2)
    assert pointers(zones) == POINTERS
    manifest = records(zones, "reverse")["_mldns.bert.10.in-addr.arpa. TXT"][0]
    assert '"in-addr.arpa=10.0.0.7-10.0.0.8"' in manifest
    assert f'"lease={written["lease"]}"' in manifest

    before = writes(zones)
    assert execute(CloudDNSUpsertRecordsOperator, **JOB)["reverse"]["unchanged"] == 2
    assert writes(zones) == before, "nothing to do is nothing written"

    released = execute(CloudDNSDeleteRecordsOperator, **WHERE)
    assert (released["deleted"], released["reverse"]["deleted"]) == (4, 2)
    assert records(zones) == records(zones, "reverse") == {}


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "outside": (
        {"workers": ["10.0.0.7", "192.168.0.8"]},
        InvalidInput,
        r"192\.168\.0\.8 of worker rank 1 lies outside",
    ),
    "no reverse zone": ({"reverse_zone": "ml"}, InvalidInput, "is no reverse zone"),
    "no zone": ({"reverse_zone": "nowhere"}, ZoneNotFound, "'nowhere' does not exist"),
    "no workers": (
        {"workers": None, "records": [{"name": "x.bert.ml.example.com.", "type": "A", "rrdatas": ["10.0.0.7"]}]},
        InvalidInput,
        "only workers get PTR records",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_them_is_said_before_anything_is_written(zones: Cloud, execute: Execute, wrong: str) -> None:
    changed, error, said = WRONG[wrong]
    before = writes(zones)
    for operator in (CloudDNSClaimOperator, CloudDNSUpsertRecordsOperator):
        with pytest.raises(error, match=said):
            execute(operator, **JOB | changed)
    with pytest.raises(error, match=said):
        execute(CloudDNSPreflightOperator, dns_name="ml.example.com.", networks=[NETWORK], **JOB | changed)
    assert writes(zones) == before


def test_the_preflight_shows_their_plan(zones: Cloud, execute: Execute) -> None:
    plan = execute(CloudDNSPreflightOperator, dns_name="ml.example.com.", networks=[NETWORK], **JOB)
    assert plan["reverse"]["counts"]["creates"] == 2
    assert plan["job"]["counts"]["creates"] == 4


def test_scattered_addresses_that_no_manifest_holds_are_refused_by_the_claim(zones: Cloud, execute: Execute) -> None:
    before = writes(zones)
    scattered = [f"10.{n // 250}.{n % 250}.7" for n in range(400)]
    with pytest.raises(InvalidInput, match=r"400 scattered addresses of job 'bert' take .* leave out reverse_zone"):
        execute(CloudDNSClaimOperator, **JOB | {"workers": scattered})
    assert writes(zones) == before


def test_names_without_pointers_are_finished_by_a_retry(
    zones: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty_proxy(zones.api) as proxy:
        proxy.faults.append(Fault(pattern="POST .*/reverse/changes", kind="status", status=403))
        connect(monkeypatch, zones, proxy.url)
        with pytest.raises(PermissionMissing):
            execute(CloudDNSUpsertRecordsOperator, **JOB)
    assert records(zones)["worker-0.bert.ml.example.com. A"] == ["10.0.0.7"]
    assert records(zones, "reverse") == {}
    connect(monkeypatch, zones)
    again = execute(CloudDNSUpsertRecordsOperator, **JOB)
    assert (again["created"], again["reverse"]["created"]) == (0, 2)
    assert pointers(zones) == POINTERS


@pytest.mark.parametrize("broken", ["ml", "reverse"])
def test_a_release_that_fails_in_one_zone_still_empties_the_other(
    zones: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    execute(CloudDNSUpsertRecordsOperator, **JOB)
    with faulty_proxy(zones.api) as proxy:
        proxy.faults.append(Fault(pattern=f"POST .*/{broken}/changes", kind="status", status=403))
        connect(monkeypatch, zones, proxy.url)
        with pytest.raises(PermissionMissing):
            execute(CloudDNSDeleteRecordsOperator, **WHERE)
    (other,) = {"ml", "reverse"} - {broken}
    assert records(zones, other) == {}
    assert records(zones, broken)
    connect(monkeypatch, zones)
    execute(CloudDNSDeleteRecordsOperator, **WHERE)
    assert records(zones) == records(zones, "reverse") == {}
