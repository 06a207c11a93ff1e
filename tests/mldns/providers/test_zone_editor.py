"""Editing a zone for one owner, against a real localcloud: leases, conflicts, lost answers, other writers."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import pytest

from mldns.exceptions import ChangeFailed, ClaimRefused, MldnsError, OwnershipConflict, PlanChanged
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import decode
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider, zone_of
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.faulty_proxy import Fault, FaultyProxy
from tests.mldns.providers.job_zone import DNS_NAME, FIRST, SECOND, Racing, a, keyed, workers, writes, zone_content


@pytest.fixture
def shaky(editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy) -> ZoneEditor:
    """The editor, reaching the API through the proxy."""
    return replace(editor, provider=CloudDNSProvider(make_client(proxy.url)))


def test_a_job_is_written_read_back_and_released(editor: ZoneEditor, client: DNSClient) -> None:
    desired = workers(3)
    applied = editor.upsert(desired, FIRST, "upsert-only")
    assert zone_content(client) == keyed(desired)
    assert (applied.progress.created, applied.progress.changed, applied.progress.deleted) == (5, 0, 0)
    assert applied.manifest is not None
    assert applied.manifest.generation == 1
    released = editor.release(Holder("job", lease="run-1"))
    assert (released.overtaken_by, released.progress.deleted) == (None, 5)
    left = [from_api(found).type for found in client.list_rrsets("ml-zone")]
    assert sorted(left) == ["NS", "SOA"]


def test_an_unchanged_job_makes_no_write(editor: ZoneEditor, cloud: Cloud) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    before = writes(cloud)
    again = editor.upsert(workers(3), FIRST, "upsert-only")
    assert again.plan.empty
    assert len(again.plan.unchanged) == 5
    assert again.progress.changes == 0
    assert again.manifest is not None
    assert again.manifest.generation == 1
    assert writes(cloud) == before


def test_a_small_job_takes_at_most_six_calls_in_a_large_zone(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    foreign = [a(f"host-{number}") for number in range(2_000)]
    for start in (0, 1_000):
        client.create_change("ml-zone", Change(additions=tuple(foreign[start : start + 1_000])))
    cloud_calls = _total(cloud)
    editor.upsert(workers(16), FIRST, "upsert-only")
    assert _total(cloud) - cloud_calls <= 3  # one filtered list, one change; a hook adds the zone and the polls


def _total(cloud: Cloud) -> int:
    return sum(count for answers in cloud.stats().values() for count in answers.values())


def test_addresses_change_in_place_and_sync_removes_what_is_no_longer_wanted(
    editor: ZoneEditor, client: DNSClient
) -> None:
    editor.upsert(workers(4), FIRST, "upsert-only")
    moved = workers(3, network="10.9")
    kept = editor.upsert(moved, FIRST, "upsert-only")
    assert (kept.progress.created, kept.progress.changed, kept.progress.deleted) == (0, 5, 0)
    assert ("worker-3.job.ml.example.com.", "A") in zone_content(client)
    synced = editor.upsert(moved, FIRST, "sync")
    assert (synced.progress.changed, synced.progress.deleted) == (0, 1)
    assert zone_content(client) == keyed(moved)


def test_many_records_go_in_batches_that_each_swap_the_manifest(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    desired = workers(2_500)
    applied = editor.upsert(desired, FIRST, "upsert-only")
    assert zone_content(client) == keyed(desired)
    assert (applied.progress.created, applied.progress.changes) == (2_501, 3)
    changes = [change for change in client.newest_changes("ml-zone", page_size=10) if change["id"] != "0"]
    manifest_of = [[r for r in change["additions"] if r["name"].startswith("_mldns.")] for change in changes]
    assert [len(found) for found in manifest_of] == [1, 1, 1]
    assert applied.manifest is not None
    assert applied.manifest.generation == 3


def test_the_live_quota_bounds_the_batches(
    editor: ZoneEditor, client: DNSClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "quota", lambda: {"rrsetAdditionsPerChange": 101, "rrsetDeletionsPerChange": 101})
    applied = editor.upsert(workers(350), FIRST, "upsert-only")
    assert applied.progress.changes == 4


def test_explicit_names_outside_the_owners_subtree_are_owned_too(editor: ZoneEditor, client: DNSClient) -> None:
    service = a("service")
    shared = Holder("shared")
    editor.upsert([service], shared, "upsert-only")
    assert editor.upsert([service], shared, "upsert-only").plan.empty
    editor.upsert([replace(service, ttl=60)], shared, "upsert-only")
    assert zone_content(client) == {service.key: replace(service, ttl=60)}
    assert editor.release(Holder("shared", lease="")).progress.deleted == 1


def test_a_record_of_somebody_else_is_refused_by_name_and_nothing_is_written(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    foreign = a("worker-1.job", "203.0.113.9")
    client.create_change("ml-zone", Change(additions=(foreign,)))
    before = writes(cloud)
    with pytest.raises(OwnershipConflict) as refused:
        editor.upsert(workers(3), FIRST, "sync")
    assert [(c.name, c.type, c.owner) for c in refused.value.conflicts] == [(*foreign.key, None)]
    assert zone_content(client) == {foreign.key: foreign}
    assert writes(cloud) == before


@pytest.mark.parametrize(
    ("marker", "owner"),
    [
        (
            RRset(
                f"a-www.{DNS_NAME}", "TXT", 300, ('"heritage=external-dns,external-dns/owner=k8s,external-dns/r=x"',)
            ),
            "external-dns 'k8s'",
        ),
        (
            RRset(f"www.{DNS_NAME}", "TXT", 300, ('"heritage=external-dns,external-dns/owner=old"',)),
            "external-dns 'old'",
        ),
        (RRset(f"_owner.a.www.{DNS_NAME}", "TXT", 60, ('"*octodns*"',)), "octoDNS"),
    ],
)
def test_the_owner_of_a_conflicting_record_is_named_where_a_marker_tells(
    editor: ZoneEditor, client: DNSClient, marker: RRset, owner: str
) -> None:
    client.create_change("ml-zone", Change(additions=(a("www"), marker)))
    with pytest.raises(OwnershipConflict, match=r"www\.ml\.example\.com\. A \(owned by ") as refused:
        editor.upsert([a("www", "10.0.0.1")], Holder("shared"), "upsert-only")
    assert refused.value.conflicts[0].owner == owner


def test_a_record_of_another_job_is_refused_with_that_jobs_name(editor: ZoneEditor) -> None:
    editor.upsert([a("service")], FIRST, "upsert-only")
    with pytest.raises(OwnershipConflict, match="mldns job 'job'"):
        editor.upsert([a("service", "10.0.0.2")], Holder("other", "airflow/train", "run-9"), "upsert-only")


def test_a_plan_shows_the_conflicts_without_raising(editor: ZoneEditor, client: DNSClient, cloud: Cloud) -> None:
    client.create_change("ml-zone", Change(additions=(a("worker-1.job"),)))
    before = writes(cloud)
    plan = editor.plan(workers(3), FIRST, "upsert-only")
    assert [conflict.name for conflict in plan.conflicts] == ["worker-1.job.ml.example.com."]
    assert len(plan.creates) == 4
    assert writes(cloud) == before


def test_the_plan_that_was_reviewed_is_the_one_that_is_applied(editor: ZoneEditor) -> None:
    digest = editor.plan(workers(3), FIRST, "upsert-only").digest
    with pytest.raises(PlanChanged):
        editor.upsert(workers(4), FIRST, "upsert-only", reviewed=digest)
    assert editor.upsert(workers(3), FIRST, "upsert-only", reviewed=digest).progress.created == 5


def test_the_late_release_of_the_first_run_leaves_every_name_of_the_second(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    second = workers(3, network="10.2")
    editor.upsert(second, SECOND, "upsert-only")
    before = writes(cloud)
    with caplog.at_level(logging.WARNING):
        late = editor.release(Holder("job", lease="run-1"))
    assert (late.overtaken_by, late.progress.deleted) == ("run-2", 0)
    assert "lease run-2 has job" in caplog.text
    assert zone_content(client) == keyed(second)
    assert writes(cloud) == before
    assert editor.release(Holder("job", lease="run-2")).progress.deleted == 5
    assert zone_content(client) == {}
    assert editor.release(Holder("job", lease="run-2")).overtaken_by is None, "nothing claimed is nothing to do"


def test_a_lease_that_promised_an_end_keeps_another_one_off_until_its_run_is_over(
    editor: ZoneEditor, client: DNSClient
) -> None:
    lasting = replace(FIRST, expires=int(editor.now()) + 3600)
    editor.upsert(workers(2), lasting, "upsert-only")
    with pytest.raises(ClaimRefused, match="run-1"):
        editor.upsert(workers(2, network="10.2"), SECOND, "upsert-only")
    with pytest.raises(ClaimRefused):
        editor.claim(workers(2), SECOND)
    assert zone_content(client) == keyed(workers(2))
    editor.upsert(workers(2, network="10.2"), replace(SECOND, lease_ended=True), "upsert-only")
    assert zone_content(client) == keyed(workers(2, network="10.2"))


def test_another_claimant_is_refused_unless_it_adopts(editor: ZoneEditor) -> None:
    editor.upsert(workers(2), FIRST, "upsert-only")
    stranger = Holder("job", "elsewhere/train", "run-7")
    with pytest.raises(ClaimRefused, match=r"airflow/train.*adopt=True"):
        editor.upsert(workers(2), stranger, "upsert-only")
    assert editor.upsert(workers(2), replace(stranger, adopt=True), "upsert-only").plan.empty


def test_a_claim_writes_the_manifest_alone_and_owns_nothing_it_did_not_write(
    editor: ZoneEditor, client: DNSClient
) -> None:
    claimed = editor.claim(workers(3), FIRST)
    assert zone_content(client) == {}
    assert claimed.manifest is not None
    assert len(claimed.manifest.pending) == 5
    foreign = a("worker-0.job", "203.0.113.7")
    client.create_change("ml-zone", Change(additions=(foreign,)))
    with pytest.raises(OwnershipConflict):
        editor.upsert(workers(3), FIRST, "upsert-only")
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == 0
    assert zone_content(client) == {foreign.key: foreign}


def test_a_public_zone_shows_neither_run_nor_claimant(client: DNSClient) -> None:
    public = client.create_zone({"name": "open", "dnsName": "open.test.", "visibility": "public", "description": "d"})
    editor = ZoneEditor(CloudDNSProvider(client), zone_of(public))
    desired = list(DesiredRecords.parse(workers=["192.0.2.7"], owner="job", dns_name="open.test.", ttl=60).rrsets)
    editor.upsert(desired, FIRST, "upsert-only")
    manifest = editor.reader.manifest("job")
    assert manifest[0] is not None
    assert "run-1" not in str(manifest[0])
    assert "airflow/train" not in str(manifest[0])
    assert editor.release(Holder("job", lease="run-2")).overtaken_by is not None
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == 3


@pytest.mark.parametrize("kind", ["cut-before", "cut-after", "status", "status-after"])
@pytest.mark.parametrize("call", [0, 1, 2])
def test_a_lost_answer_is_looked_up_and_the_end_is_the_same(
    shaky: ZoneEditor, cloud: Cloud, proxy: FaultyProxy, kind: str, call: int
) -> None:
    """Whichever of the three changes loses its answer, applied or not, each is applied once."""
    proxy.faults.append(Fault("POST .*/changes", kind, skip=call))  # type: ignore[arg-type]
    applied = shaky.upsert(workers(2_500), FIRST, "upsert-only")
    assert zone_content(shaky.provider.client) == keyed(workers(2_500))
    assert (applied.progress.created, applied.progress.changes) == (2_501, 3)
    assert applied.progress.last_id == "3"
    assert cloud.stats()["changes.create"] == {"200": 3}
    assert shaky.release(Holder("job", lease="run-1")).progress.deleted == 2_501


def test_a_lost_answer_without_the_right_to_list_changes_is_still_not_sent_twice(
    shaky: ZoneEditor, client: DNSClient, cloud: Cloud, proxy: FaultyProxy
) -> None:
    proxy.faults += [Fault("POST .*/changes", "cut-after"), Fault("GET .*/changes", "status", status=403)]
    applied = shaky.upsert(workers(3), FIRST, "upsert-only")
    assert zone_content(client) == keyed(workers(3))
    assert applied.progress.last_id is None
    assert cloud.stats()["changes.create"] == {"200": 1}


def test_the_same_claim_made_again_is_not_taken_for_the_old_one(
    editor: ZoneEditor, shaky: ZoneEditor, client: DNSClient, proxy: FaultyProxy
) -> None:
    """The list of changes holds an equal change from before the release; only the manifest tells them apart."""
    editor.upsert(workers(3), FIRST, "upsert-only")
    editor.release(Holder("job", lease="run-1"))
    proxy.faults.append(Fault("POST .*/changes", "cut-before"))
    shaky.upsert(workers(3), FIRST, "upsert-only")
    assert zone_content(client) == keyed(workers(3))


def test_a_change_whose_answer_was_lost_while_somebody_else_took_the_names_is_not_taken_for_ours(
    editor: ZoneEditor, make_client: MakeClient, proxy: FaultyProxy
) -> None:
    """The list of changes has an equal one from before, and the manifest is neither the old one nor ours."""
    editor.upsert(workers(3), FIRST, "upsert-only")
    editor.release(Holder("job", lease="run-1"))
    proxy.faults.append(Fault("POST .*/changes", "cut-before"))
    stranger = Holder("job", "elsewhere/train", "run-9")
    racing = Racing(make_client(proxy.url), lambda: editor.claim(workers(3), stranger))
    with pytest.raises(ClaimRefused, match="elsewhere/train"):
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only")


def test_a_zone_that_moved_on_is_read_and_planned_again(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    """Between reading and writing, the same lease wrote half of it from another process."""
    racing = Racing(make_client(), lambda: editor.upsert(workers(2), FIRST, "upsert-only"))
    applied = replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only")
    assert zone_content(client) == keyed(workers(3))
    assert applied.manifest is not None
    assert applied.manifest.generation == 2
    assert cloud.stats()["changes.create"].get("409") == 1


def test_a_foreign_record_that_appears_in_between_is_left_alone(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    foreign = a("worker-2.job", "203.0.113.5")
    racing = Racing(make_client(), lambda: client.create_change("ml-zone", Change(additions=(foreign,))))
    with pytest.raises(OwnershipConflict):
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only")
    assert zone_content(client) == {foreign.key: foreign}


def test_a_failure_in_the_middle_says_what_is_live_and_a_retry_does_the_rest(
    editor: ZoneEditor, shaky: ZoneEditor, client: DNSClient, proxy: FaultyProxy
) -> None:
    proxy.faults.append(Fault("POST .*/changes", "status", status=403, skip=1))
    with pytest.raises(ChangeFailed) as failed:
        shaky.upsert(workers(2_500), FIRST, "upsert-only")
    assert (failed.value.live, failed.value.missing) == (999, 2_501 - 999)
    assert len(zone_content(client)) == 999
    rest = editor.upsert(workers(2_500), FIRST, "upsert-only")
    assert rest.progress.created == 2_501 - 999
    assert zone_content(client) == keyed(workers(2_500))


def test_a_manifest_deleted_by_hand_leaves_records_that_a_release_tells_of(
    editor: ZoneEditor, client: DNSClient, caplog: pytest.LogCaptureFixture
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    manifest, _ = editor.reader.manifest("job")
    assert manifest is not None
    client.create_change("ml-zone", Change(deletions=(manifest,)))
    assert editor.release(Holder("job", lease="run-1")).progress.changes == 0
    assert "5 record(s) below the name of job" in caplog.text
    with pytest.raises(OwnershipConflict, match="what nobody owns and says the same is taken over with adopt=True"):
        editor.upsert(workers(3), FIRST, "upsert-only")
    assert len(editor.upsert(workers(3), replace(FIRST, adopt=True), "upsert-only").plan.unchanged) == 5
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == 5


def test_records_removed_by_hand_do_not_hinder_the_release(editor: ZoneEditor, client: DNSClient) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    client.create_change("ml-zone", Change(deletions=(workers(3)[1],)))
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == 4
    assert zone_content(client) == {}


def test_different_jobs_of_one_zone_are_written_side_by_side(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    failures: list[BaseException] = []
    jobs = {f"job-{number}": workers(20, network=f"10.{number}", owner=f"job-{number}") for number in range(8)}

    def run(owner: str) -> None:
        try:
            replace(editor, provider=CloudDNSProvider(make_client())).upsert(
                jobs[owner], Holder(owner, "airflow/t", "r"), "upsert-only"
            )
        except MldnsError as error:
            failures.append(error)

    _run_all([threading.Thread(target=run, args=(owner,)) for owner in jobs])
    assert failures == []
    assert zone_content(client) == keyed([rrset for rrsets in jobs.values() for rrset in rrsets])


def test_writers_of_one_job_take_turns(make_client: MakeClient, editor: ZoneEditor, client: DNSClient) -> None:
    """Four retries of one run at once, as a killed and restarted task makes them."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            patient = replace(
                editor, provider=CloudDNSProvider(make_client()), contention=RetryPolicy(0.05, 0.5, deadline=20)
            )
            patient.upsert(workers(30), FIRST, "upsert-only")
        except MldnsError as error:
            failures.append(error)

    _run_all([threading.Thread(target=run) for _ in range(4)])
    assert failures == []
    assert zone_content(client) == keyed(workers(30))


def _run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_a_server_without_filters_is_listed_whole(shaky: ZoneEditor, client: DNSClient, proxy: FaultyProxy) -> None:
    client.create_change("ml-zone", Change(additions=(a("foreign"),)))
    proxy.faults.append(Fault("GET .*filter=", "status", status=501, count=99))
    shaky.upsert([*workers(3), a("service")], FIRST, "upsert-only")
    assert shaky.upsert([*workers(3), a("service")], FIRST, "upsert-only").plan.empty
    with pytest.raises(OwnershipConflict):
        shaky.upsert([a("foreign", "10.0.0.9")], FIRST, "upsert-only")
    assert shaky.release(Holder("job", lease="run-1")).progress.deleted == 6
    assert zone_content(client) == keyed([a("foreign")])


def test_many_names_outside_the_subtree_are_read_with_one_list(editor: ZoneEditor, cloud: Cloud) -> None:
    explicit = [a(f"svc-{number}") for number in range(30)]
    editor.upsert(explicit, Holder("shared"), "upsert-only")
    before = cloud.stats()["resourceRecordSets.list"]["200"]
    assert editor.upsert(explicit, Holder("shared"), "upsert-only").plan.empty
    assert cloud.stats()["resourceRecordSets.list"]["200"] - before == 2


def test_grants_are_recorded_beside_the_names_and_outlive_the_release(editor: ZoneEditor, client: DNSClient) -> None:
    editor.upsert(workers(2), FIRST, "upsert-only")
    editor.edit_grants("job", lambda found: (*found, "zone roles/dns.admin sha256:1"))
    assert editor.grants("job") == ("zone roles/dns.admin sha256:1",)
    editor.upsert(workers(3), FIRST, "upsert-only")
    editor.release(Holder("job", lease="run-1"))
    assert zone_content(client) == {}
    assert editor.grants("job") == ("zone roles/dns.admin sha256:1",)
    editor.upsert(workers(2), SECOND, "upsert-only")
    editor.release(Holder("job", lease="run-2"))
    editor.edit_grants("job", lambda _found: ())
    before, manifest = editor.reader.manifest("job")
    assert (before, manifest) == (None, None)


def test_the_manifest_reads_back_as_what_the_zone_holds(editor: ZoneEditor, client: DNSClient) -> None:
    editor.upsert(workers(4), FIRST, "upsert-only")
    before, manifest = editor.reader.manifest("job")
    assert manifest == decode(before, owner="job", dns_name=DNS_NAME)
    assert manifest is not None
    assert manifest.names == set(zone_content(client))
    assert (manifest.claimant, manifest.lease) == ("airflow/train", "run-1")
