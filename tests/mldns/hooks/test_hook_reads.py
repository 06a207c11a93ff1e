"""Reads scale with the job, not with the zone: calls of the hook, as localcloud counts them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.inventory.job_records import DesiredRecords
from mldns.plan.batches import Change
from mldns.providers.gcp.client import DNSClient
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.conftest import MakeHook, calls

JOB = {"owner": "bert", "claimant": "airflow/train", "lease": "run-1"}


def workers(count: int, dns_name: str, *, network: str = "10.0") -> list[RRset]:
    addresses = [f"{network}.{rank // 250}.{rank % 250 + 1}" for rank in range(count)]
    return list(DesiredRecords.parse(workers=addresses, owner="bert", dns_name=dns_name, ttl=30).rrsets)


def fill(client: DNSClient, zone: str, dns_name: str, count: int) -> None:
    """Foreign records, in as few changes as Google takes."""
    foreign = [RRset(f"host-{number}.{dns_name}", "A", 300, ("192.0.2.1",)) for number in range(count)]
    for start in range(0, count, 1_000):
        client.create_change(zone, Change(additions=tuple(foreign[start : start + 1_000])))


@pytest.fixture
def second(make_hook: MakeHook, start_cloud: Callable[..., Cloud]) -> tuple[CloudDNSHook, Cloud]:
    """A hook, and a server whose changes take a second until they are done, as Google's do."""
    cloud = start_cloud("--done-ms", "1000")
    return make_hook(dns_api_endpoint=cloud.api), cloud


def test_sixteen_names_among_9_900_foreign_ones_take_six_calls(second: tuple[CloudDNSHook, Cloud]) -> None:
    hook, cloud = second
    took: dict[str, int] = {}
    for zone, foreign in (("empty", 0), ("full", 9_900)):
        dns_name = f"{zone}.example.com."
        hook.ensure_zone(zone=zone, dns_name=dns_name, networks=["training"])
        fill(hook.dns_client("demo-project"), zone, dns_name, foreign)
        fresh = CloudDNSHook()  # as a task has it: it knows nothing of the zone yet
        before = calls(cloud)
        done = fresh.upsert_records(zone=zone, records=workers(16, dns_name), **JOB)
        took[zone] = calls(cloud) - before
        assert (done["created"], done["status"]) == (18, "done")
    assert took["full"] == took["empty"] <= 6, "zone, list, change, and what waiting for a second takes"


def test_a_job_as_large_as_the_zone_is_listed_a_thousand_a_page(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    wanted = workers(5_990, "ml.example.com.")
    hook.upsert_records(zone=zone, records=wanted, **JOB)
    before = cloud.stats()["resourceRecordSets.list"]["200"]
    assert hook.upsert_records(zone=zone, records=wanted, **JOB)["changes"] == 0
    assert cloud.stats()["resourceRecordSets.list"]["200"] - before == 6


def test_the_room_of_a_zone_is_told_where_it_was_listed(hook: CloudDNSHook, zone: str) -> None:
    shared = [RRset(f"s{number}.ml.example.com.", "A", 60, ("192.0.2.1",)) for number in range(20)]
    plan = hook.plan(zone=zone, records=shared, owner="shared")
    assert plan["room"] == {"rrsets": 2 + 20 + 1, "limit": 10_000, "headroom": 9_977}
    assert hook.plan(zone=zone, records=workers(16, "ml.example.com."), **JOB)["room"] is None
