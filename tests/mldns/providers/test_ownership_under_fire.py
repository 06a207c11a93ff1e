"""Ownership while everything goes wrong, against a real localcloud: crashes, rivals, and hands in the zone.

`in_batches` makes an editor's changes hold a few records each, so that a small job takes several of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mldns.exceptions import ClaimRefused, LeaseLost, MldnsError, OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import Manifest, ManifestDamaged
from mldns.plan.batches import Change, Limits
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.job_zone import FIRST, SECOND, Racing, a, keyed, workers, writes, zone_content

HOUR = 3_600
START = 1_800_000_000
STRANGER = Holder("job", "elsewhere/train", "run-7")


class Killed(BaseException):
    """Nothing in mldns may catch it: the process is gone."""


class Mortal:
    """A client that dies at one of its changes, before or after the server applied it."""

    def __init__(self, client: DNSClient, *, at: int, applied: bool) -> None:
        self._client, self._at, self._applied = client, at, applied

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def create_change(self, zone: str, change: Change) -> Resource:
        self._at -= 1
        if self._at == 0 and not self._applied:
            raise Killed
        answer = self._client.create_change(zone, change)
        if self._at == 0:
            raise Killed
        return answer


def in_batches(editor: ZoneEditor, *, of: int = 4, client: object | None = None) -> ZoneEditor:
    """The editor with changes of at most `of` records beside the manifest."""
    small = replace(editor, provider=CloudDNSProvider(client) if client else editor.provider)  # type: ignore[arg-type]
    small.quota.asked = Limits(additions=of + 1, deletions=of + 1)
    return small


def manifest_of(editor: ZoneEditor, owner: str = "job") -> Manifest | None:
    return editor.reader.manifest(owner)[1]


def listed_manifest(editor: ZoneEditor) -> RRset:
    listed, _ = editor.reader.manifest("job")
    assert listed is not None
    return listed


# -- crash between batches ---------------------------------------------------------------------------------------------

OLD, NEW = workers(12), workers(14, network="10.9")
FOREIGN = [a("theirs"), a("worker-50.job")]


@pytest.fixture
def job(editor: ZoneEditor, client: DNSClient) -> ZoneEditor:
    """A zone with the job's old records and two foreign ones, one of them below the job's name."""
    client.create_change("ml-zone", Change(additions=tuple(FOREIGN)))
    editor.upsert(OLD, FIRST, "upsert-only")
    return in_batches(editor)


def _create(editor: ZoneEditor) -> None:
    editor.upsert([*OLD, *workers(22)[12:]], FIRST, "upsert-only")


def _change(editor: ZoneEditor) -> None:
    editor.upsert(NEW, FIRST, "sync")


def _shrink(editor: ZoneEditor) -> None:
    editor.upsert(workers(2), FIRST, "sync")


def _delete(editor: ZoneEditor) -> None:
    editor.release(Holder("job", lease="run-1"))


@pytest.mark.parametrize("applied", [False, True], ids=["before it was applied", "after it was applied"])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("act", [_create, _change, _shrink, _delete])
def test_a_crash_at_any_change_is_finished_by_a_retry(
    job: ZoneEditor, client: DNSClient, act: Callable[[ZoneEditor], None], at: int, applied: bool
) -> None:
    with pytest.raises(Killed):
        act(in_batches(job, client=Mortal(client, at=at, applied=applied)))
    found = zone_content(client)
    manifest = manifest_of(job)
    live = {key for key in found if found[key] not in FOREIGN}
    assert manifest is not None and live <= manifest.names, "what is live is covered, whenever the writer dies"
    assert not manifest.names & keyed(FOREIGN).keys()

    act(job)
    ended = zone_content(client)
    act(job)
    assert zone_content(client) == ended
    assert [ended[rrset.key] for rrset in FOREIGN] == FOREIGN
    job.release(Holder("job", lease="run-1"))
    assert zone_content(client) == keyed(FOREIGN)


def test_after_a_crash_the_next_run_takes_over_what_is_live_and_what_is_not(job: ZoneEditor, client: DNSClient) -> None:
    with pytest.raises(Killed):
        _change(in_batches(job, client=Mortal(client, at=2, applied=True)))
    job.upsert(workers(5, network="10.3"), SECOND, "sync")
    assert zone_content(client) == keyed([*workers(5, network="10.3"), *FOREIGN])
    assert job.release(Holder("job", lease="run-1")).overtaken_by == "run-2"


# -- claimed, not written, and made by somebody else -------------------------------------------------------------------


def test_a_name_that_somebody_else_made_while_the_writer_was_dead_stays_theirs(
    job: ZoneEditor, client: DNSClient
) -> None:
    with pytest.raises(Killed):
        _create(in_batches(job, client=Mortal(client, at=2, applied=False)))
    manifest = manifest_of(job)
    theirs = a("worker-21.job", "203.0.113.7")
    assert manifest is not None and theirs.key in manifest.pending, "claimed and not written"
    client.create_change("ml-zone", Change(additions=(theirs,)))

    before = zone_content(client)
    with pytest.raises(OwnershipConflict, match=r"worker-21\.job\.ml\.example\.com\. A \(owner unknown"):
        _create(job)
    assert zone_content(client) == before, "nothing is written beside a conflict"
    job.upsert(NEW, FIRST, "sync")
    job.release(Holder("job", lease="run-1"))
    assert zone_content(client) == keyed([*FOREIGN, theirs])


# -- two claimants, two leases -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rivals",
    [
        [replace(FIRST, expires=2**31), STRANGER],
        [replace(FIRST, expires=2**31), replace(SECOND, expires=2**31)],
    ],
    ids=["two claimants", "two leases of one claimant"],
)
def test_of_two_that_come_at_once_one_has_the_names_and_the_other_is_told(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient, rivals: list[Holder]
) -> None:
    wanted = {holder.lease: workers(30, network=f"10.{n}") for n, holder in enumerate(rivals)}
    refused: dict[str, MldnsError] = {}
    start = threading.Barrier(len(rivals))

    def run(holder: Holder) -> None:
        mine = in_batches(editor, client=make_client())
        start.wait(10)
        try:
            mine.upsert(wanted[holder.lease], holder, "upsert-only")
        except MldnsError as error:
            refused[holder.lease] = error

    threads = [threading.Thread(target=run, args=(holder,)) for holder in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (loser,) = refused
    (winner,) = {holder.lease for holder in rivals} - {loser}
    assert isinstance(refused[loser], ClaimRefused)
    assert winner in str(refused[loser])
    assert zone_content(client) == keyed(wanted[winner])


def test_a_lease_that_has_expired_is_overtaken_and_its_late_writer_stops(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    moment = [START]
    editor.now = lambda: moment[0]
    overtaken = workers(6, network="10.2")

    def the_next_run() -> None:
        with pytest.raises(ClaimRefused, match=r"run-1.*until 2027-01-15T09:00:00Z"):
            editor.upsert(overtaken, SECOND, "sync")
        moment[0] += HOUR
        editor.upsert(overtaken, SECOND, "sync")

    slow = in_batches(editor, client=Racing(make_client(), the_next_run, after=1))
    with pytest.raises(LeaseLost, match="overtaken by lease 'run-2'") as lost:
        slow.upsert(workers(9), replace(FIRST, expires=START + HOUR), "upsert-only")
    assert lost.value.live == 4
    assert zone_content(client) == keyed(overtaken)
    assert editor.release(Holder("job", lease="run-1")).overtaken_by == "run-2"
    assert zone_content(client) == keyed(overtaken)


# -- a hand in the manifest --------------------------------------------------------------------------------------------


def _calls(editor: ZoneEditor) -> Iterator[Callable[[], object]]:
    yield lambda: editor.plan(workers(3), FIRST, "sync")
    yield lambda: editor.upsert(workers(3), replace(FIRST, adopt=True), "sync")
    yield lambda: editor.claim(workers(3), FIRST)
    yield lambda: editor.renew(replace(FIRST, expires=2**31))
    yield lambda: editor.release(Holder("job", lease="run-1"))


def test_a_manifest_edited_by_hand_stops_everything_until_it_is_restored_or_adopted(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    listed = listed_manifest(editor)
    edited = replace(listed, rrdatas=(listed.rrdatas[0].replace("worker=0-2", "worker=0-200"),))
    client.create_change("ml-zone", Change(additions=(edited,), deletions=(listed,)))
    before = writes(cloud)
    for call in _calls(editor):
        with pytest.raises(ManifestDamaged, match="restore it, or delete that TXT record and claim again with adopt"):
            call()
    assert writes(cloud) == before

    client.create_change("ml-zone", Change(deletions=(edited,)))
    with pytest.raises(OwnershipConflict, match="adopt=True"):
        editor.upsert(workers(3), FIRST, "upsert-only")
    assert editor.upsert(workers(3), replace(FIRST, adopt=True), "upsert-only").progress.live == 0
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == 5
    assert zone_content(client) == {}


def test_a_manifest_deleted_by_hand_in_the_middle_of_an_apply_stops_it(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """Nobody can tell any more what is whose; claiming it anew would be a guess."""

    def delete() -> None:
        client.create_change("ml-zone", Change(deletions=(listed_manifest(editor),)))

    writer = in_batches(editor, client=Racing(make_client(), delete, after=1))
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released while it was writing: stopped after 4"):
        writer.upsert(workers(9), FIRST, "upsert-only")
    with pytest.raises(OwnershipConflict, match="adopt=True"):
        editor.upsert(workers(9), FIRST, "upsert-only")
    editor.upsert(workers(9), replace(FIRST, adopt=True), "upsert-only")
    assert zone_content(client) == keyed(workers(9))


# -- adopt -------------------------------------------------------------------------------------------------------------


def test_adopt_takes_what_nobody_owns_and_says_the_same_and_nothing_else(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud
) -> None:
    made_by_terraform = workers(2)
    client.create_change("ml-zone", Change(additions=tuple(made_by_terraform)))
    adopting = replace(FIRST, adopt=True)
    before = writes(cloud)
    with pytest.raises(OwnershipConflict, match=r"worker-1\.job"):
        editor.upsert([made_by_terraform[0], replace(made_by_terraform[1], ttl=5)], adopting, "upsert-only")
    assert writes(cloud) == before
    assert editor.upsert(made_by_terraform, adopting, "upsert-only").progress.live == 0
    assert editor.release(Holder("job", lease="run-1")).progress.deleted == len(made_by_terraform)


def test_who_adopted_has_the_names_and_the_former_holder_is_told(editor: ZoneEditor, client: DNSClient) -> None:
    editor.upsert(workers(3), replace(FIRST, expires=2**31), "upsert-only")
    editor.upsert(workers(3, network="10.5"), replace(STRANGER, adopt=True), "sync")
    assert zone_content(client) == keyed(workers(3, network="10.5"))
    with pytest.raises(ClaimRefused, match="elsewhere/train"):
        editor.upsert(workers(3), FIRST, "sync")
    with pytest.raises(LeaseLost, match="run-7"):
        editor.renew(replace(FIRST, expires=2**31))
    assert editor.release(Holder("job", lease="run-1")).overtaken_by == "run-7"
    assert zone_content(client) == keyed(workers(3, network="10.5"))
