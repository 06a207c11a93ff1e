"""The matcher that the facts rest on: it must not match what is different."""

from __future__ import annotations

import re

import pytest

from tests.contract.shapes import Closed, expect


@pytest.mark.parametrize(
    ("actual", "pattern"),
    [
        pytest.param({"a": 1, "more": 2}, {"a": int}, id="further keys are fine"),
        pytest.param({"a": []}, Closed({"a": []}), id="closed, and empty lists"),
        pytest.param({"a": [{"b": "x1"}]}, {"a": [{"b": re.compile(r"x\d")}]}, id="nested"),
    ],
)
def test_what_matches(actual: object, pattern: object) -> None:
    expect(actual, pattern)


@pytest.mark.parametrize(
    ("actual", "pattern", "where"),
    [
        pytest.param({}, {"a": int}, "body: no a", id="key missing"),
        pytest.param({"a": 1, "more": 2}, Closed({"a": 1}), "body: unexpected more", id="key too many"),
        pytest.param({"a": "1"}, {"a": 1}, "body.a: expected 1", id="text for a number"),
        pytest.param({"a": True}, {"a": 1}, "body.a: expected 1", id="true for 1"),
        pytest.param({"a": True}, {"a": int}, "body.a: expected int", id="bool for int"),
        pytest.param({"a": [1]}, {"a": []}, "body.a: expected 0 elements", id="longer list"),
        pytest.param({"a": [1, "x"]}, {"a": [int, int]}, r"body.a\[1\]: expected int", id="element"),
        pytest.param("x12", re.compile(r"x\d"), "body: expected a string like", id="whole strings only"),
        pytest.param(None, {"a": int}, "body: expected an object", id="nothing for an object"),
        pytest.param({"0": 1}, [1], "body: expected a list", id="object for a list"),
    ],
)
def test_what_does_not(actual: object, pattern: object, where: str) -> None:
    with pytest.raises(AssertionError, match=where):
        expect(actual, pattern)
