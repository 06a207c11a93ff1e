"""`make simulate`: what it prints last, and how it ends."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator

import pytest

from mldns.providers import editor
from tests.simulator import __main__ as command
from tests.simulator import scenarios

LAST_LINE = re.compile(r"[1-9][\d,]* schedules, [1-9][\d,]* steps, (\d+) violations")


@pytest.fixture(autouse=True)
def _a_few_pairs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(command, "pairs", lambda: itertools.islice(scenarios.clean_up(), 2))
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("arguments", [["--faults", "0"], ["--writers", "3", "--minutes", "0.001"]])
def test_the_last_line_counts(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 0
    found = LAST_LINE.fullmatch(capsys.readouterr().out.splitlines()[-1])
    assert found
    assert found[1] == "0"


def test_a_violation_is_shown_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(editor, "check_generation", lambda *_: None)
    assert command.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any("release a" in line for line in lines)
    found = LAST_LINE.fullmatch(lines[-1])
    assert found
    assert found[1] == "2"


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["--writers", "1"])
    assert refused.value.code == 2
