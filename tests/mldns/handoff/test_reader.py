"""Reading a hand-off: the hosts come back as they were, and what cannot be is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import read
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import parse_workers


def of(workers: Any) -> dict[str, Any]:
    """The hand-off of a job `bert`."""
    return hand_off(DesiredRecords("bert", "ml.example.com.", 30, parse_workers(workers) if workers else ()), zone="ml")


TWO = of("10.0.0.1 slots=8\n10.0.0.2 slots=4")
ROLES = of(
    [
        {"role": "worker", "rank": 1, "address": "10.0.0.3", "slots": 4},
        {"role": "ps", "rank": 0, "address": "10.0.0.4"},
        {"role": "chief", "rank": 0, "address": "10.0.0.1", "slots": 2},
        {"role": "worker", "rank": 0, "address": "10.0.0.2", "slots": 8},
    ]
)


def test_hosts_come_in_the_order_of_ranks_with_the_processes_before_them() -> None:
    hosts = read(json.dumps(TWO)).hosts
    assert [(host.name, host.index, host.slots, host.first_process) for host in hosts] == [
        ("worker-0.bert.ml.example.com", 0, 8, 0),
        ("worker-1.bert.ml.example.com", 1, 4, 8),
    ]


def test_the_masters_role_comes_first_and_the_others_by_name() -> None:
    handoff = read(ROLES)
    assert [(host.role, host.rank, host.slots, host.first_process) for host in handoff.hosts] == [
        ("chief", 0, 2, 0),
        ("ps", 0, 1, 2),
        ("worker", 0, 8, 3),
        ("worker", 1, 4, 11),
    ]
    assert handoff.master == "chief-0.bert.ml.example.com"
    assert handoff.host(1, "worker").index == 3


def test_of_several_roles_one_is_to_be_said() -> None:
    with pytest.raises(InvalidInput, match="has the roles chief, ps, worker: say which one"):
        read(ROLES).host(1)
    with pytest.raises(InvalidInput, match="has no role 'evaluator': it has chief, ps, worker"):
        read(ROLES).host(0, "evaluator")
    with pytest.raises(InvalidInput, match="has no worker rank 2: it has ranks 0 to 1 of it"):
        read(TWO).host(2)


def test_keys_of_a_later_release_are_passed_over() -> None:
    assert read({**TWO, "something": "new"}).count == 2


def test_a_hand_off_of_an_older_release_tells_less() -> None:
    older = {key: value for key, value in TWO.items() if key not in ("slot_runs", "record_type", "addresses")}
    handoff = read(older)
    assert (handoff.slots, handoff.record_type, handoff.addresses) == (None, None, None)
    assert [host.slots for host in handoff.hosts] == [None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is not JSON \(Expecting value at character 0\)"),
        ("{'a': 1}", r"is not JSON \(.* at character 1\)"),
        ("[" * 100_000, "nested too deep"),
        ("[]", "must be a JSON object, not list"),
        ("{}", "no hand-off of mldns: it has no 'version'"),
        ('{"version": true}', "no hand-off of mldns"),
        ('{"version": 2}', "has version 2, this mldns reads up to 1: take a newer mldns"),
        (
            json.dumps(of(None)),
            "the hand-off of job 'bert' has no workers",
        ),
    ],
)
def test_what_is_no_hand_off_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"job": "$(reboot)"}, r"label '\$\(reboot\)'"),
        ({"pattern": "{role}-{rank}.other.ml.example.com."}, "pattern is '{role}-{rank}.other"),
        ({"pattern": "{role.__class__}-{rank}.bert.ml.example.com."}, "pattern is"),
        ({"roles": {"worker": 3}}, "count is 2, the roles have 3 hosts"),
        ({"roles": {"worker": 10**12}, "count": 10**12}, "the roles have 1,000,000,000,000 hosts"),
        ({"roles": {"worker": "2"}}, "worker is '2', not a whole number"),
        ({"roles": ["worker"]}, "roles is \\['worker'\\], not hosts by role"),
        ({"master": "chief-0.bert.ml.example.com."}, "master chief-0.bert.ml.example.com is no rank 0 of worker"),
        ({"slots": 0}, "slots is 0, not a whole number of at least 1"),
        ({"slots": 8}, "world_size 12 is not the sum of the slots"),
        ({"slot_runs": {"worker": "8*1,x*1"}}, "slot_runs of worker has 'x', not a number of slots"),
        ({"slot_runs": {"chief": "8*1"}}, "slot_runs is {'chief': '8\\*1'}, not the runs of worker"),
        ({"record_type": "TXT"}, "record_type is 'TXT', neither A nor AAAA"),
        ({"port": 0}, "port 0 is not a whole number from 1 to 65535"),
        ({"resolvers": "10.0.0.53"}, "resolvers is '10.0.0.53', not a list of texts"),
        ({"zone": "ml\n10.0.0.1 login"}, r"zone is 'ml\\n10.0.0.1 login', not of the form"),
        ({"digest": "x --no-python"}, "digest is 'x --no-python', not of the form"),
        ({"run": "x --no-python"}, "run is 'x --no-python', not of the form"),
        ({"ttl": None}, "ttl is None, not a whole number"),
        ({"addresses": {"digest": "x"}}, "addresses is not the digest of 2 hosts"),
    ],
)
def test_a_value_that_cannot_be_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read({**TWO, **changes})


def test_the_inventory_tells_slots_that_the_hand_off_does_not() -> None:
    workers = parse_workers([{"address": f"10.0.{n // 250}.{n % 250 + 1}", "slots": n % 2 + 1} for n in range(1_000)])
    handoff = read(of(workers))
    assert handoff.slots is None
    host = handoff.with_workers(workers).hosts[999]
    assert (host.slots, host.first_process) == (2, 1_498)


def test_another_inventory_than_its_own_is_refused() -> None:
    with pytest.raises(InvalidInput, match="these workers are not those of the hand-off of job 'bert'"):
        read(TWO).with_workers(parse_workers("10.0.0.1 slots=8\n10.0.0.3 slots=4"))
