"""Two writers of one job, and writers that die, on a cloud in memory: what each side is told.

The simulator walks all interleavings of the calls; here are those that have a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import pytest

from mldns.exceptions import ChangeFailed, ClaimMoved, ClaimRefused, CloudUnavailable, LeaseLost
from mldns.ownership.claims import LeaseEnd
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.records.rrset import RRset
from tests.mldns.providers.job_zone import (
    FIRST,
    SECOND,
    STRANGER,
    Meddled,
    a,
    by_hand,
    content,
    in_batches,
    keyed,
    lose,
    manifest_of,
    meddled,
    memory_editor,
    workers,
    writes,
)

OLD, NEW = workers(9), workers(9, network="10.2")


@pytest.fixture
def editor() -> ZoneEditor:
    return memory_editor()


# -- overtaken and released while writing -----------------------------------------------------------------------------


@pytest.mark.parametrize("second", [SECOND, replace(STRANGER, adopt=True)], ids=["a later lease", "an adopter"])
def test_a_run_that_is_overtaken_while_it_writes_stops(editor: ZoneEditor, second: object) -> None:
    """Taking the names back would leave two runs that both believe to hold them, and whose addresses alternate."""
    writer = in_batches(editor, at=2, before=lambda: editor.upsert(NEW, second, "upsert-only"))
    with pytest.raises(LeaseLost) as lost:
        writer.upsert(OLD, FIRST, "upsert-only")
    assert (lost.value.holder, lost.value.live) == (second.lease, 4)
    assert content(editor) == keyed(NEW)


def test_a_run_that_is_released_while_it_writes_stops(editor: ZoneEditor) -> None:
    """Its teardown came first, say because the task was given up: what it would still write, nobody would remove."""
    with pytest.raises(LeaseLost) as lost:
        in_batches(editor, at=2, before=lambda: editor.release(FIRST)).upsert(OLD, FIRST, "upsert-only")
    assert (lost.value.holder, lost.value.live, content(editor)) == (None, 4, {})


@pytest.mark.parametrize("again", ["upsert", "claim"])
def test_what_is_released_before_the_first_change_is_not_taken_again(editor: ZoneEditor, again: str) -> None:
    """A run is marked failed: its teardown is through before its task, which still lives, has sent anything."""
    editor.claim(workers(3), FIRST)
    late = meddled(editor, before=lambda: editor.release(FIRST))
    with pytest.raises(LeaseLost) as lost:
        late.claim(workers(4), FIRST) if again == "claim" else late.upsert(workers(3), FIRST, "upsert-only")
    assert lost.value.live == 0
    assert editor.reader.manifest("job") == (None, None)


def test_names_that_nobody_held_are_taken_though_others_come_and_go(editor: ZoneEditor) -> None:
    """What was never in these hands cannot have been lost: another run's claim and release are no reason to stop."""

    def come_and_go() -> None:
        editor.claim(workers(2), SECOND)
        editor.release(SECOND)
        editor.claim(workers(2), SECOND)

    assert meddled(editor, before=come_and_go).upsert(workers(3), FIRST, "upsert-only").progress.created == 5


def test_two_tasks_of_one_run_at_once_both_succeed(editor: ZoneEditor) -> None:
    writer = meddled(editor, before=lambda: editor.upsert(workers(2), FIRST, "upsert-only"))
    assert writer.upsert(workers(3), FIRST, "upsert-only").progress.created == 1
    assert (content(editor), manifest_of(editor).generation) == (keyed(workers(3)), 2)


def test_that_one_run_has_ended_says_nothing_of_the_run_that_took_over_meanwhile(editor: ZoneEditor) -> None:
    """Run 1 ended unreleased; run 3 knows that, and is about to write when run 2 takes over and begins to train."""
    terms = {"expires": int(editor.now()) + 3600, "lease_ended": LeaseEnd("run-1", True)}
    editor.upsert(workers(3), replace(FIRST, **terms), "upsert-only")
    taking = replace(SECOND, **terms)
    writer = meddled(editor, before=lambda: editor.upsert(NEW, taking, "upsert-only"))
    with pytest.raises(ClaimRefused) as refused:
        writer.upsert(OLD, replace(taking, lease="run-3"), "upsert-only")
    assert (refused.value.lease, content(editor)) == ("run-2", content(editor) | keyed(NEW))


def test_a_renewal_in_the_middle_of_an_apply_hinders_neither(editor: ZoneEditor) -> None:
    writer = in_batches(editor, at=2, before=lambda: editor.renew(replace(FIRST, expires=2_000_000_000)))
    assert writer.upsert(OLD, replace(FIRST, expires=1_900_000_000), "upsert-only").progress.created == len(OLD)
    assert manifest_of(editor).expires == 2_000_000_000


def test_a_manifest_deleted_by_hand_in_the_middle_of_an_apply_stops_it(editor: ZoneEditor) -> None:
    """Nobody can tell any more what is whose; claiming it anew would be a guess."""

    def delete() -> None:
        listed = editor.reader.manifest("job")[0]
        assert listed is not None
        by_hand(editor, gone=(listed,))

    with pytest.raises(LeaseLost) as lost:
        in_batches(editor, at=2, before=delete).upsert(OLD, FIRST, "upsert-only")
    assert (lost.value.holder, lost.value.live) == (None, 4)
    editor.upsert(OLD, replace(FIRST, adopt=True), "upsert-only")
    assert content(editor) == keyed(OLD)


# -- acting on what was looked at -------------------------------------------------------------------------------------

Meanwhile = Callable[[ZoneEditor], object]
GRANT = "zone roles/dns.admin sha256:0"
MEANWHILE: dict[str, tuple[Meanwhile, type[Exception]]] = {
    "other addresses": (lambda editor: editor.upsert(NEW, FIRST, "upsert-only"), ClaimMoved),
    "a longer lease": (lambda editor: editor.renew(replace(FIRST, expires=2_000_000_000)), ClaimMoved),
    "a grant": (lambda editor: editor.edit_grants("job", lambda _: (GRANT,)), ClaimMoved),
    "a later run": (lambda editor: editor.upsert(NEW, SECOND, "upsert-only"), LeaseLost),
    "a release": (lambda editor: editor.release(FIRST), LeaseLost),
}


@pytest.mark.parametrize("what", MEANWHILE)
@pytest.mark.parametrize("raced", [False, True], ids=["before it reads", "while it writes"])
def test_a_repair_undoes_nothing_that_was_written_since(editor: ZoneEditor, what: str, *, raced: bool) -> None:
    editor.upsert(OLD, FIRST, "upsert-only")
    by_hand(editor, gone=(OLD[0],))
    meanwhile, error = MEANWHILE[what]
    if not raced:
        meanwhile(editor)
    late = meddled(editor, before=lambda: meanwhile(editor)) if raced else editor
    with pytest.raises(error):
        late.upsert(OLD[:1], replace(FIRST, at_generation=1), "upsert-only")
    assert content(editor).get(OLD[0].key) != OLD[0], "the old address did not come back"


@pytest.mark.parametrize("what", list(MEANWHILE)[:3])
def test_a_collection_removes_nothing_of_a_run_that_has_come_back(editor: ZoneEditor, what: str) -> None:
    editor.upsert(OLD, FIRST, "upsert-only")
    MEANWHILE[what][0](editor)
    before = writes(editor)
    with pytest.raises(ClaimMoved) as moved:
        editor.release(replace(FIRST, at_generation=1))
    assert (moved.value.looked_at, moved.value.found, writes(editor)) == (1, 2, before)


def test_a_repair_restores_what_is_lost_and_leaves_the_lease_as_it_is(editor: ZoneEditor) -> None:
    editor.upsert(OLD, replace(FIRST, expires=2_000_000_000), "upsert-only")
    by_hand(editor, gone=(OLD[0],))
    done = editor.upsert(OLD[:1], replace(FIRST, at_generation=1, lease_ended=False), "upsert-only")
    assert content(editor) == keyed(OLD)
    assert done.manifest is not None
    assert (done.manifest.lease, done.manifest.expires) == ("run-1", 2_000_000_000)
    assert done.manifest.names == content(editor).keys()


# -- dead writers and lost answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_lost_answer_is_looked_up_and_each_change_is_applied_once(editor: ZoneEditor, at: int, when: str) -> None:
    applied = in_batches(editor, at=at, **{when: lose}).upsert(OLD, FIRST, "upsert-only")
    assert (applied.progress.created, applied.progress.changes, applied.progress.last_id) == (len(OLD), 3, "3")
    assert (content(editor), writes(editor)) == (keyed(OLD), 3)


def test_a_lost_answer_without_a_history_is_still_not_sent_twice(editor: ZoneEditor) -> None:
    class NoHistory(Meddled):
        def find_change(self, zone: Zone, change: object = None) -> None:
            return None

    writer = replace(editor, provider=NoHistory(editor.provider, after=lose))
    applied = writer.upsert(OLD, FIRST, "upsert-only")
    assert (applied.progress.created, applied.progress.last_id, writes(editor)) == (len(OLD), None, 1)


def test_the_same_claim_made_again_is_not_taken_for_the_old_one(editor: ZoneEditor) -> None:
    """The history holds an equal change from before the release; only the manifest tells them apart."""
    editor.upsert(OLD, FIRST, "upsert-only")
    editor.release(FIRST)
    meddled(editor, before=lose).upsert(OLD, FIRST, "upsert-only")
    assert content(editor) == keyed(OLD)


def test_a_lost_change_is_not_taken_for_ours_where_somebody_else_has_the_names(editor: ZoneEditor) -> None:
    editor.upsert(OLD, FIRST, "upsert-only")
    editor.release(FIRST)

    def taken() -> None:
        editor.claim(OLD, STRANGER)
        lose()

    with pytest.raises(ClaimRefused):
        meddled(editor, before=taken).upsert(OLD, FIRST, "upsert-only")


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_nobody_can_look_up_is_told_as_in_doubt(editor: ZoneEditor, when: str) -> None:
    class Dark(Meddled):
        """After the lost answer, nothing can be read."""

        def rrsets(self, zone: Zone, **what: str) -> object:
            if self._left <= 0:
                raise CloudUnavailable("resourceRecordSets.list failed")
            return self._provider.rrsets(zone, **what)

    writer = in_batches(editor)
    writer = replace(editor, provider=Dark(editor.provider, at=2, **{when: lose}))
    writer.quota.asked = in_batches(editor).quota.asked
    with pytest.raises(ChangeFailed) as failed:
        writer.upsert(OLD, FIRST, "upsert-only")
    assert (failed.value.live, failed.value.missing, failed.value.in_doubt) == (4, len(OLD) - 8, 4)
    assert len(content(editor)) == (4 if when == "before" else 8)


# -- lists of several pages -------------------------------------------------------------------------------------------


class Paged(Meddled):
    """Once, another writer comes in behind the `page` first records of a list; what follows is listed after that."""

    def __init__(self, provider: object, by: Callable[[], object], page: int) -> None:
        super().__init__(provider)
        self._by, self._page = by, page

    def rrsets(self, zone: Zone, **what: str) -> Iterator[RRset]:
        first = list(islice(self._provider.rrsets(zone, **what), self._page))
        yield from first
        if "below" in what:
            by, self._by = self._by, lambda: None
            by()
        last = first[-1].key if first else ("", "")
        yield from (rrset for rrset in self._provider.rrsets(zone, **what) if rrset.key > last)


def test_records_that_the_own_job_wrote_behind_the_first_page_are_no_conflict(editor: ZoneEditor) -> None:
    editor.upsert(OLD, FIRST, "upsert-only")
    more = workers(20)
    late = replace(editor, provider=Paged(editor.provider, lambda: editor.upsert(more, FIRST, "upsert-only"), 5))
    assert late.plan(more, FIRST, "upsert-only").conflicts == ()


def test_no_record_listed_before_the_manifest_is_forgotten(editor: ZoneEditor) -> None:
    """`*` comes before the manifest in the list, and is written behind the reader's back."""
    first, star = a("0.job"), a("*.job")
    editor.upsert([first, *OLD], FIRST, "upsert-only")
    late = replace(editor, provider=Paged(editor.provider, lambda: editor.upsert([star], FIRST, "upsert-only"), 1))
    late.upsert(workers(12), FIRST, "upsert-only")
    wanted: list[RRset] = [first, star, *workers(12)]
    assert manifest_of(editor).names == content(editor).keys() == keyed(wanted).keys()
