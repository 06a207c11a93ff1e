"""Runs of equal values: short for what is regular, the same values again for what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.handoff.run_lengths import decode, encode


def test_the_notation() -> None:
    assert encode([8] * 9_990 + [4] * 10) == "8*9990,4*10"


@given(st.lists(st.integers(1, 3), min_size=1))
def test_any_values_come_back(values: list[int]) -> None:
    assert decode(encode(values), count=len(values), what="slots") == tuple(map(str, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "slots: '' is not a run"),
        ("8", "slots: '8' is not a run"),
        ("8*2,,4*1", "slots: '' is not a run"),
        ("8*-3", "'8\\*-3' is not a run"),
        ("8*99999999999999", "'8\\*99999999999999' is not a run"),
        ("8*2", "the runs are 2 values, not 3"),
        ("8*4", "the runs are 4 values, not 3"),
    ],
)
def test_what_is_no_such_runs_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        decode(text, count=3, what="slots")
