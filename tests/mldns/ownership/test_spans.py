"""Spans against plain sets of numbers."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mldns.ownership.name_ranges import Span, difference, spans_of, union

numbers = st.frozensets(st.integers(0, 40))


def members(spans: list[Span]) -> set[int]:
    return {number for low, high in spans for number in range(low, high + 1)}


def normal(spans: list[Span]) -> bool:
    return all(low <= high for low, high in spans) and all(a[1] + 1 < b[0] for a, b in pairwise(spans))


def test_neighbours_are_one_span() -> None:
    assert spans_of([5, 0, 1, 2, 7, 6, 2]) == [(0, 2), (5, 7)]


@given(numbers, numbers)
def test_spans_are_sets(one: frozenset[int], other: frozenset[int]) -> None:
    for spans, expected in (
        (spans_of(one), one),
        (union(spans_of(one), spans_of(other)), one | other),
        (difference(spans_of(one), spans_of(other)), one - other),
    ):
        assert normal(spans)
        assert members(spans) == expected


def test_what_is_ragged_costs_no_more_than_its_size() -> None:
    even, odd = spans_of(range(0, 100_000, 2)), spans_of(range(1, 100_000, 2))
    started = time.process_time()
    assert difference(even, odd) == even
    assert union(even, odd) == [(0, 99_999)]
    assert time.process_time() - started < 2
