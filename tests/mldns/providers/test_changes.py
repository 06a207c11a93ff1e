"""Waiting until a change is done."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mldns.exceptions import CloudUnavailable
from mldns.plan.batches import Change
from mldns.providers.base import Zone
from mldns.providers.changes import wait_until_done
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient

CHANGE = Change(additions=(RRset("x.z.test.", "A", 30, ("10.0.0.1",)),))


def test_polling_slows_down_and_ends_soon_after_the_change_is_done(
    make_client: MakeClient, start_cloud: Callable[..., Cloud]
) -> None:
    slow = start_cloud("--done-ms", "1000")
    client = make_client(slow.api)
    provider, zone = CloudDNSProvider(client), Zone("z", "z.test.")
    client.create_zone({"name": "z", "dnsName": "z.test.", "description": "d"})
    sent = client.create_change("z", CHANGE)
    started = time.monotonic()
    assert wait_until_done(provider, zone, sent["id"], timeout=30, just_sent=True) == "done"
    assert 0.9 < time.monotonic() - started < 3
    assert slow.stats()["changes.get"]["200"] <= 4
    wait_until_done(provider, zone, sent["id"], timeout=30)
    assert slow.stats()["changes.get"]["200"] <= 5, "what is done already is asked for once"


def test_a_change_that_stays_pending_is_named(make_client: MakeClient, start_cloud: Callable[..., Cloud]) -> None:
    never = start_cloud("--done-ms", "600000")
    client = make_client(never.api)
    provider, zone = CloudDNSProvider(client), Zone("z", "z.test.")
    client.create_zone({"name": "z", "dnsName": "z.test.", "description": "d"})
    sent = client.create_change("z", CHANGE)
    with pytest.raises(CloudUnavailable, match="change 1 of zone 'z' is still pending after 1 s"):
        wait_until_done(provider, zone, sent["id"], timeout=0.6)
