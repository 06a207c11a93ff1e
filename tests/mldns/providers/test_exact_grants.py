"""The authoritative form, against a real localcloud: a role is for exactly these, and nobody goes unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from mldns.exceptions import RemovalsRefused
from mldns.iam.grants import Grant, Note
from mldns.iam.policy import Edit, Policy, add_members
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.iam.authoritative import Review, bind_exactly, review
from mldns.providers.gcp.iam.grants import bind
from mldns.providers.gcp.iam.ledger import GrantBook
from mldns.providers.gcp.iam.policy_store import PolicyStore, edit_policy

ADMIN, READER = "roles/dns.admin", "roles/dns.reader"
ALICE, BOB, EVE = "user:alice@example.com", "user:bob@example.com", "user:eve@example.com"
GONE = "deleted:user:former@example.com?uid=12"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
TO_ALICE = Grant("project", ADMIN, (ALICE,))
JOB_B = "job 'job-b' in zone 'ml-zone'"


def set_members(store: PolicyStore, *grants: Grant) -> None:
    def edit(policy: Policy) -> Edit:
        edits = Edit(policy, (), ())
        for grant in grants:
            edits = add_members(edits.policy, role=grant.role, members=grant.members, condition=grant.condition)
        return edits

    edit_policy(store, edit)


def has(store: PolicyStore, role: str = ADMIN, condition: dict[str, str] | None = None) -> list[str]:
    bindings = store.read().get("bindings", ())
    return [m for b in bindings if b["role"] == role and b.get("condition") == condition for m in b["members"]]


class Overtaken:
    """A policy that somebody else writes before the write of that number, counted from 0."""

    def __init__(self, store: PolicyStore, number: int, other: Callable[[], object]) -> None:
        self._store, self._number, self._other, self.resource = store, number, other, store.resource
        self.read, self.test = store.read, store.test

    def write(self, policy: Policy) -> None:
        if self._number == 0:
            self._other()
        self._number -= 1
        self._store.write(policy)


@pytest.fixture
def a(editor: ZoneEditor) -> GrantBook:
    return GrantBook(editor, "job-a")


@pytest.fixture
def b(editor: ZoneEditor) -> GrantBook:
    return GrantBook(editor, "job-b")


FOUND = [ALICE, BOB, GONE]

CASES = [
    # members    removals                         who has it then  who was not reviewed
    ((ALICE,), [BOB, GONE], [ALICE], []),
    ((ALICE, BOB), [GONE], [ALICE, BOB], []),
    ((EVE,), [ALICE, BOB, GONE], [EVE], []),
    ((ALICE,), ["user:BOB@example.com", GONE], [ALICE], []),
    ((ALICE,), [BOB, GONE, EVE], [ALICE], []),
    ((ALICE,), [BOB], FOUND, [GONE]),
    ((EVE,), [], FOUND, FOUND),
]


@pytest.mark.parametrize(("members", "removals", "after", "unreviewed"), CASES)
def test_exactly_the_members_have_the_role_and_only_who_was_reviewed_goes(
    store: PolicyStore, members: tuple[str, ...], removals: list[str], after: list[str], unreviewed: list[str]
) -> None:
    elsewhere = [Grant("project", READER, (BOB,)), Grant("project", ADMIN, (BOB, EVE), NIGHTLY)]
    set_members(store, replace(TO_ALICE, members=tuple(FOUND)), *elsewhere)
    before, grant = store.read(), replace(TO_ALICE, members=members)
    if unreviewed:
        with pytest.raises(RemovalsRefused) as refusal:
            bind_exactly(store, grant, None, None, reviewed=removals)
        assert list(refusal.value.unreviewed) == unreviewed
        assert store.read() == before
    else:
        _, _, removed = bind_exactly(store, grant, None, None, reviewed=removals)
        assert removed == [member for member in FOUND if member not in after]
        assert bind_exactly(store, grant, None, None, reviewed=removals)[2] == [], "a retry finds nothing left to do"
    assert has(store) == after
    assert (has(store, READER), has(store, ADMIN, NIGHTLY)) == ([BOB], [BOB, EVE])


def test_a_review_tells_who_would_come_and_who_would_go(store: PolicyStore, a: GrantBook, b: GrantBook) -> None:
    set_members(store, replace(TO_ALICE, members=(ALICE, GONE)))
    bind(store, replace(TO_ALICE, members=(BOB,)), b)
    before = store.read()
    grant = replace(TO_ALICE, members=(ALICE, EVE))
    expected = Review(adds=(EVE,), already=(ALICE,), removes=(GONE, BOB), held={BOB: (JOB_B,)})
    assert review(store, grant, a.ledger) == expected
    assert review(store, grant, b.ledger, job=b.job) == replace(expected, held={})
    assert review(store, grant, a.ledger, authoritative=False) == replace(expected, removes=(), held={})
    assert store.read() == before


def test_every_removal_is_told_before_it_is_made(store: PolicyStore, caplog: pytest.LogCaptureFixture) -> None:
    set_members(store, replace(TO_ALICE, members=(ALICE, BOB)))

    def written() -> None:
        told.extend(record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)

    told: list[str] = []
    bind_exactly(Overtaken(store, 0, written), TO_ALICE, None, None, reviewed=[BOB])
    assert told == [f"policy of {store.resource}: {BOB} loses {ADMIN}, as reviewed"]


@pytest.mark.parametrize("number", [0, 1], ids=["before the members are added", "before the others are removed"])
def test_who_comes_between_the_review_and_the_write_does_not_go_unseen(store: PolicyStore, number: int) -> None:
    set_members(store, replace(TO_ALICE, members=(BOB,)))
    racing = Overtaken(store, number, lambda: set_members(store, replace(TO_ALICE, members=(EVE,))))
    with pytest.raises(RemovalsRefused, match=r"eve@example\.com; agree to it by naming them there"):
        bind_exactly(racing, TO_ALICE, None, None, reviewed=[BOB])
    assert sorted(has(store)) == [ALICE, BOB, EVE]


def test_nobody_goes_whom_another_job_holds(store: PolicyStore, a: GrantBook, b: GrantBook) -> None:
    bind(store, replace(TO_ALICE, members=(BOB,)), b)
    with pytest.raises(RemovalsRefused, match=r"bob@example\.com would lose it and is held by job 'job-b'") as refusal:
        bind_exactly(store, TO_ALICE, a, a.ledger, reviewed=[BOB])
    assert refusal.value.held == {BOB: (JOB_B,)}
    assert has(store) == [BOB]


def test_whom_a_job_comes_to_hold_meanwhile_gets_it_back(
    store: PolicyStore, a: GrantBook, b: GrantBook, caplog: pytest.LogCaptureFixture
) -> None:
    set_members(store, replace(TO_ALICE, members=(ALICE,)))
    bind(store, replace(TO_ALICE, members=(BOB,)), a)
    racing = Overtaken(store, 0, lambda: bind(store, replace(TO_ALICE, members=(BOB,)), b))
    bind_exactly(racing, TO_ALICE, a, a.ledger, reviewed=[BOB])
    assert sorted(has(store)) == [ALICE, BOB]
    assert f"given back, as jobs hold it: {BOB}" in caplog.text


def test_notes_follow(store: PolicyStore, a: GrantBook) -> None:
    both = replace(TO_ALICE, members=(ALICE, BOB, EVE))
    bind(store, replace(TO_ALICE, members=(BOB,)), a)
    added, already, removed = bind_exactly(store, replace(TO_ALICE, members=(EVE,)), a, a.ledger, reviewed=[BOB])
    assert (added, already, removed) == ([EVE], [], [BOB])
    assert a.notes(both) == {EVE: Note.HELD}
