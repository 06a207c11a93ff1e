"""The table of findings, with rich and without it."""

from __future__ import annotations

import sys

import pytest

from tests.contract.facts import Fact, Finding, Verdict
from tests.contract.table import render, summary

FINDINGS = (
    Finding(Fact("zones.b", "R", "says b", "seen"), Verdict.FAILED, "status [missing] " + "x" * 400),
    Finding(Fact("changes.a", "U", "says a", "guessed"), Verdict.NOT_AS_GUESSED, ""),
)


@pytest.fixture(params=["rich", "plain"])
def rendered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    text = render(FINDINGS, width=100, color=False)
    assert ("┃" in text) == (request.param == "rich")
    return text


def test_every_finding_has_its_row(rendered: str) -> None:
    assert rendered.index("changes.a") < rendered.index("zones.b")
    for part in ("says a", "learned: otherwise", "says b", "did not hold", "status [missing]"):
        assert part in rendered
    assert "\x1b" not in rendered


def test_rows_stay_within_the_width_and_are_shortened(rendered: str) -> None:
    assert max(map(len, rendered.splitlines())) <= 100
    assert rendered.count("x") < 320


def test_the_summary_counts_verdicts() -> None:
    assert summary(FINDINGS) == "1 did not hold, 1 learned: otherwise"
