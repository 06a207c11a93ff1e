"""The Cloud DNS client against a real localcloud over HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from mldns.exceptions import CloudUnavailable, ZoneNotFound
from mldns.plan.batches import Change
from mldns.providers.errors import AlreadyExists, AnswerLost, ApiRefused, ZoneMoved
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy, faulty_proxy


def a(name: str, *addresses: str, ttl: int = 30) -> RRset:
    return RRset(f"{name}.ml.example.com.", "A", ttl, addresses or ("10.0.0.1",))


def names(resources: list[Resource]) -> list[str]:
    return [resource["name"] for resource in resources]


def test_a_private_zone_with_labels_is_made_read_changed_and_deleted(client: DNSClient, cloud: Cloud) -> None:
    made = client.create_zone(
        {
            "name": "jobs",
            "dnsName": "jobs.test.",
            "visibility": "private",
            "description": "d",
            "labels": {"team": "ml"},
            "privateVisibilityConfig": {"networks": [{"networkUrl": cloud.network}]},
        }
    )
    assert made["visibility"] == "private"
    assert client.get_zone("jobs")["labels"] == {"team": "ml"}
    assert client.get_zone(made["id"])["name"] == "jobs", "the API takes the numeric id for the name"
    assert [zone["name"] for zone in client.list_zones(dns_name="jobs.test.")] == ["jobs"]
    with pytest.raises(AlreadyExists):
        client.create_zone({"name": "jobs", "dnsName": "other.test.", "description": "d"})
    assert client.delete_zone("jobs") is True
    assert client.delete_zone("jobs") is False
    assert client.find_zone("jobs") is None


def test_a_zone_that_is_not_there_is_named_with_the_way_out(client: DNSClient) -> None:
    with pytest.raises(ZoneNotFound, match=r"'nowhere' does not exist in 'demo-project'; make it"):
        list(client.list_rrsets("nowhere"))
    with pytest.raises(ZoneNotFound):
        client.create_change("nowhere", Change(additions=(a("x"),)))


def test_a_server_that_refuses_the_filter_is_asked_for_everything(
    make_client: MakeClient, zone: Resource, proxy: FaultyProxy
) -> None:
    here = a("worker-0.job")
    make_client().create_change("ml-zone", Change(additions=(here, a("x.otherjob"))))
    proxy.faults.append(Fault(r"GET .*filter=", "status", status=400))
    below = make_client(proxy.url).list_rrsets_below("ml-zone", "job.ml.example.com.")
    assert [from_api(found) for found in below] == [here]


def test_pages_are_followed_whatever_their_size(make_client: MakeClient, start_cloud: object) -> None:
    small = start_cloud("--page-size", "7")  # type: ignore[operator]
    client = make_client(small.api)
    client.create_zone({"name": "z", "dnsName": "z.test.", "description": "d"})
    wanted = tuple(RRset(f"w-{rank}.z.test.", "A", 30, ("10.0.0.1",)) for rank in range(40))
    client.create_change("z", Change(additions=wanted))
    listed = list(client.list_rrsets("z"))
    assert len(listed) == len({(found["name"], found["type"]) for found in listed}) == 42
    assert small.stats()["resourceRecordSets.list"] == {"200": 6}


@pytest.mark.parametrize(
    ("change", "status", "key"),
    [
        (Change(additions=(a("new"), a("x"))), 409, ("x.ml.example.com.", "A")),
        (Change(deletions=(a("x", ttl=99),)), 412, ("x.ml.example.com.", "A")),
        (Change(deletions=(a("x"), a("gone"))), 404, ("gone.ml.example.com.", "A")),
    ],
)
def test_a_zone_that_moved_on_is_told_from_other_refusals_and_names_the_record(
    client: DNSClient, zone: Resource, change: Change, status: int, key: tuple[str, str]
) -> None:
    client.create_change("ml-zone", Change(additions=(a("x"),)))
    with pytest.raises(ZoneMoved) as moved:
        client.create_change("ml-zone", change)
    assert str(status) in str(moved.value)
    assert moved.value.keys == (key,)


def test_a_bad_record_is_refused_with_its_name(client: DNSClient, zone: Resource) -> None:
    with pytest.raises(ApiRefused, match=r"bad\.ml\.example\.com\. A") as refused:
        client.create_change("ml-zone", Change(additions=(a("good"), a("bad", "300.1.1.1"))))
    assert refused.value.status == 400
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["cut-before", "cut-after", "status", "status-after"])
def test_a_change_without_an_answer_is_never_sent_again_unasked(
    make_client: MakeClient, zone: Resource, proxy: FaultyProxy, kind: str
) -> None:
    proxy.faults.append(Fault("POST .*/changes", kind))  # type: ignore[arg-type]
    with pytest.raises(AnswerLost, match=r"changes\.create of zone 'ml-zone' of project 'demo-project' was lost"):
        make_client(proxy.url).create_change("ml-zone", Change(additions=(a("x"),)))
    assert proxy.sent("POST .*/changes") == 1


def test_a_change_that_reached_nobody_is_sent_again(make_client: MakeClient, zone: Resource, cloud: Cloud) -> None:
    """Nothing listens at first, so nothing can have been applied."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with contextlib.ExitStack() as stack:
        late = threading.Timer(0.3, lambda: stack.enter_context(faulty_proxy(cloud.api, port)))
        late.start()
        client = make_client(f"http://127.0.0.1:{port}", retrying=RetryPolicy(0.1, 0.2, deadline=10))
        assert client.create_change("ml-zone", Change(additions=(a("x"),)))["id"] == "1"
        late.join()
    assert cloud.stats()["changes.create"] == {"200": 1}


def test_when_the_deadline_is_over_one_line_says_so(make_client: MakeClient, proxy: FaultyProxy) -> None:
    proxy.faults.append(Fault("GET", "status", status=503, count=1000))
    client = make_client(proxy.url, retrying=RetryPolicy(initial=0.05, maximum=0.05, deadline=0.3))
    with pytest.raises(CloudUnavailable, match=r"managedZones\.get .* failed \d+ time\(s\) in 0 s, last with HTTP 503"):
        client.get_zone("ml-zone")
    assert proxy.sent("GET") > 2
