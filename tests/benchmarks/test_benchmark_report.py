"""Goals, extrapolations and the chart, from measurements that are made up: what the numbers are said to mean."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from benchmarks.chart import svg
from benchmarks.contenders.octodns_sync import zone_file
from benchmarks.contenders.wire import change_bodies
from benchmarks.goals import judged
from benchmarks.job import LARGEST, STEPS, addresses, states
from benchmarks.measure import Imported, Measurement, typical
from benchmarks.planning import CASES, SIZES, Planning, exponent
from benchmarks.report import markdown
from benchmarks.run import Results, Settings, extrapolated

BASE = Imported(wall=2.0, peak_rss=150_000_000)


def measurement(contender: str, step: str, *, wall: float, records: int = 9_980, calls: int = 20) -> Measurement:
    return Measurement(
        contender=contender,
        records=records,
        step=step,
        wall=wall,
        process_wall=wall + 2.0,
        cpu=0.5,
        process_cpu=2.0,
        peak_rss=190_000_000,
        calls={"changes.create": calls},
        cloud_cpu=0.2,
        load=0.5,
    )


def results(*measurements: Measurement, growth: float = 1.0) -> Results:
    settings = Settings((9_980,), ("mldns", "ceiling", "octodns"), repeat=1, latency_ms=50, done_ms=1_000)
    planning = tuple(Planning(case, size, (size / 1e5) ** growth) for case in CASES for size in SIZES)
    return Results(settings, measurements, BASE, planning, loads=(0.1, 0.5))


def verdicts(found: Results) -> dict[str, bool]:
    return {goal.what: goal.met for goal in judged(found)}


@pytest.mark.parametrize(
    ("mldns", "ceiling", "octodns", "missed"),
    [
        pytest.param(2.5, 2.0, 75.0, set(), id="all at their limit"),
        pytest.param(3.1, 3.0, 90.0, {"time"}, id="too slow"),
        pytest.param(2.6, 2.0, 90.0, {"of the ceiling"}, id="the planning costs too much"),
        pytest.param(2.5, 2.0, 65.0, {"faster than octoDNS, whole process"}, id="the imports cost too much"),
        pytest.param(
            2.5, 2.0, 30.0, {"faster than octoDNS, operation", "faster than octoDNS, whole process"}, id="slow"
        ),
    ],
)
def test_goals_of_a_create(mldns: float, ceiling: float, octodns: float, missed: set[str]) -> None:
    walls = {"mldns": mldns, "ceiling": ceiling, "octodns": octodns}
    found = verdicts(results(*(measurement(who, "create", wall=wall) for who, wall in walls.items())))
    assert {what.removeprefix("create: ") for what, met in found.items() if not met} == missed


@pytest.mark.parametrize(("calls", "met"), [(25, True), (26, False)])
def test_goal_of_calls(calls: int, met: bool) -> None:
    assert verdicts(results(measurement("mldns", "change", wall=1.0, calls=calls)))["change: API calls"] is met


@pytest.mark.parametrize(("peak", "met"), [(210_000_000, True), (211_000_000, False)])
def test_goal_of_memory_is_above_the_base_hook(peak: int, met: bool) -> None:
    found = results(replace(measurement("mldns", "create", wall=1.0), peak_rss=peak))
    assert verdicts(found)["peak RSS above the import of the base hook"] is met


@pytest.mark.parametrize(("growth", "met"), [(1.0, True), (1.12, True), (2.0, False)])
def test_goal_of_planning(growth: float, met: bool) -> None:
    assert {verdict for what, verdict in verdicts(results(growth=growth)).items() if "planning" in what} == {met}


def test_exponent_is_the_power_of_the_number_of_records() -> None:
    assert exponent([Planning("create", size, 1e-9 * size**1.5) for size in SIZES]) == pytest.approx(1.5)


def test_the_median_round_counts() -> None:
    rounds = [measurement("mldns", "create", wall=wall) for wall in (3.0, 1.0, 2.0)]
    assert typical(rounds).wall == 2.0
    assert typical(rounds[:2]).wall == 1.0


def test_an_extrapolation_says_so_everywhere() -> None:
    large = extrapolated(measurement("plain", "create", wall=50.0, records=1_000, calls=1_008), 9_980)
    assert (large.wall, large.process_wall, large.call_count) == (pytest.approx(499.0), pytest.approx(501.0), 10_060)
    found = replace(results(large), settings=Settings((9_980,), ("plain",), 1, 50, 1_000))
    assert "| create | plain loop | ≈ 499.00 s | ≈ 501.00 s | ≈ 10,060 |" in markdown(found, chart="chart.svg")
    assert "extrapolated from 1,000" in svg(found)


def test_the_chart_is_a_drawing_of_every_measurement() -> None:
    found = results(*(measurement(who, step, wall=1.5) for who in ("mldns", "octodns") for step in STEPS))
    drawing = ElementTree.fromstring(svg(found))
    assert len(drawing.findall(".//{http://www.w3.org/2000/svg}circle")) == 8


def test_addresses_are_distinct_and_all_change() -> None:
    first, second = ({tuple(row["rrdatas"]) for row in addresses("z.test.", LARGEST, changed=c)} for c in (False, True))
    assert len(first) == len(second) == LARGEST
    assert not first & second


@pytest.mark.parametrize(("step", "sent"), [("create", 10), ("no-op", 0), ("change", 10), ("delete", 10)])
def test_the_ceiling_sends_the_fewest_changes(step: str, sent: int) -> None:
    assert len(change_bodies(*states("z.test.", 9_980)[step])) == sent


def test_the_zone_file_of_octodns_is_in_natural_order() -> None:
    lines = zone_file(addresses("z.test.", 11), "z.test.").splitlines()
    assert [line for line in lines if line.startswith("worker")] == [f"worker-{rank}.bench:" for rank in range(11)]
