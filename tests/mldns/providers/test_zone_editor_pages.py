"""A list of several pages is no snapshot: another writer of the same owner comes in between two pages of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import decode
from mldns.plan.batches import Change
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.errors import ApiRefused, Call
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import PROJECT, Cloud
from tests.mldns.providers.conftest import QUICK
from tests.mldns.providers.job_zone import DNS_NAME, FIRST, SECOND, a, keyed, workers, zone_content

SHARED = Holder("shared")


class Interrupted(DNSClient):
    """A client whose first list of several pages is interrupted once, behind its first page."""

    def __init__(self, cloud: Cloud, other: Callable[[], object], *, filters: bool = True) -> None:
        options = ClientOptions(api_endpoint=cloud.api)
        super().__init__(PROJECT, AnonymousCredentials(), client_options=options, retrying=QUICK)
        self.other, self.filters = other, filters

    def _request(self, method: str, *arguments: Any, **options: Any) -> Resource:
        query = options.get("query") or {}
        if "filter" in query and not self.filters:
            raise ApiRefused(Call(method, PROJECT), status=501, reason="notImplemented", message="no filters here")
        if "pageToken" in query:
            other, self.other = self.other, lambda: None
            other()
        return super()._request(method, *arguments, **options)


@pytest.fixture
def paged(start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("--page-size", "50", "--done-ms", "10")


@pytest.fixture
def other(paged: Cloud) -> ZoneEditor:
    """The other writer, and the zone it writes to."""
    client = Interrupted(paged, lambda: None)
    networks = [{"networkUrl": paged.network}]
    zone = {"name": "ml-zone", "dnsName": DNS_NAME, "visibility": "private", "description": "d"}
    client.create_zone({**zone, "privateVisibilityConfig": {"networks": networks}})
    return ZoneEditor(CloudDNSProvider(client), Zone("ml-zone", DNS_NAME), contention=QUICK)


def interrupted(editor: ZoneEditor, paged: Cloud, by: Callable[[], object], *, filters: bool = True) -> ZoneEditor:
    return replace(editor, provider=CloudDNSProvider(Interrupted(paged, by, filters=filters)))


def listed_by_its_manifest(client: DNSClient, owner: str) -> set[tuple[str, str]]:
    (found,) = client.list_rrsets("ml-zone", name=f"_mldns.{owner}.{DNS_NAME}")
    manifest = decode(from_api(found), owner=owner, dns_name=DNS_NAME)
    assert manifest is not None
    return set(manifest.names)


def test_records_of_the_own_job_are_no_conflict(other: ZoneEditor, paged: Cloud) -> None:
    """Page two shows what the manifest on page one does not tell of yet."""
    other.upsert(workers(120), FIRST, "upsert-only")
    editor = interrupted(other, paged, lambda: other.upsert(workers(200), SECOND, "upsert-only"))
    wanted = workers(200, network="10.3")
    editor.upsert(wanted, replace(FIRST, lease="run-3"), "upsert-only")
    assert zone_content(other.provider.client) == keyed(wanted)

    editor = interrupted(other, paged, lambda: other.upsert(workers(300), FIRST, "upsert-only"))
    assert editor.plan(workers(300), FIRST, "upsert-only").empty


@pytest.mark.parametrize("role", ["worker", "0"])
def test_no_record_is_forgotten(other: ZoneEditor, paged: Cloud, role: str) -> None:
    """`*` and workers whose role is a digit come before the manifest in the list."""

    def named(count: int) -> list[RRset]:
        inventory = [{"rank": n, "address": f"10.0.{n // 250}.{n % 250 + 1}", "role": role} for n in range(count)]
        return list(DesiredRecords.parse(workers=inventory, owner="job", dns_name=DNS_NAME, ttl=30).rrsets)

    client, first = other.provider.client, a("*.job")
    other.upsert(named(120), FIRST, "upsert-only")
    editor = interrupted(other, paged, lambda: other.upsert([first], FIRST, "upsert-only"))
    editor.upsert(named(130), FIRST, "upsert-only")
    assert listed_by_its_manifest(client, "job") == set(zone_content(client)) == set(keyed([*named(130), first]))


def test_no_record_is_forgotten_where_a_server_knows_no_filters(other: ZoneEditor, paged: Cloud) -> None:
    """`a` is listed before the zone's other names, its manifest behind them."""
    client = other.provider.client
    client.create_change("ml-zone", Change(additions=tuple(a(f"host-{number}") for number in range(100))))
    other.upsert([a("b")], SHARED, "upsert-only")
    both = [a("a"), a("b")]
    editor = interrupted(other, paged, lambda: other.upsert(both, SHARED, "upsert-only"), filters=False)
    editor.upsert([a("b"), a("c")], SHARED, "upsert-only")
    assert listed_by_its_manifest(client, "shared") == {a(name).key for name in "abc"}
