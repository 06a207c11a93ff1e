"""Compute Engine's answers: which instances count, which address they have, and what Google is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.inventory.discovery import gce
from mldns.inventory.discovery.gce import AddressChoice

TRAINING = "https://www.googleapis.com/compute/v1/projects/p/global/networks/training"
STORAGE = "https://www.googleapis.com/compute/v1/projects/p/global/networks/storage-training"
TWO_NICS: dict[str, Any] = {
    "name": "w-0",
    "zone": "https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-a",
    "status": "RUNNING",
    "networkInterfaces": [
        {
            "network": TRAINING,
            "networkIP": "10.0.0.2",
            "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.9"}],
            "ipv6Address": "fd20::2",
        },
        {"network": STORAGE, "networkIP": "10.8.0.2"},
    ],
}
ONE_NIC = {**TWO_NICS, "networkInterfaces": TWO_NICS["networkInterfaces"][:1]}


def named(name: str, status: str = "RUNNING", last: int = 2, zone: str = "a") -> dict[str, Any]:
    return {
        "name": name,
        "zone": f"https://www.googleapis.com/compute/v1/projects/p/zones/{zone}",
        "status": status,
        "networkInterfaces": [{"network": TRAINING, "networkIP": f"10.0.0.{last}"}],
    }


@pytest.mark.parametrize(
    ("choice", "address"),
    [
        pytest.param({}, "10.0.0.2", id="interface 0, inside, IPv4"),
        pytest.param({"nic": 1}, "10.8.0.2", id="by number"),
        pytest.param({"network": "storage-training"}, "10.8.0.2", id="by the network's name"),
        pytest.param({"network": "training"}, "10.0.0.2", id="a name is a whole segment"),
        pytest.param({"network": "projects/p/global/networks/training"}, "10.0.0.2", id="by more of its URL"),
        pytest.param({"network": STORAGE}, "10.8.0.2", id="by all of it"),
        pytest.param({"external": True}, "203.0.113.9", id="outside, because it was asked for"),
        pytest.param({"family": "ipv6"}, "fd20::2", id="IPv6"),
    ],
)
def test_the_address_of_an_instance(choice: dict[str, Any], address: str) -> None:
    assert AddressChoice(**choice).of(TWO_NICS) == address


@pytest.mark.parametrize(
    ("choice", "instance", "refusal"),
    [
        ({"nic": 2}, TWO_NICS, "'w-0' has no interface with number 2; it has nic0 on training, nic1 on storage-train"),
        ({"network": "other"}, TWO_NICS, "has no interface on network 'other'"),
        ({"nic": 1, "external": True}, TWO_NICS, "nic1 has no external ipv4 address; it has internal ipv4 10.8.0.2"),
        ({"nic": 1, "family": "ipv6"}, TWO_NICS, "nic1 has no internal ipv6 address"),
        (
            {"network": "training"},
            {**TWO_NICS, "networkInterfaces": ONE_NIC["networkInterfaces"] * 2},
            "has several interfaces on network 'training'",
        ),
        ({}, {"name": "bare"}, "'bare' has no interface with number 0; it has none"),
    ],
)
def test_an_address_that_is_not_there_is_named(choice: dict[str, Any], instance: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        AddressChoice(**choice).of(instance)
    assert refusal in str(refused.value)


@pytest.mark.parametrize(("choice", "culprit"), [({"family": "ipx"}, "ipx"), ({"network": "n", "nic": 0}, "both")])
def test_a_choice_that_cannot_be_meant(choice: dict[str, Any], culprit: str) -> None:
    with pytest.raises(InvalidInput, match=culprit):
        AddressChoice(**choice)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"labels": {"job": "bert"}}, '(labels.job = "bert")'),
        ({"labels": {"pool": "", "job": "bert"}}, '(labels.job = "bert") (labels.pool:*)'),
        ({"names": "bert-worker-*"}, "name eq 'bert-worker-.*'"),
        ({"names": "bert-?", "labels": {"job": "bert"}}, '(labels.job = "bert")'),
        ({"text": "status = RUNNING"}, "status = RUNNING"),
        ({"text": "labels.job = bert", "names": "bert-*"}, "labels.job = bert"),
    ],
)
def test_what_google_is_asked_for(asked: dict[str, Any], sent: str) -> None:
    assert gce.list_filter(**{"labels": None, "names": "", "text": "", **asked}) == sent


@pytest.mark.parametrize(
    ("asked", "culprit"),
    [
        ({}, "say which instances"),
        ({"labels": {}}, "say which instances"),
        ({"labels": {"a": "b"}, "text": "name = x"}, "filter and labels both"),
        ({"labels": {"a": 'b" OR name:*'}}, "is no label"),
        ({"labels": {"a.b": "c"}}, "is no label"),
        ({"names": "bert.*"}, "'bert.*' is not a pattern"),
    ],
)
def test_a_filter_that_would_find_something_else(asked: dict[str, Any], culprit: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        gce.list_filter(**{"labels": None, "names": "", "text": "", **asked})
    assert culprit in str(refused.value)


def census(instances: list[dict[str, Any]], **asked: Any) -> Any:
    return gce.census(instances, source="instances", choice=AddressChoice(), **asked)


def test_only_what_runs_is_ready() -> None:
    found = census([named("w-10"), named("w-2", "STAGING"), named("w-1", "TERMINATED")])
    assert [host.name for host in found.ready] == ["w-10"]
    assert found.pending == ("w-1 (TERMINATED)", "w-2 (STAGING)")
    assert not found.complete
    passed = census([named("w-10"), named("w-1", "TERMINATED")], leave_out=True)
    assert passed.complete
    assert passed.left_out == ("w-1 (TERMINATED)",)


def test_a_pattern_holds_for_the_whole_name() -> None:
    names = ["bert-0", "bert-10", "albert-0", "bert-0-old"]
    found = census([named(name, last=number) for number, name in enumerate(names)], names="bert-?")
    assert [host.name for host in found.ready] == ["bert-0"]


def test_labels_and_beneath_them_metadata() -> None:
    items = [{"key": "rank", "value": "3"}, {"key": "role", "value": "meta"}]
    instance = {**named("w-0"), "labels": {"role": "ps"}, "metadata": {"items": items}}
    assert dict(census([instance]).ready[0].facts) == {"rank": "3", "role": "ps"}


@pytest.mark.parametrize(
    ("found", "expected", "complete", "may_come", "says"),
    [
        ([], None, False, False, "instances: nothing found; check the filter"),
        ([], 1, False, True, "instances: nothing found"),
        ([named("w-0")], None, True, False, ""),
        ([named("w-0")], 2, False, True, "instances: 1 ready, 2 expected"),
        ([named("w-0"), named("w-1", "STAGING")], None, False, True, "instances: 1 ready: w-1 (STAGING)"),
        ([named("w-0"), named("w-1", "STAGING")], 2, False, True, "instances: 1 ready, 2 expected: w-1 (STAGING)"),
        ([named("w-0"), named("w-1", "STAGING")], 1, False, True, "1 ready, 1 expected: w-1 (STAGING)"),
        ([named("w-0"), named("w-1")], 1, False, False, "2 ready, 1 expected (w-0, w-1): narrow the filter"),
        ([named("w-0"), named("w-1"), named("w-2", "STAGING")], 1, False, False, "2 ready, 1 expected (w-0, w-1)"),
    ],
)
def test_when_all_are_there(
    found: list[dict[str, Any]], expected: int | None, complete: bool, may_come: bool, says: str
) -> None:
    taken = census(found, expected=expected)
    assert (taken.complete, taken.may_come) == (complete, may_come)
    assert says in str(taken.incomplete())


def test_what_runs_and_has_no_address_yet_is_pending() -> None:
    bare = {**named("w-1"), "networkInterfaces": [{"network": TRAINING}]}
    for leave_out in (False, True):
        found = census([named("w-0"), bare], leave_out=leave_out)
        assert ([host.name for host in found.ready], found.pending) == (["w-0"], ("w-1 (RUNNING, no address yet)",))


@pytest.mark.parametrize(("choice", "doubtful"), [({}, True), ({"nic": 0}, True), ({"network": "training"}, False)])
def test_addresses_on_several_networks_are_doubtful(choice: dict[str, Any], doubtful: bool) -> None:
    turned = {**TWO_NICS, "name": "w-1", "networkInterfaces": TWO_NICS["networkInterfaces"][::-1]}
    (doubt,) = gce.census([TWO_NICS, turned], source="", choice=AddressChoice(**choice)).doubts or ("",)
    assert ("storage-training has w-1; training has w-0" in doubt) is doubtful


def member(name: str, action: str = "NONE", status: str = "RUNNING", zone: str = "a", **more: Any) -> dict[str, Any]:
    url = f"https://www.googleapis.com/compute/v1/projects/p/zones/{zone}/instances/{name}"
    return {"instance": url, "currentAction": action, "instanceStatus": status, **more}


def group_census(members: list[dict[str, Any]], instances: list[dict[str, Any]], expected: int) -> Any:
    return gce.group_census(members, instances, source="group", choice=AddressChoice(), expected=expected)


def test_members_that_are_meant_to_stand_by_are_no_workers() -> None:
    members = [
        member("w-0", targetStatus="RUNNING"),
        member("w-1", status="SUSPENDED", targetStatus="SUSPENDED"),
        member("w-2", action="STOPPING", targetStatus="STOPPED"),
        member("w-3", action="RESUMING", status="SUSPENDED", targetStatus="RUNNING"),
    ]
    instances = [named("w-0"), named("w-1", "SUSPENDED"), named("w-2"), named("w-3", "SUSPENDED")]
    found = group_census(members, instances, 2)
    assert [host.name for host in found.ready] == ["w-0"]
    assert found.pending == ("w-3 (SUSPENDED, RESUMING)",)
    assert found.left_out == ("w-1 (meant to be SUSPENDED)", "w-2 (meant to be STOPPED)")


def test_why_a_group_could_not_make_a_member() -> None:
    errors = [{"code": "QUOTA_EXCEEDED", "message": "Quota 'GPUS'\nexceeded. " + "x" * 500}]
    found = group_census([member("w-0", "CREATING", "", lastAttempt={"errors": {"errors": errors}})], [], 1)
    (line,) = found.pending
    assert line.startswith("w-0 (not there yet, CREATING, QUOTA_EXCEEDED: Quota 'GPUS' exceeded. xxx")
    assert len(line) < 200


def test_members_of_a_group_in_several_zones() -> None:
    members = [member("w-2", zone="b"), member("w-10", "CREATING", ""), member("w-1", "RECREATING"), member("w-3")]
    assert gce.zones_of(members) == ["a", "b"]
    instances = [named("w-2", last=2, zone="b"), named("w-2", last=3, zone="a"), named("w-1", last=1)]
    instances.append(named("w-3", "STOPPING"))
    found = group_census(members, instances, 4)
    assert [(host.name, host.place, host.address) for host in found.ready] == [("w-2", "b", "10.0.0.2")]
    assert found.pending == (
        "w-1 (RUNNING, RECREATING)",
        "w-3 (STOPPING)",
        "w-10 (not there yet, CREATING)",
    )


def test_a_zone_that_did_not_answer_is_named() -> None:
    scopes = {
        "zones/a": {"instances": []},
        "zones/b": {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
        "zones/c": {"warning": {"code": "UNREACHABLE"}},
    }
    assert gce.unreachable(scopes, ["https://compute/zones/d"]) == ["c", "d"]
