"""Editing a zone for one owner, on a cloud in memory: what is written, refused, kept, and told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mldns.exceptions import (
    ChangeFailed,
    ClaimRefused,
    CloudUnavailable,
    LeaseLost,
    MldnsError,
    OwnershipConflict,
    PermissionMissing,
    PlanChanged,
    QuotaShort,
)
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import ManifestDamaged, decode
from mldns.plan.batches import Limits
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.records.rrset import RRset
from tests.mldns.providers.job_zone import (
    AT_ONCE,
    DNS_NAME,
    FIRST,
    SECOND,
    STRANGER,
    ZONE,
    a,
    by_hand,
    content,
    in_batches,
    keyed,
    manifest_of,
    meddled,
    memory_editor,
    workers,
    writes,
)
from tests.simulator.memory_provider import MemoryProvider

SHARED = Holder("shared")
OTHER = Holder("other", "airflow/other", "run-9")
HOUR = 3_600
START = 1_800_000_000


@pytest.fixture
def editor() -> ZoneEditor:
    return memory_editor()


@pytest.fixture
def clock(editor: ZoneEditor) -> list[int]:
    """The editor's time; a test moves it on."""
    moment = [START]
    editor.now = lambda: moment[0]
    return moment


def until(holder: Holder, moment: int) -> Holder:
    return replace(holder, expires=moment)


# -- one job ----------------------------------------------------------------------------------------------------------


def test_a_job_is_written_read_back_and_released(editor: ZoneEditor) -> None:
    applied = editor.upsert(workers(3), FIRST, "upsert-only")
    assert content(editor) == keyed(workers(3))
    assert (applied.progress.created, applied.progress.changed, applied.progress.deleted) == (5, 0, 0)
    before, manifest = editor.reader.manifest("job")
    assert manifest == applied.manifest == decode(before, owner="job", dns_name=DNS_NAME)
    assert manifest is not None
    assert (manifest.generation, manifest.claimant, manifest.lease) == (1, "airflow/train", "run-1")
    assert manifest.names == content(editor).keys()

    again = editor.upsert(workers(3), FIRST, "upsert-only")
    assert again.plan.empty
    assert (len(again.plan.unchanged), again.progress.changes, writes(editor)) == (5, 0, 1)

    released = editor.release(FIRST)
    assert (released.overtaken_by, released.progress.deleted, content(editor)) == (None, 5, {})
    assert editor.release(FIRST).progress.changes == 0, "nothing claimed is nothing to do"


def test_addresses_change_in_place_and_sync_removes_what_is_no_longer_wanted(editor: ZoneEditor) -> None:
    editor.upsert(workers(4), FIRST, "upsert-only")
    moved = workers(3, network="10.9")
    kept = editor.upsert(moved, FIRST, "upsert-only")
    assert (kept.progress.created, kept.progress.changed, kept.progress.deleted) == (0, 5, 0)
    assert ("worker-3.job.ml.example.com.", "A") in content(editor)
    synced = editor.upsert(moved, FIRST, "sync")
    assert (synced.progress.changed, synced.progress.deleted) == (0, 1)
    assert content(editor) == keyed(moved)


def test_many_records_go_in_batches_that_each_swap_the_manifest(editor: ZoneEditor) -> None:
    applied = in_batches(editor).upsert(workers(12), FIRST, "upsert-only")
    assert content(editor) == keyed(workers(12))
    assert (applied.progress.created, applied.progress.changes, manifest_of(editor).generation) == (14, 4, 4)
    in_batches(editor).release(replace(FIRST, at_generation=4))
    assert content(editor) == {}, "a collection of many batches is not stopped by its own"


def test_the_plan_that_was_reviewed_is_the_one_that_is_applied(editor: ZoneEditor) -> None:
    digest = editor.plan(workers(3), FIRST, "upsert-only").digest
    with pytest.raises(PlanChanged):
        editor.upsert(workers(4), FIRST, "upsert-only", reviewed=digest)
    assert editor.upsert(workers(3), FIRST, "upsert-only", reviewed=digest).progress.created == 5


def test_names_outside_the_owners_subtree_are_owned_too(editor: ZoneEditor) -> None:
    explicit = [a(f"svc-{number}") for number in range(12)]  # so many that the zone is listed whole
    editor.upsert(explicit, SHARED, "upsert-only")
    assert editor.upsert(explicit, SHARED, "upsert-only").plan.empty
    changed = [replace(explicit[0], ttl=60)]
    editor.upsert(changed, SHARED, "sync")
    assert content(editor) == keyed(changed)
    assert editor.release(SHARED).progress.deleted == 1


def test_a_claim_writes_the_manifest_alone_and_owns_nothing_it_did_not_write(editor: ZoneEditor) -> None:
    editor.claim(workers(3), FIRST)
    assert (content(editor), len(manifest_of(editor).pending)) == ({}, 5)
    foreign = a("worker-0.job", "203.0.113.7")
    by_hand(editor, foreign)
    for refused in (editor.upsert, lambda desired, holder, _policy: editor.claim(desired, holder)):
        with pytest.raises(OwnershipConflict):
            refused(workers(3), FIRST, "upsert-only")
    assert editor.release(FIRST).progress.deleted == 0
    assert content(editor) == {foreign.key: foreign}


def test_an_upsert_behind_a_claim_wants_the_claim(editor: ZoneEditor) -> None:
    """Released before the upsert has read anything: only the claim that came before it can tell."""
    editor.claim(workers(3), FIRST)
    editor.release(FIRST)
    with pytest.raises(LeaseLost) as lost:
        editor.upsert(workers(3), replace(FIRST, claimed=True), "upsert-only")
    assert (lost.value.holder, lost.value.live, content(editor)) == (None, 0, {})
    editor.claim(workers(3), FIRST)
    assert editor.upsert(workers(3), replace(FIRST, claimed=True), "upsert-only").progress.created == 5


def test_grants_are_recorded_beside_the_names_and_outlive_the_release(editor: ZoneEditor) -> None:
    grant = "zone roles/dns.admin sha256:1"
    editor.upsert(workers(2), FIRST, "upsert-only")
    editor.edit_grants("job", lambda found: (*found, grant))
    editor.edit_grants("job", lambda found: found)
    assert (editor.grants("job"), writes(editor)) == ((grant,), 2)
    editor.release(FIRST)
    assert (content(editor), editor.grants("job")) == ({}, (grant,))
    editor.upsert(workers(2), SECOND, "upsert-only")
    editor.release(SECOND)
    editor.edit_grants("job", lambda _found: ())
    assert editor.reader.manifest("job") == (None, None)
    assert editor.grants("job") == ()


def test_a_cloud_without_atomic_changes_is_refused() -> None:
    with pytest.raises(MldnsError):
        ZoneEditor(MemoryProvider(ZONE, limits=Limits(atomic=False)), ZONE)


# -- somebody else's --------------------------------------------------------------------------------------------------


def test_a_record_of_somebody_else_is_refused_by_name_and_nothing_is_written(editor: ZoneEditor) -> None:
    foreign = a("worker-1.job", "203.0.113.9")
    by_hand(editor, foreign)
    plan = editor.plan(workers(3), FIRST, "upsert-only")
    assert ([(c.name, c.owner) for c in plan.conflicts], len(plan.creates)) == ([(foreign.name, None)], 4)
    with pytest.raises(OwnershipConflict) as refused:
        editor.upsert(workers(3), FIRST, "sync")
    assert [(c.name, c.type, c.owner) for c in refused.value.conflicts] == [(*foreign.key, None)]
    assert (content(editor), writes(editor)) == ({foreign.key: foreign}, 1)


def test_the_owner_of_a_conflicting_record_is_named_where_a_marker_tells(editor: ZoneEditor) -> None:
    marker = RRset(f"_owner.a.www.{DNS_NAME}", "TXT", 60, ('"*octodns*"',))  # the other tools': test_markers
    by_hand(editor, a("www"), marker)
    with pytest.raises(OwnershipConflict) as refused:
        editor.upsert([a("www", "10.0.0.1")], SHARED, "upsert-only")
    assert refused.value.conflicts[0].owner == "octoDNS"


@pytest.mark.parametrize("name", ["service", "x.job", "x.third"])
def test_what_another_job_has_claimed_and_not_written_is_refused(editor: ZoneEditor, name: str) -> None:
    editor.claim([a(name)], FIRST)
    for attempt in (editor.upsert, lambda desired, holder, _policy: editor.claim(desired, holder)):
        with pytest.raises(OwnershipConflict) as refused:
            attempt([a(name, "10.0.0.9")], OTHER, "upsert-only")
        assert refused.value.conflicts[0].owner == "mldns job 'job'"
    assert [conflict.name for conflict in editor.plan([a(name)], OTHER, "sync").conflicts] == [a(name).name]
    assert writes(editor) == 1
    assert editor.upsert([a(name)], FIRST, "upsert-only").progress.created == 1
    editor.release(FIRST)
    assert editor.upsert([a(name)], OTHER, "upsert-only").progress.created == 1


def test_a_name_deleted_by_hand_is_still_its_jobs(editor: ZoneEditor) -> None:
    """Else two manifests would list it, and the first one's release would remove the second one's record."""
    editor.upsert([a("service")], FIRST, "upsert-only")
    by_hand(editor, gone=(a("service"),))
    with pytest.raises(OwnershipConflict):
        editor.upsert([a("service")], OTHER, "upsert-only")
    editor.release(FIRST)
    assert editor.upsert([a("service")], OTHER, "upsert-only").progress.created == 1


def test_in_its_own_subtree_a_job_comes_first(editor: ZoneEditor) -> None:
    """`other` wrote a name below `job`, somebody deleted it by hand, and `job` wrote its own."""
    stray, kept = a("worker-0.job", "192.0.2.99"), a("kept")
    editor.upsert([stray, kept], OTHER, "upsert-only")
    with pytest.raises(OwnershipConflict):
        editor.upsert(workers(1), FIRST, "upsert-only")
    by_hand(editor, gone=(stray,))
    editor.upsert(workers(1), FIRST, "upsert-only")

    with pytest.raises(OwnershipConflict):
        editor.upsert([stray, kept], OTHER, "upsert-only")
    assert editor.upsert([kept], OTHER, "sync").progress.deleted == 0
    assert content(editor) == keyed([*workers(1), kept])
    assert editor.release(OTHER).progress.deleted == 1
    assert content(editor) == keyed(workers(1))


def test_a_record_below_another_job_survives_that_jobs_sync_and_release(editor: ZoneEditor) -> None:
    board = a("board.job")
    editor.upsert(workers(3), FIRST, "upsert-only")
    editor.upsert([board], OTHER, "upsert-only")
    editor.upsert(workers(2), FIRST, "sync")
    editor.release(FIRST)
    assert content(editor) == {board.key: board}


def test_a_delegation_anywhere_above_a_name_is_seen(editor: ZoneEditor) -> None:
    by_hand(editor, *(RRset(f"{name}.{DNS_NAME}", "NS", 300, ("ns1.example.net.",)) for name in ("job", "deep")))
    for wanted in (workers(1), [a("x.y.deep")]):
        with pytest.raises(OwnershipConflict) as refused:
            editor.upsert(wanted, FIRST, "upsert-only")
        assert {conflict.type for conflict in refused.value.conflicts} == {"NS"}
    assert writes(editor) == 1


def test_a_routing_policy_made_by_hand_is_refused_by_name_and_left_alone(
    editor: ZoneEditor, caplog: pytest.LogCaptureFixture
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    routed = replace(workers(3)[1], rrdatas=())
    by_hand(editor, routed, gone=(workers(3)[1],))
    with pytest.raises(OwnershipConflict) as refused:
        editor.upsert(workers(3), FIRST, "upsert-only")
    assert [(c.name, bool(c.why)) for c in refused.value.conflicts] == [(routed.name, True)]
    assert editor.upsert([workers(3)[0]], FIRST, "sync").progress.deleted == 3, "it is left alone, the rest goes"
    with caplog.at_level(logging.WARNING):
        assert editor.release(FIRST).progress.deleted == 1
    assert routed.name in caplog.text
    assert content(editor) == {routed.key: routed}


# -- leases -----------------------------------------------------------------------------------------------------------


def test_who_may_take_the_names_over(editor: ZoneEditor, clock: list[int]) -> None:
    editor.upsert(workers(2), until(FIRST, START + HOUR), "upsert-only")
    for holder in (SECOND, STRANGER):
        for attempt in (editor.upsert, editor.plan, lambda desired, holder, _policy: editor.claim(desired, holder)):
            with pytest.raises(ClaimRefused) as refused:
                attempt(workers(2), holder, "upsert-only")
            assert (refused.value.lease, refused.value.same_claimant) == ("run-1", holder is SECOND)
    assert writes(editor) == 1
    editor.upsert(workers(2, network="10.2"), replace(SECOND, lease_ended=True), "upsert-only")
    editor.upsert(workers(2, network="10.5"), replace(STRANGER, adopt=True), "sync")
    assert content(editor) == keyed(workers(2, network="10.5"))
    with pytest.raises(LeaseLost):
        editor.renew(until(SECOND, START + HOUR))


def test_a_long_training_renews_its_lease_and_keeps_its_names(editor: ZoneEditor, clock: list[int]) -> None:
    editor.upsert(workers(2), until(FIRST, START + HOUR), "upsert-only")
    clock[0] += HOUR - 60
    assert editor.renew(until(FIRST, clock[0] + HOUR)).expires == START + 2 * HOUR - 60
    assert editor.renew(until(FIRST, clock[0])).expires == START + 2 * HOUR - 60, "never nearer"
    assert writes(editor) == 2
    clock[0] += 120  # the first end is over
    with pytest.raises(ClaimRefused):
        editor.upsert(workers(2), SECOND, "sync")
    clock[0] += 2 * HOUR  # the second, too, but nobody took the names
    editor.renew(until(FIRST, clock[0] + HOUR))
    with pytest.raises(ClaimRefused):
        editor.claim(workers(2), SECOND)


def test_a_lease_without_an_end_gets_one(editor: ZoneEditor) -> None:
    editor.claim(workers(2), FIRST)
    assert manifest_of(editor).expires is None
    assert editor.renew(until(FIRST, START)).expires == START


@pytest.mark.parametrize("holder", [SECOND, STRANGER, replace(FIRST, owner="other")])
def test_who_does_not_hold_the_names_cannot_renew(editor: ZoneEditor, holder: Holder) -> None:
    editor.claim(workers(2), FIRST)
    with pytest.raises(LeaseLost) as lost:
        editor.renew(until(holder, START))
    assert (lost.value.holder, lost.value.live) == (None if holder.owner == "other" else "run-1", None)
    assert writes(editor) == 1


def test_who_forgets_the_claimant_is_told_which_it_is(editor: ZoneEditor) -> None:
    editor.claim(workers(2), FIRST)
    with pytest.raises(LeaseLost) as lost:
        editor.renew(until(replace(FIRST, claimant=""), START))
    assert lost.value.claimant == FIRST.claimant


# -- hands in the zone ------------------------------------------------------------------------------------------------


def _calls(editor: ZoneEditor) -> Iterator[object]:
    yield lambda: editor.plan(workers(3), FIRST, "sync")
    yield lambda: editor.upsert(workers(3), replace(FIRST, adopt=True), "sync")
    yield lambda: editor.claim(workers(3), FIRST)
    yield lambda: editor.renew(until(FIRST, START))
    yield lambda: editor.release(FIRST)


def test_a_manifest_edited_by_hand_stops_everything_until_it_is_deleted_and_adopted(
    editor: ZoneEditor, caplog: pytest.LogCaptureFixture
) -> None:
    editor.upsert(workers(3), FIRST, "upsert-only")
    listed = editor.reader.manifest("job")[0]
    assert listed is not None
    edited = replace(listed, rrdatas=(listed.rrdatas[0].replace("worker=0-2", "worker=0-200"),))
    by_hand(editor, edited, gone=(listed,))
    for call in _calls(editor):
        with pytest.raises(ManifestDamaged):
            call()

    by_hand(editor, gone=(edited,))
    with caplog.at_level(logging.WARNING):
        assert editor.release(FIRST).progress.changes == 0
    assert "5 record(s) below the name of job" in caplog.text
    with pytest.raises(OwnershipConflict):
        editor.upsert(workers(3), FIRST, "upsert-only")
    adopted = editor.upsert(workers(3), replace(FIRST, adopt=True), "upsert-only")
    assert (adopted.progress.live, len(adopted.plan.unchanged)) == (0, 5)
    by_hand(editor, gone=(workers(3)[1],))
    assert editor.release(FIRST).progress.deleted == 4
    assert content(editor) == {}


# -- limits -----------------------------------------------------------------------------------------------------------


def full(rrsets: int, **limits: int) -> ZoneEditor:
    """An editor of a zone that holds at most so many."""
    return ZoneEditor(MemoryProvider(ZONE, limits=Limits(rrsets_per_zone=rrsets, **limits)), ZONE, contention=AT_ONCE)


def test_what_does_not_fit_into_the_zone_is_refused_before_the_first_write() -> None:
    editor = full(8)  # NS, SOA and the manifest are three; three workers make five
    attempts = (editor.upsert, editor.plan, lambda desired, holder, _policy: editor.claim(desired, holder))
    for attempt in attempts:
        with pytest.raises(QuotaShort):
            attempt(workers(4), FIRST, "sync")
    assert writes(editor) == 0
    assert editor.upsert(workers(3), FIRST, "upsert-only").progress.created == 5
    assert editor.upsert(workers(3, network="10.9"), FIRST, "sync").progress.changed == 5


def test_the_rest_of_a_listed_zone_counts() -> None:
    editor = full(40)
    by_hand(editor, *(a(f"host-{n}") for n in range(20)))
    explicit = [a(f"s{number}") for number in range(19)]  # so many outside the subtree that the zone is listed whole
    room = editor.plan(explicit[:18], FIRST, "upsert-only").room
    assert room is not None
    assert (room.rrsets, room.limit) == (40, 40)
    with pytest.raises(QuotaShort):
        editor.upsert(explicit, FIRST, "upsert-only")
    assert editor.upsert(explicit[:18], FIRST, "upsert-only").progress.created == 18


class Undocumented(MemoryProvider):
    """A project of lower limits than the documented ones; `blind`: and nobody may see them."""

    blind = False

    def limits(self, zone: Zone) -> Limits:
        if self.blind:
            raise PermissionMissing(permission="dns.projects.get", resource="project 'memory'")
        return self.low

    def submit(self, zone: Zone, change: object) -> object:
        high, self.documented = self.documented, self.low
        try:
            return super().submit(zone, change)
        finally:
            self.documented = high

    low = Limits(additions=5, deletions=5)


def test_a_small_job_fits_into_a_project_of_small_changes() -> None:
    """A small plan goes by the documented limits, without asking; this project refuses that, and is asked then."""
    editor = ZoneEditor(Undocumented(ZONE), ZONE, contention=AT_ONCE)
    assert editor.upsert(workers(16), FIRST, "upsert-only").progress.changes == 5
    assert content(editor) == keyed(workers(16))


def test_limits_that_cannot_be_seen_are_left_to_the_cloud() -> None:
    provider = Undocumented(ZONE)
    provider.blind = True
    editor = ZoneEditor(provider, ZONE, contention=AT_ONCE)
    assert editor.plan([a(f"s{n}") for n in range(20)], FIRST, "sync").room is None
    with pytest.raises(QuotaShort):
        editor.upsert(workers(16), FIRST, "upsert-only")


# -- stopped in the middle --------------------------------------------------------------------------------------------


def refuse() -> None:
    raise PermissionMissing(permission="dns.changes.create", resource="zone 'ml-zone'")


def test_a_failure_names_what_is_live_and_what_is_not_and_the_retry_does_only_the_rest(editor: ZoneEditor) -> None:
    with pytest.raises(ChangeFailed) as failed:
        in_batches(editor, at=3, before=refuse).upsert(workers(12), FIRST, "upsert-only")
    error, live = failed.value, {name for name, _ in content(editor)}
    assert (error.live, error.missing, error.in_doubt) == (8, 6, 0)
    assert len(error.live_names) == len(error.missing_names) == 3
    assert set(error.live_names) <= live
    assert not set(error.missing_names) & live
    assert "dns.changes.create" in error.reason
    rest = in_batches(editor).upsert(workers(12), FIRST, "upsert-only")
    assert (rest.progress.created, len(rest.plan.unchanged)) == (6, 8)
    assert content(editor) == keyed(workers(12))


def test_where_nothing_was_sent_the_reason_alone_is_told(editor: ZoneEditor) -> None:
    with pytest.raises(PermissionMissing):
        meddled(editor, before=refuse).upsert(workers(3), FIRST, "sync")


def test_a_foreign_record_in_the_middle_of_an_apply_is_named_beside_what_is_live(editor: ZoneEditor) -> None:
    theirs = a("worker-9.job", "203.0.113.5")
    writer = in_batches(editor, at=3, before=lambda: by_hand(editor, theirs))
    with pytest.raises(ChangeFailed) as failed:
        writer.upsert(workers(12), FIRST, "upsert-only")
    assert failed.value.live == 8
    assert theirs.name in failed.value.reason
    assert content(editor)[theirs.key] == theirs


def aliases(count: int) -> list[RRset]:
    """The workers' names as CNAMEs: what stood there must go in the very change in which they come."""
    return [RRset(f"worker-{n}.job.{DNS_NAME}", "CNAME", 30, (f"host-{n}.{DNS_NAME}",)) for n in range(count)]


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(workers(12), workers(20, network="10.9"), id="more workers, other addresses"),
        pytest.param(workers(20), workers(7), id="fewer workers"),
        pytest.param(workers(12), aliases(12), id="addresses become aliases"),
        pytest.param(aliases(12), workers(12), id="aliases become addresses"),
    ],
)
def test_a_sync_never_leaves_a_moment_in_which_a_wanted_name_does_not_exist(
    editor: ZoneEditor, before: list[RRset], wanted: list[RRset]
) -> None:
    editor.upsert(before, FIRST, "sync")
    kept = {rrset.name for rrset in before} & {rrset.name for rrset in wanted}
    done = 0
    for at in range(1, 9):
        try:
            in_batches(editor, at=at, after=refuse).upsert(wanted, FIRST, "sync")
            break
        except ChangeFailed:
            done += 1
        except PermissionMissing:
            done += 1
        assert kept <= {name for name, _ in content(editor)}
    assert done >= 2
    assert content(editor) == keyed(wanted)


def test_a_cloud_that_is_down_says_so(editor: ZoneEditor) -> None:
    def down() -> None:
        raise CloudUnavailable("changes.create failed", way_out="retry")

    with pytest.raises(CloudUnavailable):
        meddled(editor, before=down).upsert(workers(3), FIRST, "sync")
    with pytest.raises(ChangeFailed) as failed:
        in_batches(editor, at=2, before=down).upsert(workers(9), FIRST, "sync")
    assert failed.value.reason == "changes.create failed"
