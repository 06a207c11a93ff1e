"""`make bench`, small: every contender leaves what was asked for, and the report says what each of them took.

The run itself compares the zone with what was asked for after each step, and fails where it differs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIZE = 30
WRITING = ("create", "change", "delete")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of all contenders, by a localcloud that answers at once."""
    output = tmp_path_factory.mktemp("bench") / "small.md"
    ended = bench("--sizes", SIZE, "--repeat", 1, "--latency-ms", 0, "--done-ms", 0, "--output", output)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return output


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": "plugins"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def calls(report: Path) -> dict[tuple[str, str], int]:
    """Step and contender to its API calls, as the table of the report has them."""
    row = re.compile(r"^\| (\S+) \| ([^|]+) \| [\d.]+ s \| [\d.]+ s \| ([\d,]+) \|", re.MULTILINE)
    return {(step, who): int(count.replace(",", "")) for step, who, count in row.findall(report.read_text())}


@pytest.mark.exhaustive
def test_the_report_has_every_step_of_every_contender(report: Path) -> None:
    everybody = {"mldns", "ceiling", "octoDNS", "plain loop"}
    expected = {(step, who) for step in (*WRITING, "no-op") for who in everybody}
    assert set(calls(report)) == expected | {(step, "writes alone") for step in WRITING}


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("who", "fewest", "most"),
    [
        pytest.param("ceiling", 2, 4, id="a list, a change, polls"),
        pytest.param("writes alone", 1, 3, id="a change, polls"),
        pytest.param("octoDNS", 4, 4, id="zones, records, a change, a poll"),
        pytest.param("plain loop", 1 + SIZE, 3 + SIZE, id="a list, a change a record, polls"),
        pytest.param("mldns", 3, 6, id="the zone, the records, a change, polls"),
    ],
)
def test_calls_are_those_that_localcloud_counted(report: Path, who: str, fewest: int, most: int) -> None:
    counted = calls(report)
    for step in WRITING:
        assert fewest <= counted[step, who] <= most, (step, counted[step, who])


@pytest.mark.exhaustive
def test_a_second_run_of_the_same_writes_nothing(report: Path) -> None:
    (no_op,) = re.findall(r"^\| no-op \| (\d+ [a-z].+) \|$", report.read_text(), re.MULTILINE)
    assert "resourceRecordSets.list" in no_op
    assert "changes.create" not in no_op


@pytest.mark.exhaustive
def test_the_chart_lies_beside_the_report(report: Path) -> None:
    (name,) = re.findall(r"^!\[.+\]\((.+)\)$", report.read_text(), re.MULTILINE)
    assert (report.parent / name).read_text().count("<circle") == 4 * 5 - 1  # alone, the writes have no no-op


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["--sizes", "0"], "'0' is not a number from 1 to 9,990"),
        (["--sizes", "ten"], "'ten' is not a number"),
        (["--contenders", "bind"], "'bind'"),
        (["--repeat", "-1"], "--repeat"),
        (["--output", "nowhere/report.md"], "there is no folder nowhere"),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], culprit: str) -> None:
    ended = bench(*arguments)
    assert ended.returncode == 2
    assert culprit in ended.stderr
    assert ended.stderr.count("\n") == 1
