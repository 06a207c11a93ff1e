"""The editor over a real HTTP API: lost answers, refusals, and how many calls an edit costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mldns.exceptions import OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy
from tests.mldns.providers.job_zone import FIRST, a, content, keyed, workers


@pytest.fixture
def shaky(editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy) -> ZoneEditor:
    """The editor, reaching the API through the proxy."""
    return replace(editor, provider=CloudDNSProvider(make_client(proxy.url)))


def total(cloud: Cloud) -> int:
    return sum(count for answers in cloud.stats().values() for count in answers.values())


def test_a_foreign_record_in_the_way_is_refused_as_the_server_says_it(editor: ZoneEditor, client: DNSClient) -> None:
    theirs = a("worker-2.job", "203.0.113.5")
    applied = client.create_change

    def faster(zone: str, change: Change) -> object:
        client.create_change = applied
        applied("ml-zone", Change((theirs,)))
        return applied(zone, change)

    client.create_change = faster
    with pytest.raises(OwnershipConflict):
        editor.upsert(workers(3), FIRST, "upsert-only")
    assert content(editor) == {theirs.key: theirs}


def test_a_server_without_filters_is_listed_whole(shaky: ZoneEditor, client: DNSClient, proxy: FaultyProxy) -> None:
    client.create_change("ml-zone", Change(additions=(a("foreign"),)))
    proxy.faults.append(Fault("GET .*filter=", "status", status=501, count=99))
    shaky.upsert([*workers(3), a("service")], FIRST, "upsert-only")
    assert shaky.upsert([*workers(3), a("service")], FIRST, "upsert-only").plan.empty
    with pytest.raises(OwnershipConflict):
        shaky.upsert([a("foreign", "10.0.0.9")], FIRST, "upsert-only")
    assert shaky.release(FIRST).progress.deleted == 6
    assert content(shaky) == keyed([a("foreign")])


def test_what_edits_cost(editor: ZoneEditor, client: DNSClient, cloud: Cloud) -> None:
    """In calls, in a zone of two pages."""
    for start in (0, 1_000):
        client.create_change("ml-zone", Change(additions=tuple(a(f"host-{start + n}") for n in range(1_000))))

    def calls(edit: Callable[[], object]) -> int:
        before = total(cloud)
        edit()
        return total(cloud) - before

    service = a("service")
    assert calls(lambda: editor.upsert(workers(16), FIRST, "upsert-only")) == 2, "one filtered list, one change"
    assert calls(lambda: editor.renew(replace(FIRST, expires=2_000_000_000))) == 2
    assert calls(lambda: editor.upsert([*workers(16), service], FIRST, "upsert-only")) == 4, "the name, whose it is"
    assert calls(lambda: editor.upsert([*workers(16), service], FIRST, "upsert-only")) == 2, "nothing is touched"
    explicit, shared = [a(f"svc-{number}") for number in range(30)], Holder("shared")
    editor.upsert(explicit, shared, "upsert-only")
    assert calls(lambda: editor.upsert(explicit, shared, "upsert-only")) == 4, "its own names, and the whole zone"
