"""Answers against the hand-off: which names do not have the address that they were handed over with."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mldns.handoff.agreement import addresses, disagreements, proven, shared, unproven
from mldns.handoff.reader import HandOff, read
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import parse_workers

Answers = dict[str, tuple[str, ...]]


def job(count: int) -> tuple[HandOff, Answers]:
    """A job, and what DNS answers when all is right."""
    workers = parse_workers([f"10.{n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(count)])
    handoff = read(hand_off(DesiredRecords("bert", "ml.example.com.", 30, workers), zone="ml"))
    found: Answers = {f"worker-{worker.rank}.bert.ml.example.com.": (worker.address,) for worker in workers}
    return handoff, found | {"master.bert.ml.example.com.": (workers[0].address,)}


@pytest.mark.parametrize("count", [1, 3, 200])
def test_the_right_addresses_are_proven(count: int) -> None:
    handoff, found = job(count)
    assert proven(handoff, found)
    assert disagreements(handoff, found) == []


@pytest.mark.parametrize("count", [3, 200])
def test_a_wrong_address_is_named(count: int) -> None:
    handoff, found = job(count)
    found["worker-2.bert.ml.example.com."] = ("10.9.9.9",)
    assert not proven(handoff, found)
    [wrong] = disagreements(handoff, found)
    assert (wrong.name, wrong.got) == ("worker-2.bert.ml.example.com.", "10.9.9.9")


def test_of_many_hosts_several_wrong_ones_are_said_to_be_among_those_named() -> None:
    handoff, found = job(200)
    for rank in (3, 150):
        found[f"worker-{rank}.bert.ml.example.com."] = ("10.9.9.9",)
    assert {item.why.split(" is ")[0] for item in disagreements(handoff, found)} == {"this one or another of 4"}


def test_one_address_too_many_is_wrong() -> None:
    handoff, found = job(3)
    found["worker-1.bert.ml.example.com."] += ("10.9.9.9",)
    assert [wrong.got for wrong in disagreements(handoff, found)] == ["10.0.0.2 10.9.9.9"]


def test_two_hosts_that_changed_places_are_both_named() -> None:
    handoff, found = job(3)
    one, two = "worker-1.bert.ml.example.com.", "worker-2.bert.ml.example.com."
    found[one], found[two] = found[two], found[one]
    assert [wrong.name for wrong in disagreements(handoff, found)] == [one, two]


@pytest.mark.parametrize(("count", "known", "judged"), [(128, [5], True), (129, [5], False), (129, range(12), True)])
def test_what_no_digest_covers_is_neither_right_nor_wrong(count: int, known: Iterable[int], judged: bool) -> None:
    """Of 129 hosts twelve have a digest together: with all of them known, each is proven."""
    handoff, found = job(count)
    names = [f"worker-{rank}.bert.ml.example.com." for rank in known]
    few = {name: found[name] for name in names}
    assert unproven(handoff, few) == ([] if judged else names)
    assert unproven(handoff, found) == []


def test_the_alias_holds_the_masters_address() -> None:
    handoff, found = job(3)
    found["master.bert.ml.example.com."] = ("10.0.0.3",)
    [wrong] = disagreements(handoff, found)
    assert (wrong.name, wrong.expected, wrong.got) == ("master.bert.ml.example.com.", "10.0.0.1", "10.0.0.3")


def test_a_missing_name_is_not_a_wrong_one_and_hides_none() -> None:
    handoff, found = job(3)
    del found["worker-0.bert.ml.example.com."]
    assert not proven(handoff, found)
    assert disagreements(handoff, found) == []
    found["worker-1.bert.ml.example.com."] = ("10.9.9.9",)
    assert [wrong.name for wrong in disagreements(handoff, found)] == ["worker-1.bert.ml.example.com."]


def test_a_hand_off_without_digests_proves_nothing_and_accuses_nobody() -> None:
    workers = parse_workers(["10.0.0.1", "10.0.0.2"])
    value = hand_off(DesiredRecords("bert", "ml.example.com.", 30, workers), zone="ml")
    del value["addresses"]
    _, found = job(2)
    assert not proven(read(value), found)
    assert disagreements(read(value), found) == []


def test_digests_that_contradict_each_other_are_not_taken_for_agreement() -> None:
    workers = parse_workers(["10.0.0.1", "10.0.0.2"])
    value = hand_off(DesiredRecords("bert", "ml.example.com.", 30, workers), zone="ml")
    value["addresses"]["digest"] = "0" * 16
    _, found = job(2)
    assert len(disagreements(read(value), found)) == 2


def test_both_families_of_a_name_count_and_ipv6_has_one_spelling() -> None:
    answers = {("a.", "A"): ("10.0.0.1",), ("a.", "AAAA"): ("FD00:0::1",), ("_x._tcp.a.", "SRV"): ("0 0 1 a.",)}
    assert addresses(answers) == {"a.": ("10.0.0.1", "fd00::1")}


def test_names_that_share_an_address() -> None:
    assert shared({"a.": ("10.0.0.1",), "b.": ("10.0.0.2",)}) == []
    found = {"a.": ("10.0.0.1",), "b.": ("10.0.0.2", "10.0.0.1"), "c.": ("10.0.0.1",)}
    assert shared(found) == ["10.0.0.1 is the address of 3 names, first a. and b."]
