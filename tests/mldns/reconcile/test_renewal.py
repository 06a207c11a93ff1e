"""Which leases a check keeps alive, on a cloud in memory, and what becomes of those it cannot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mldns.events.written_records import WrittenRecords, certain_records, pack
from mldns.exceptions import CloudUnavailable, PermissionMissing
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.ownership.leases import Holding, RunState
from mldns.providers.editor import ZoneEditor
from mldns.reconcile.drift import ZoneReport, compare
from mldns.reconcile.renewal import renew
from tests.mldns.providers.job_zone import DNS_NAME, ZONE, manifest_of, meddled, memory_editor, writes

HOUR = 3_600
START = 1_800_000_000
LATE = START + 50 * 60
DESIRED = {
    job: DesiredRecords.parse(owner=job, dns_name=DNS_NAME, ttl=30, workers=[address])
    for job, address in (("job", "10.0.0.7"), ("other", "10.0.0.8"))
}


@pytest.fixture(params=["private", "public"])
def editor(request: pytest.FixtureRequest) -> Iterator[ZoneEditor]:
    """Two jobs under leases of an hour. A public zone's manifests hold digests of who has them."""
    made = replace(memory_editor(), zone=replace(ZONE, visibility=request.param), now=lambda: START)
    for job, desired in DESIRED.items():
        made.upsert(desired.rrsets, holder(job), "upsert-only")
    return made


def holder(job: str) -> Holder:
    return Holder(job, "airflow/train", f"run-{job}", expires=START + HOUR)


def written(job: str, generation: int = 1, hours: float | None = 1) -> WrittenRecords:
    desired, who = DESIRED[job], holder(job)
    return WrittenRecords(job, who.claimant, who.lease, generation, desired.rrsets, pack(desired), hours)


def report(editor: ZoneEditor, state: RunState = RunState.RUNNING) -> ZoneReport:
    return compare(
        editor.provider.rrsets(ZONE),
        dns_name=DNS_NAME,
        now=LATE,
        holding_of=lambda m: Holding("airflow/train", f"run-{m.owner}", "train", f"run-{m.owner}", state),
    )


def ends(editor: ZoneEditor) -> dict[str, int]:
    """How many minutes after the start each lease ends."""
    return {job: ((manifest_of(editor, job).expires or 0) - START) // 60 for job in DESIRED}


def test_what_a_task_asked_for_is_renewed_and_its_records_stay_certain(editor: ZoneEditor) -> None:
    asked = [written("job"), written("other", hours=None)]
    emitted = renew(lambda: editor, "ml", report(editor), asked, LATE)
    assert ends(editor) == {"job": 110, "other": 60}
    assert certain_records(manifest_of(editor), emitted).keys() == {rrset.key for rrset in DESIRED["job"].rrsets}
    assert renew(lambda: editor, "ml", report(editor), emitted, LATE) == [], "not due again"


def test_a_grant_since_the_upsert_keeps_no_lease_from_being_renewed(editor: ZoneEditor) -> None:
    editor.edit_grants("job", lambda found: (*found, "zone roles/dns.reader sha256:1"))
    emitted = renew(lambda: editor, "ml", report(editor), [written("job")], LATE)
    assert ends(editor)["job"] == 110
    assert emitted == [written("job")], "as old as before: its records are no more certain than they were"


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        ([written("job")], RunState.SUCCESS),
        ([written("job")], RunState.UNKNOWN),
        ([], RunState.RUNNING),  # no trusted event
        ([replace(written("job"), lease="run-0")], RunState.RUNNING),
    ],
    ids=["ended", "unknown", "nobody asked", "of an earlier run"],
)
def test_nothing_else_is_renewed_or_even_looked_at(
    editor: ZoneEditor, asked: list[WrittenRecords], state: RunState
) -> None:
    def never() -> ZoneEditor:
        raise AssertionError("nothing to write")

    assert renew(never, "ml", report(editor, state), asked, LATE) == []
    assert ends(editor) == {"job": 60, "other": 60}


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_without_the_permission_one_line_says_so_and_nobody_else_is_tried(
    editor: ZoneEditor, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = PermissionMissing(permission="dns.changes.create", resource="zone ml")
    read_only = meddled(editor, before=failing(refusal))
    with caplog.at_level(logging.WARNING):
        assert renew(lambda: read_only, "ml", report(editor), [written("job"), written("other")], LATE) == []
    (line,) = caplog.messages
    assert "2 lease(s)" in line and "dns.changes.create" in line
    assert (ends(editor), writes(editor)) == ({"job": 60, "other": 60}, 2)


def test_an_api_that_is_down_for_one_job_keeps_no_other_from_being_renewed(
    editor: ZoneEditor, caplog: pytest.LogCaptureFixture
) -> None:
    down = meddled(editor, before=failing(CloudUnavailable("no answer")))
    with caplog.at_level(logging.WARNING):
        renew(lambda: down, "ml", report(editor), [written("job"), written("other")], LATE)
    assert sorted(ends(editor).values()) == [60, 110]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("what", ["written", "released", "released meanwhile"])
def test_a_job_that_moved_since_it_was_looked_at_is_left_alone(editor: ZoneEditor, what: str) -> None:
    looked_at = report(editor)
    if what == "written":
        editor.edit_grants("job", lambda found: (*found, "zone roles/dns.reader sha256:1"))
    elif what == "released":
        editor.release(holder("job"))
    meanwhile = {"before": lambda: editor.release(holder("job"))} if what == "released meanwhile" else {}
    asked = [written("job")]
    assert renew(lambda: meddled(editor, **meanwhile), "ml", looked_at, asked, LATE) == []
    if what == "written":
        assert ends(editor)["job"] == 60
    else:
        assert editor.reader.manifest("job")[1] is None
