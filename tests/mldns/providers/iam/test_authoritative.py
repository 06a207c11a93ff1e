"""The authoritative form: a role is for exactly these, and nobody goes unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from mldns.exceptions import RemovalsRefused
from mldns.iam.grants import Grant, Note
from mldns.iam.policy import Edit, IamPolicy, add_members
from mldns.providers.iam.authoritative import Review, bind_exactly, review
from mldns.providers.iam.binding import bind
from mldns.providers.iam.ledger import JobLedger
from mldns.providers.iam.policy_store import IamPolicyStore, edit_policy

ADMIN, READER = "roles/dns.admin", "roles/dns.reader"
ALICE, BOB, EVE = "user:alice@example.com", "user:bob@example.com", "user:eve@example.com"
GONE = "deleted:user:former@example.com?uid=12"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}
TO_ALICE = Grant("project", ADMIN, (ALICE,))
JOB_B = "job 'job-b' in zone 'ml-zone'"


def set_members(policy: IamPolicyStore, *grants: Grant) -> None:
    def edit(policy: IamPolicy) -> Edit:
        edits = Edit(policy, (), ())
        for grant in grants:
            edits = add_members(edits.policy, role=grant.role, members=grant.members, condition=grant.condition)
        return edits

    edit_policy(policy, edit)


def has(policy: IamPolicyStore, role: str = ADMIN, condition: dict[str, str] | None = None) -> list[str]:
    bindings = policy.read().get("bindings", ())
    return [m for b in bindings if b["role"] == role and b.get("condition") == condition for m in b["members"]]


class Overtaken:
    """A policy that somebody else writes before the write of that number, counted from 0."""

    def __init__(self, policy: IamPolicyStore, number: int, other: Callable[[], object]) -> None:
        self._policy, self._number, self._other, self.resource = policy, number, other, policy.resource
        self.read, self.test = policy.read, policy.test

    def write(self, policy: IamPolicy) -> None:
        if self._number == 0:
            self._other()
        self._number -= 1
        self._policy.write(policy)


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
    policy: IamPolicyStore, members: tuple[str, ...], removals: list[str], after: list[str], unreviewed: list[str]
) -> None:
    elsewhere = [Grant("project", READER, (BOB,)), Grant("project", ADMIN, (BOB, EVE), NIGHTLY)]
    set_members(policy, replace(TO_ALICE, members=tuple(FOUND)), *elsewhere)
    before, grant = policy.read(), replace(TO_ALICE, members=members)
    if unreviewed:
        with pytest.raises(RemovalsRefused) as refusal:
            bind_exactly(policy, grant, None, None, reviewed=removals)
        assert list(refusal.value.unreviewed) == unreviewed
        assert policy.read() == before
    else:
        _, _, removed = bind_exactly(policy, grant, None, None, reviewed=removals)
        assert removed == [member for member in FOUND if member not in after]
        assert bind_exactly(policy, grant, None, None, reviewed=removals)[2] == [], "a retry finds nothing left to do"
    assert has(policy) == after
    assert (has(policy, READER), has(policy, ADMIN, NIGHTLY)) == ([BOB], [BOB, EVE])


def test_a_review_tells_who_would_come_and_who_would_go(policy: IamPolicyStore, a: JobLedger, b: JobLedger) -> None:
    set_members(policy, replace(TO_ALICE, members=(ALICE, GONE)))
    bind(policy, replace(TO_ALICE, members=(BOB,)), b)
    before = policy.read()
    grant = replace(TO_ALICE, members=(ALICE, EVE))
    expected = Review(adds=(EVE,), already=(ALICE,), removes=(GONE, BOB), held={BOB: (JOB_B,)})
    assert review(policy, grant, a.ledger) == expected
    assert review(policy, grant, b.ledger, job=b.job) == replace(expected, held={})
    assert review(policy, grant, a.ledger, authoritative=False) == replace(expected, removes=(), held={})
    assert policy.read() == before


def test_every_removal_is_told_before_it_is_made(policy: IamPolicyStore, caplog: pytest.LogCaptureFixture) -> None:
    set_members(policy, replace(TO_ALICE, members=(ALICE, BOB)))

    def written() -> None:
        told.extend(record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)

    told: list[str] = []
    bind_exactly(Overtaken(policy, 0, written), TO_ALICE, None, None, reviewed=[BOB])
    assert told == [f"policy of {policy.resource}: {BOB} loses {ADMIN}, as reviewed"]


@pytest.mark.parametrize("number", [0, 1], ids=["before the members are added", "before the others are removed"])
def test_who_comes_between_the_review_and_the_write_does_not_go_unseen(policy: IamPolicyStore, number: int) -> None:
    set_members(policy, replace(TO_ALICE, members=(BOB,)))
    racing = Overtaken(policy, number, lambda: set_members(policy, replace(TO_ALICE, members=(EVE,))))
    with pytest.raises(RemovalsRefused) as refused:
        bind_exactly(racing, TO_ALICE, None, None, reviewed=[BOB])
    assert refused.value.unreviewed == (EVE,)
    assert sorted(has(policy)) == [ALICE, BOB, EVE]


def test_nobody_goes_whom_another_job_holds(policy: IamPolicyStore, a: JobLedger, b: JobLedger) -> None:
    bind(policy, replace(TO_ALICE, members=(BOB,)), b)
    with pytest.raises(RemovalsRefused, match=r"bob@example\.com would lose it and is held by job 'job-b'") as refusal:
        bind_exactly(policy, TO_ALICE, a, a.ledger, reviewed=[BOB])
    assert refusal.value.held == {BOB: (JOB_B,)}
    assert has(policy) == [BOB]


def test_whom_a_job_comes_to_hold_meanwhile_gets_it_back(
    policy: IamPolicyStore, a: JobLedger, b: JobLedger, caplog: pytest.LogCaptureFixture
) -> None:
    set_members(policy, replace(TO_ALICE, members=(ALICE,)))
    bind(policy, replace(TO_ALICE, members=(BOB,)), a)
    racing = Overtaken(policy, 0, lambda: bind(policy, replace(TO_ALICE, members=(BOB,)), b))
    bind_exactly(racing, TO_ALICE, a, a.ledger, reviewed=[BOB])
    assert sorted(has(policy)) == [ALICE, BOB]
    assert f"given back, as jobs hold it: {BOB}" in caplog.text


def test_notes_follow(policy: IamPolicyStore, a: JobLedger) -> None:
    both = replace(TO_ALICE, members=(ALICE, BOB, EVE))
    bind(policy, replace(TO_ALICE, members=(BOB,)), a)
    added, already, removed = bind_exactly(policy, replace(TO_ALICE, members=(EVE,)), a, a.ledger, reviewed=[BOB])
    assert (added, already, removed) == ([EVE], [], [BOB])
    assert a.notes(both) == {EVE: Note.HELD}
