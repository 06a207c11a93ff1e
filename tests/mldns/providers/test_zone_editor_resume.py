"""What is said after a failure, what a retry does, and that a wanted name is there at every moment of an apply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mldns.exceptions import ChangeFailed, CloudUnavailable, OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy
from tests.mldns.providers.job_zone import DNS_NAME, FIRST, Racing, a, keyed, workers, writes, zone_content
from tests.mldns.providers.test_ownership_under_fire import in_batches

HASTY = RetryPolicy(initial=0.01, maximum=0.02, deadline=0.3)


# -- what is live, what is not -----------------------------------------------------------------------------------------


def test_a_failure_names_what_is_live_and_what_is_not_and_the_retry_does_only_the_rest(
    editor: ZoneEditor, make_client: MakeClient, client: DNSClient, proxy: FaultyProxy, cloud: Cloud
) -> None:
    proxy.faults.append(Fault("POST .*/changes", "status", status=403, skip=2, count=9))
    with pytest.raises(ChangeFailed) as failed:
        in_batches(editor, client=make_client(proxy.url)).upsert(workers(12), FIRST, "upsert-only")
    error = failed.value
    assert (error.live, error.missing, error.in_doubt) == (8, 6, 0)
    assert set(error.live_names) <= {name for name, _ in zone_content(client)}
    assert not set(error.missing_names) & {name for name, _ in zone_content(client)}
    assert str(error).startswith(
        "zone 'ml-zone': 8 record changes are live (such as master.job.ml.example.com., worker-0.job.ml.example.com., "
        "worker-1.job.ml.example.com.), 6 are not (such as worker-7.job.ml.example.com., "
    )
    assert "\n" not in str(error)
    rest = in_batches(editor).upsert(workers(12), FIRST, "upsert-only")
    assert (rest.progress.created, len(rest.plan.unchanged)) == (6, 8)
    assert zone_content(client) == keyed(workers(12))


@pytest.mark.parametrize("kind", ["cut-before", "cut-after"])
def test_a_change_whose_answer_is_lost_for_good_is_told_as_in_doubt(
    editor: ZoneEditor, make_client: MakeClient, client: DNSClient, proxy: FaultyProxy, kind: str
) -> None:
    proxy.faults += [
        Fault("POST .*/changes", kind, skip=1),  # type: ignore[arg-type]
        Fault("GET .*/rrsets.*type=TXT", "status", count=99),
    ]
    shaky = in_batches(editor, client=make_client(proxy.url, retrying=HASTY))
    with pytest.raises(ChangeFailed, match=r"4 record changes are live .*, 6 are not .*, 4 may be live") as failed:
        shaky.upsert(workers(12), FIRST, "upsert-only")
    assert (failed.value.live, failed.value.missing, failed.value.in_doubt) == (4, 6, 4)
    assert len(zone_content(client)) == (4 if kind == "cut-before" else 8)
    in_batches(editor).upsert(workers(12), FIRST, "upsert-only")
    assert zone_content(client) == keyed(workers(12))


def test_where_nothing_was_sent_the_reason_alone_is_told(
    editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy
) -> None:
    proxy.faults.append(Fault("GET .*/rrsets", "status", status=503, count=99))
    with pytest.raises(CloudUnavailable, match=r"resourceRecordSets\.list"):
        replace(editor, provider=CloudDNSProvider(make_client(proxy.url, retrying=HASTY))).upsert(
            workers(3), FIRST, "sync"
        )


# -- never a moment without a wanted name ------------------------------------------------------------------------------


class Watched:
    """A client that looks at the zone behind each of its changes."""

    def __init__(self, client: DNSClient) -> None:
        self._client = client
        self.seen: list[dict[tuple[str, str], RRset]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def create_change(self, zone: str, change: Change) -> Resource:
        answer = self._client.create_change(zone, change)
        self.seen.append(zone_content(self._client))
        return answer


def aliases(count: int) -> list[RRset]:
    """The workers' names as CNAMEs: what stood there must go in the very change in which they come."""
    return [RRset(f"worker-{n}.job.{DNS_NAME}", "CNAME", 30, (f"host-{n}.{DNS_NAME}",)) for n in range(count)]


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(workers(12), workers(12, network="10.9"), id="all addresses change"),
        pytest.param(workers(12), workers(20, network="10.9"), id="more workers, other addresses"),
        pytest.param(workers(20), workers(7), id="fewer workers"),
        pytest.param(workers(12), aliases(12), id="addresses become aliases"),
        pytest.param(aliases(12), workers(12), id="aliases become addresses"),
    ],
)
def test_a_sync_never_leaves_a_moment_in_which_a_wanted_name_does_not_exist(
    editor: ZoneEditor, client: DNSClient, before: list[RRset], wanted: list[RRset]
) -> None:
    editor.upsert(before, FIRST, "sync")
    kept = {rrset.name for rrset in before} & {rrset.name for rrset in wanted}
    watched = Watched(client)
    in_batches(editor, client=watched).upsert(wanted, FIRST, "sync")
    assert len(watched.seen) >= 3
    for moment in watched.seen:
        assert kept <= {name for name, _ in moment}
    assert watched.seen[-1] == keyed(wanted)


# -- a routing policy made by hand -------------------------------------------------------------------------------------


class Routed:
    """A client that sees a routing policy where `name` is: the stand-in keeps none, Google lists it without rrdatas."""

    def __init__(self, client: DNSClient, name: str) -> None:
        self._client, self._name = client, name

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def list_rrsets_below(self, *arguments: object, **options: object) -> Iterator[Resource]:
        for resource in self._client.list_rrsets_below(*arguments, **options) or ():  # type: ignore[arg-type]
            if resource["name"] == self._name:
                geo = {"items": [{"location": "europe-west4", "rrdatas": resource.pop("rrdatas")}]}
                resource["routingPolicy"] = {"geo": geo}
            yield resource


def test_a_record_that_became_a_routing_policy_is_refused_at_once_and_by_name(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    routed = replace(editor, provider=CloudDNSProvider(Routed(client, "worker-1.job.ml.example.com.")))
    before = writes(cloud)
    with pytest.raises(OwnershipConflict, match=r"worker-1\.job\.ml\.example\.com\. A \(a routing policy answers"):
        routed.upsert(workers(3), FIRST, "upsert-only")
    assert writes(cloud) == before

    assert routed.upsert([workers(3)[0]], FIRST, "sync").progress.deleted == 3, "it is left alone, the rest goes"
    assert routed.release(Holder("job", lease="run-1")).progress.deleted == 1
    assert "1 record(s) of job, made routing policies by hand" in caplog.text
    assert list(zone_content(client)) == [("worker-1.job.ml.example.com.", "A")]


# -- a project of lower limits -----------------------------------------------------------------------------------------


def test_a_small_job_fits_into_a_project_of_small_changes(
    editor: ZoneEditor, client: DNSClient, make_client: MakeClient, start_small: Cloud
) -> None:
    """A small plan goes by Google's documented limits, without asking; this project refuses that, and is asked then."""
    small = make_client(start_small.api)
    small.create_zone({"name": "ml-zone", "dnsName": DNS_NAME, "description": "d"})
    applied = replace(editor, provider=CloudDNSProvider(small)).upsert(workers(16), FIRST, "upsert-only")
    assert zone_content(small) == keyed(workers(16))
    assert applied.progress.changes == 5
    assert start_small.stats()["changes.create"] == {"200": 5, "403": 1}


@pytest.fixture
def start_small(start_cloud: object) -> Cloud:
    flags = ("--quota", "rrsetAdditionsPerChange=5", "--quota", "rrsetDeletionsPerChange=5")
    return start_cloud(*flags)  # type: ignore[operator, no-any-return]


def test_a_foreign_record_in_the_middle_of_an_apply_is_named_beside_what_is_live(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    theirs = a("worker-9.job", "203.0.113.5")
    racing = Racing(make_client(), lambda: client.create_change("ml-zone", Change(additions=(theirs,))), after=2)
    with pytest.raises(ChangeFailed, match=r"8 record changes are live .*worker-9\.job.*owner unknown"):
        in_batches(editor, client=racing).upsert(workers(12), FIRST, "upsert-only")
    assert zone_content(client)[theirs.key] == theirs
