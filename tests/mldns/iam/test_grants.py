"""How manifests note grants: the marks, and that nothing a job relies on is read over."""

from __future__ import annotations

import pytest

from mldns.iam.grants import Grant, Job, Note, marked, noted, notes_in
from mldns.ownership.manifest import Manifest
from mldns.records.rrset import RRset

TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
GRANT = Grant("project", "roles/dns.admin", (TRAINER,))

X, Y = "project roles/dns.admin sha256:aa", "zone roles/dns.reader sha256:bb"


@pytest.mark.parametrize(
    ("before", "marks", "after"),
    [
        ((), {X: Note.INTENDED}, ("?" + X,)),
        (("?" + X,), {X: Note.HELD}, (X,)),
        ((X,), {X: Note.LEAVING}, ("-" + X,)),
        (("-" + X,), {X: None}, ()),
        ((X, Y), {X: Note.LEAVING}, ("-" + X, Y)),
        ((Y,), {X: Note.INTENDED}, (Y, "?" + X)),
        ((Y,), {X: None}, (Y,)),
        ((X, "-" + X), {}, ("-" + X,)),  # an edit by hand: the last one counts
    ],
)
def test_marks(before: tuple[str, ...], marks: dict[str, Note | None], after: tuple[str, ...]) -> None:
    assert marked(before, marks) == after


def test_a_note_is_one_string_and_tells_no_account() -> None:
    text = GRANT.recorded(TRAINER)
    assert text == GRANT.recorded(TRAINER.replace("trainer@", "Trainer@")), "addresses ignore case"
    assert text.startswith("project roles/dns.admin sha256:")
    assert "trainer" not in text
    assert noted(marked((), {text: Note.LEAVING})) == {text: Note.LEAVING}


@pytest.mark.parametrize(
    "other",
    [
        Grant("zone", "roles/dns.admin", (TRAINER,)),
        Grant("project", "roles/dns.reader", (TRAINER,)),
        Grant("project", "roles/dns.admin", (TRAINER,), NIGHTLY),
    ],
)
def test_scope_role_and_condition_make_another_grant(other: Grant) -> None:
    assert other.recorded(TRAINER) != GRANT.recorded(TRAINER)


def test_notes_are_read_out_of_a_manifest_even_of_a_damaged_one() -> None:
    rrset = Manifest(owner="bert", lease="run-1", grants=(X, "-" + Y)).to_rrset("ml.example.com.")
    assert notes_in(rrset) == {X: Note.HELD, Y: Note.LEAVING}
    damaged = RRset(rrset.name, "TXT", 60, (rrset.rrdatas[0].replace("lease=run-1", "lease=mine"),))
    assert notes_in(damaged) == notes_in(rrset)
    assert notes_in(RRset(rrset.name, "TXT", 60, ('"something else"',))) == {}


def test_a_job_in_words() -> None:
    assert str(Job("ml", "bert")) == "job 'bert' in zone 'ml'"
