"""Ranks: one rule, whatever the order of the list."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.inventory.discovery.ranking import Host, Ranking, natural_key
from mldns.inventory.workers import Worker


def host(name: str, last: int = 0, **facts: str) -> Host:
    return Host(name=name, address=f"10.0.{last // 256}.{last % 256}", place="a", facts=facts)


def test_numbers_in_names_are_numbers() -> None:
    names = ["worker-10", "worker-2", "worker-2a", "worker-02", "a", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "worker-02", "worker-2", "worker-2a", "worker-10"]


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ({}, ["w-1", "w-2", "w-10"]),
        ({"by": "address"}, ["w-10", "w-1", "w-2"]),
        ({"rank_label": "rank"}, ["w-2", "w-10", "w-1"]),
    ],
)
def test_rules(rule: dict[str, Any], order: list[str]) -> None:
    hosts = [host("w-10", 2, rank="1"), host("w-2", 255 + 45, rank="0"), host("w-1", 10, rank="2")]
    for shuffled in (hosts, hosts[::-1], hosts[1:] + hosts[:1]):
        assert [worker.hostname for worker in Ranking(**rule).workers(shuffled)] == order


def test_one_name_in_two_zones() -> None:
    twins = [Host("w", "10.0.0.3", "b"), Host("w", "10.0.0.2", "a")]
    assert [worker.address for worker in Ranking().workers(twins)] == ["10.0.0.2", "10.0.0.3"]


def test_roles_and_slots() -> None:
    hosts = [host("p", 3, kind="ps", gpus="1"), host("w-1", 2, kind="worker", gpus="8")]
    assert Ranking(role_label="kind", slots_label="gpus").workers(hosts) == (
        Worker(0, "10.0.0.3", "p", "ps", 1),
        Worker(0, "10.0.0.2", "w-1", "worker", 8),
    )
    assert [worker.slots for worker in Ranking(slots="4").workers(hosts)] == [4, 4]


@pytest.mark.parametrize(
    ("rule", "hosts", "refusal"),
    [
        ({"rank_label": "rank"}, [host("w", 1, job="b")], "w has no label 'rank', which rank_label names; it has job"),
        ({"rank_label": "rank"}, [host("w", 1, rank="first")], "w: rank, its label 'rank', 'first'"),
        ({"rank_label": "r"}, [host("a", 1, r="0"), host("b", 2, r="0")], "label 'r' gives rank 0 to a, b"),
        ({"rank_label": "r"}, [host("a", 1, r="0"), host("b", 2, r="2")], "lacks rank 1"),
        ({"role_label": "kind"}, [host("w", 1)], "w has no label 'kind', which role_label names; it has none"),
        ({"slots": 0}, [host("w", 1)], "slots 0 is not a whole number of at least 1: worker"),
        ({"by": "index"}, [host("w", 1)], "w has no index"),
        ({"by": "index", "first_index": 2}, [Host("w", "10.0.0.2", index=(1,))], "index 1 lies before first_index 2"),
        ({}, [host("a", 1), host("b", 1)], "10.0.0.1 is given to worker rank 0 and to worker rank 1"),
        ({}, [Host("w", "127.0.0.2")], "is loopback"),
    ],
)
def test_what_cannot_be_ranked_is_named(rule: dict[str, Any], hosts: list[Host], refusal: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Ranking(**rule).workers(hosts)
    assert refusal in str(refused.value)


def test_an_unknown_rule() -> None:
    with pytest.raises(InvalidInput, match="rank_by 'luck' is not known: it is one of name, address, index"):
        Ranking(by="luck")
