"""Digests of addresses: they tell every difference, and where it is."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.address_digest import ONE_EACH, check_summary, fits, line, summarise, suspects


def lines(count: int) -> list[str]:
    return [line("worker", n, f"10.{n // 65536}.{n // 256 % 256}.{n % 256}") for n in range(count)]


def spoilt(count: int, positions: list[int]) -> list[str | None]:
    return [f"{text}9" if position in positions else text for position, text in enumerate(lines(count))]


def test_anybody_can_compute_the_digest() -> None:
    text = b"worker-0 10.0.0.0\nworker-1 10.0.0.1\n"
    assert summarise(lines(2))["digest"] == hashlib.sha256(text).hexdigest()[:16]


@pytest.mark.parametrize("count", [1, 2, ONE_EACH, ONE_EACH + 1, 1_000, 10_000])
def test_each_single_wrong_host_is_named_exactly(count: int) -> None:
    summary = summarise(lines(count))
    assert fits(lines(count), summary)
    assert suspects([*lines(count)], summary) == []
    for position in {0, count // 2, count - 1}:
        wrong = spoilt(count, [position])
        assert not fits([str(text) for text in wrong], summary)
        assert suspects(wrong, summary) == [position]


def test_up_to_128_wrong_hosts_are_named_exactly_however_many_they_are() -> None:
    positions = sorted(random.Random(1).sample(range(ONE_EACH), 50))
    assert suspects(spoilt(ONE_EACH, positions), summarise(lines(ONE_EACH))) == positions


def test_of_ten_thousand_a_few_wrong_ones_are_among_those_named() -> None:
    positions = [3, 5_000, 9_999]
    named = suspects(spoilt(10_000, positions), summarise(lines(10_000)))
    assert set(positions) <= set(named)
    assert len(named) <= len(positions) ** 2


def test_a_host_that_is_not_known_yet_hides_no_other() -> None:
    wrong = spoilt(100, [7])
    wrong[8] = None
    assert suspects(wrong, summarise(lines(100))) == [7]


def test_the_digests_of_ten_thousand_are_small() -> None:
    assert len(json.dumps(summarise(lines(10_000)))) < 2_000


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {**summarise(lines(3)), "digest": 7},
        {**summarise(lines(3)), "rows": "short"},
        {**summarise(lines(3)), "width": 0},
        summarise(lines(4)),
    ],
)
def test_what_is_no_summary_of_so_many_hosts_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="not the digest of 3 hosts"):
        check_summary(value, 3)
