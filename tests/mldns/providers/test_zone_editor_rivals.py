"""Two jobs of one zone and one name, against a real localcloud: claimed, deleted by hand, in the other's subtree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.job_zone import FIRST, a, keyed, workers, writes, zone_content

OTHER = Holder("other", "airflow/other", "run-9")


@pytest.mark.parametrize("name", ["service", "x.job", "x.third"])
def test_what_another_job_has_claimed_and_not_written_is_refused(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud, name: str
) -> None:
    editor.claim([a(name)], FIRST)
    before = writes(cloud)
    with pytest.raises(OwnershipConflict, match=r"A \(claimed by mldns job 'job'\)"):
        editor.upsert([a(name, "10.0.0.9")], OTHER, "upsert-only")
    with pytest.raises(OwnershipConflict):
        editor.claim([a(name)], OTHER)
    assert [conflict.name for conflict in editor.plan([a(name)], OTHER, "sync").conflicts] == [a(name).name]
    assert writes(cloud) == before
    assert editor.upsert([a(name)], FIRST, "upsert-only").progress.created == 1
    editor.release(Holder("job", lease="run-1"))
    assert editor.upsert([a(name)], OTHER, "upsert-only").progress.created == 1


def test_a_name_deleted_by_hand_is_still_its_jobs(editor: ZoneEditor, client: DNSClient) -> None:
    """Else two manifests would list it, and the first one's release would remove the second one's record."""
    editor.upsert([a("service")], FIRST, "upsert-only")
    client.create_change("ml-zone", Change(deletions=(a("service"),)))
    with pytest.raises(OwnershipConflict, match="mldns job 'job'"):
        editor.upsert([a("service")], OTHER, "upsert-only")
    editor.release(Holder("job", lease="run-1"))
    assert editor.upsert([a("service")], OTHER, "upsert-only").progress.created == 1


def test_in_its_own_subtree_a_job_comes_first(editor: ZoneEditor, client: DNSClient) -> None:
    """`other` wrote a name below `job`, somebody deleted it by hand, and `job` wrote its own."""
    stray = a("worker-0.job", "192.0.2.99")
    kept = a("kept")
    editor.upsert([stray, kept], OTHER, "upsert-only")
    with pytest.raises(OwnershipConflict, match="owned by mldns job 'other'"):
        editor.upsert(workers(1), FIRST, "upsert-only")
    client.create_change("ml-zone", Change(deletions=(stray,)))
    editor.upsert(workers(1), FIRST, "upsert-only")

    with pytest.raises(OwnershipConflict, match="owned by mldns job 'job'"):
        editor.upsert([stray, kept], OTHER, "upsert-only")
    assert editor.upsert([kept], OTHER, "sync").progress.deleted == 0
    assert zone_content(client) == keyed([*workers(1), kept])
    assert editor.release(Holder("other", lease="run-9")).progress.deleted == 1
    assert zone_content(client) == keyed(workers(1))


def test_a_record_below_another_job_survives_that_jobs_sync_and_release(editor: ZoneEditor, client: DNSClient) -> None:
    board = a("board.job")
    editor.upsert(workers(3), FIRST, "upsert-only")
    editor.upsert([board], OTHER, "upsert-only")
    editor.upsert(workers(2), FIRST, "sync")
    editor.release(Holder("job", lease="run-1"))
    assert zone_content(client) == {board.key: board}


def test_only_names_outside_the_subtree_that_would_be_touched_cost_a_look(editor: ZoneEditor, cloud: Cloud) -> None:
    def lists() -> int:
        return cloud.stats().get("resourceRecordSets.list", {}).get("200", 0)

    start = lists()
    editor.upsert(workers(3), FIRST, "upsert-only")
    assert lists() - start == 1
    editor.upsert([*workers(3), a("service")], FIRST, "upsert-only")
    assert lists() - start == 1 + 3, "the subtree, the name, and whose it is"
    editor.upsert([*workers(3), a("service")], FIRST, "upsert-only")
    assert lists() - start == 4 + 2, "nothing would be touched"
    editor.upsert([*workers(3), replace(a("service"), ttl=5)], FIRST, "create-only")
    assert lists() - start == 6 + 2


def test_a_delegation_anywhere_above_a_name_is_seen(editor: ZoneEditor, client: DNSClient, cloud: Cloud) -> None:
    """In the owner's subtree the one list has it; above an explicit record each name up to the apex costs a look."""
    for name in ("job", "deep"):
        cut = RRset(f"{name}.ml.example.com.", "NS", 300, ("ns1.example.net.",))
        client.create_change("ml-zone", Change((cut,)))
    before = writes(cloud)
    for wanted in (workers(1), [a("x.y.deep")]):
        with pytest.raises(OwnershipConflict, match=r"NS \(.* never be served"):
            editor.upsert(wanted, FIRST, "upsert-only")
    assert writes(cloud) == before
