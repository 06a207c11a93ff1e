"""A zone holds 10,000 rrsets: what does not fit is refused before the first write, against a real localcloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import ChangeFailed, QuotaShort
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy
from tests.mldns.providers.job_zone import FIRST, a, workers, writes

# NS, SOA and the manifest are three; workers() adds one name, `master`, above 100 workers.
MOST = 10_000 - 3 - 1


def test_as_many_names_as_the_quota_leaves_room_for(editor: ZoneEditor) -> None:
    assert editor.upsert(workers(MOST), FIRST, "upsert-only").progress.created == 9_997
    assert editor.upsert(workers(MOST, network="10.9"), FIRST, "sync").progress.changed == 9_997


@pytest.mark.parametrize("count", [MOST + 1, MOST + 4, 12_000])
def test_one_name_more_is_refused_before_the_first_write(editor: ZoneEditor, cloud: Cloud, count: int) -> None:
    attempts = (
        lambda: editor.claim(workers(count), FIRST),
        lambda: editor.plan(workers(count), FIRST, "sync"),
        lambda: editor.upsert(workers(count), FIRST, "upsert-only"),
    )
    for attempt in attempts:
        with pytest.raises(QuotaShort) as refused:
            attempt()
        assert f"at least {count + 4:,} record sets, {count - MOST:,} more than" in str(refused.value)
    assert writes(cloud) == 0


def test_the_rest_of_a_listed_zone_counts(editor: ZoneEditor, client: DNSClient, cloud: Cloud) -> None:
    for start in range(0, 9_000, 1_000):
        client.create_change("ml-zone", Change(additions=tuple(a(f"host-{start + n}") for n in range(1_000))))
    before = writes(cloud)
    explicit = [a(f"s{number}") for number in range(20)]  # so many outside the subtree that the zone is listed whole
    with pytest.raises(QuotaShort, match="10,023 record sets, 23 more"):
        editor.upsert([*workers(999), *explicit], FIRST, "upsert-only")
    assert writes(cloud) == before
    assert editor.upsert([*workers(976), *explicit], FIRST, "upsert-only").progress.created == 997


def test_a_quota_that_cannot_be_read_is_left_to_google(
    editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy
) -> None:
    proxy.faults.append(Fault("GET .*/demo-project(\\?|$)", "status", status=403, count=9))
    blind = replace(editor, provider=CloudDNSProvider(make_client(proxy.url)))
    with pytest.raises(ChangeFailed, match="exceed quota for resource record sets per managed zone") as failed:
        blind.upsert(workers(MOST + 3), FIRST, "upsert-only")
    assert (failed.value.live, failed.value.missing) == (9_990, 10)
