"""The gate's benchmark runs from end to end, small; how fast it is is told by a whole run on a quiet machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import gate


def test_a_small_run_proves_all_and_writes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "gate.md"
    assert gate.main(["--names", "100", "--nsd-names", "0", "--rounds", "1", "--output", str(table)]) in (0, 1)
    text = table.read_text()
    assert capsys.readouterr().out == text
    assert "100 names x (4 name servers + 1 resolver)" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 7
    assert all(line.endswith((" yes |", " no |", " met |")) for line in rows)


def test_ratio_is_that_of_the_same_run() -> None:
    one = gate.Round(answers=1000, seconds=2.0, cpu_seconds=0.2, floor_us=160.0, loop_ms=10.0)
    assert (one.us, one.ratio) == (200.0, 1.25)


def test_a_goal_that_is_missed_is_said() -> None:
    slow = gate.Round(answers=50_000, seconds=31.0, cpu_seconds=15.0, floor_us=100.0, loop_ms=51.0)
    met = [met for _, _, met in gate.Measured("localcloud", 10_000, [slow], memory=121.0).goals()]
    assert met == [False, True, True, False, False, False]
