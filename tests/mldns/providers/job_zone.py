"""A job's records in the zone `ml-zone`, and what the zone holds: shared by the tests of its editor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import Cloud

DNS_NAME = "ml.example.com."
FIRST = Holder("job", "airflow/train", "run-1")
SECOND = replace(FIRST, lease="run-2")


def workers(count: int, *, network: str = "10.0", owner: str = "job") -> list[RRset]:
    addresses = [f"{network}.{rank // 250}.{rank % 250 + 1}" for rank in range(count)]
    return list(DesiredRecords.parse(workers=addresses, owner=owner, dns_name=DNS_NAME, ttl=30).rrsets)


def a(name: str, address: str = "192.0.2.1") -> RRset:
    return RRset(f"{name}.{DNS_NAME}", "A", 300, (address,))


def zone_content(client: DNSClient) -> dict[tuple[str, str], RRset]:
    """What the zone holds, without its apex and without manifests."""
    rrsets = [from_api(found) for found in client.list_rrsets("ml-zone")]
    return {r.key: r for r in rrsets if r.name != DNS_NAME and not r.name.startswith("_mldns.")}


def keyed(rrsets: list[RRset]) -> dict[tuple[str, str], RRset]:
    return {rrset.key: rrset for rrset in rrsets}


def writes(cloud: Cloud) -> int:
    return sum(cloud.stats().get("changes.create", {}).values())


class Racing:
    """A client before whose first change, or a later one, somebody else is faster."""

    def __init__(self, client: DNSClient, other: Callable[[], object], *, after: int = 0) -> None:
        self._client, self._other, self._changes_left = client, other, after

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def create_change(self, zone: str, change: Change) -> Resource:
        if self._changes_left == 0:
            self._other()
        self._changes_left -= 1
        return self._client.create_change(zone, change)
