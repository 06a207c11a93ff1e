"""The results as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version

import psutil

from benchmarks.contenders import CONTENDERS
from benchmarks.goals import SIZE, judged
from benchmarks.job import STEPS
from benchmarks.measure import Measurement
from benchmarks.planning import CASES, SIZES, exponent
from benchmarks.run import Results

_VERSIONS = (
    "apache-airflow",
    "apache-airflow-providers-google",
    "google-cloud-dns",
    "octodns",
    "octodns-googlecloud",
)
_BAR = 60  # characters

_HEAD = """\
# What an upsert costs

`make bench` wrote this. {machine}. localcloud in a process of its own on the same machine, {latency} ms a call,
{done} ms until a change is done. {versions}.

N address records in a zone of their own. *create*: into the empty zone; *no-op*: the same once more; *change*: every
record another address; *delete*: all of them. After each step the zone was compared with what was asked for.

![Seconds until done, by number of records]({chart})
"""

_METHOD = """\
## How it was measured

Each step is a Python process of its own. *Wall* and *CPU* are of the operation: everything is imported, what is
wanted is in memory (octoDNS: in its YAML file, as its users have it), and the last change is `done` at the end.
*Process* is that process from start to end; of mldns's, the import of Airflow's Google base hook alone takes
{base_wall:.1f} s and {base_rss:.0f} MB, which an Airflow task has paid already. *Server CPU* is localcloud's, on the
same cores.
{rounds}

- **mldns**: `CloudDNSHook.upsert_records` and `delete_records` of a new hook. It claims the names, reads the zone,
  plans, swaps its manifest with every change, and awaits `done`.
- **ceiling**: the bare requests that nobody can do without. The zone is listed, full changes follow whose bodies were
  ready before, then polls every 0.1 s, all over one kept-alive `http.client` connection. It claims, checks and
  compares nothing. **writes alone** is even told what the zone holds: the floor of the API, which no tool can rely on.
- **octoDNS**: `octodns-sync --doit` (`--force` for change and delete) with octodns-googlecloud, whose provider is
  subclassed for the address of the API and nothing else. It awaits each change with polls of 5 s, hence its times.
- **plain loop** over google-cloud-dns: one list, then a change for each record that differs. Above {plain_most:,}
  records it is not run, because that takes a quarter of an hour: ≈ marks what its largest run extrapolates to.
"""


def markdown(results: Results, *, chart: str) -> str:
    """Return the whole report.

    :param chart: file name of the chart beside it.
    """
    parts = [_head(results, chart), *_goals(results), *_bars(results)]
    for size in results.settings.sizes:
        parts += [f"## {size:,} records\n", *_measurements(results, size), *_ratios(results, size)]
    return "\n".join([*parts, *_calls(results), *_planning(results), _method(results)])


def summary(results: Results) -> str:
    """Return what the single measurements do not say: goals, ratios, and how planning grows."""
    parts = list(_goals(results))
    for size in results.settings.sizes:
        if rows := list(_ratios(results, size)):
            parts += [f"## {size:,} records\n", *rows]
    return "\n".join([*parts, *_planning(results)])


def _head(results: Results, chart: str) -> str:
    low, high = results.loads
    machine = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}, "
        f"load {low:.1f} to {high:.1f} meanwhile"
    )
    packages = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    return _HEAD.format(
        machine=machine,
        latency=results.settings.latency_ms,
        done=results.settings.done_ms,
        versions=f"Python {platform.python_version()}, {packages}",
        chart=chart,
    )


def _goals(results: Results) -> Iterator[str]:
    goals = judged(results)
    met = sum(goal.met for goal in goals)
    yield f"## Goals at {SIZE:,} records: {met} of {len(goals)} met\n"
    yield from _table(
        ("goal", "limit", "measured", ""),
        ((goal.what, goal.limit, goal.measured, "met" if goal.met else "**missed**") for goal in goals),
    )


def _bars(results: Results) -> Iterator[str]:
    """Measured times at the largest size as bars of text, in proportion."""
    size = max(results.settings.sizes)
    found = [one for step in ("create", "change") for key in CONTENDERS if (one := results.of(key, size, step))]
    shown = [one for one in found if one.extrapolated_from is None]
    if not shown:
        return
    longest = max(one.wall for one in shown)
    yield f"## {size:,} records, seconds\n"
    yield "```"
    for one in shown:
        bar = "█" * max(1, round(_BAR * one.wall / longest))
        yield f"{one.step:<7}{CONTENDERS[one.contender].title:<13}{_seconds(one):>10}  {bar}"
    yield "```\n"


def _measurements(results: Results, size: int) -> Iterator[str]:
    head = ("step", "how", "wall", "process", "API calls", "CPU", "peak RSS", "above base hook", "server CPU")
    yield from _table(
        head,
        (
            (
                step,
                CONTENDERS[key].title,
                _seconds(one),
                _seconds(one, one.process_wall),
                f"{_about(one)}{one.call_count:,}",
                _seconds(one, one.cpu),
                f"{one.peak_rss / 1e6:.0f} MB",
                f"{(one.peak_rss - results.base.peak_rss) / 1e6:+.0f} MB" if key == "mldns" else "",
                _seconds(one, one.cloud_cpu),
            )
            for step in STEPS
            for key in CONTENDERS
            if (one := results.of(key, size, step))
        ),
    )


def _ratios(results: Results, size: int) -> Iterator[str]:
    if "mldns" not in results.settings.contenders or len(results.settings.contenders) == 1:
        return
    head = (
        "step",
        "mldns / ceiling",
        "mldns / writes alone",
        "octoDNS / mldns",
        "whole processes",
        "plain loop / mldns",
    )
    yield from _table(
        head,
        (
            (
                step,
                _ratio(results.of("mldns", size, step), results.of("ceiling", size, step)),
                _ratio(results.of("mldns", size, step), results.of("writes", size, step)),
                _ratio(results.of("octodns", size, step), results.of("mldns", size, step)),
                _ratio(results.of("octodns", size, step), results.of("mldns", size, step), whole=True),
                _ratio(results.of("plain", size, step), results.of("mldns", size, step)),
            )
            for step in STEPS
        ),
    )


def _calls(results: Results) -> Iterator[str]:
    size = max(results.settings.sizes)
    rows = [
        (step, ", ".join(f"{count} {method}" for method, count in sorted(ours.calls.items())))
        for step in STEPS
        if (ours := results.of("mldns", size, step))
    ]
    if rows:
        yield f"## The API calls of mldns, {size:,} records\n"
        yield from _table(("step", "calls"), rows, right_from=2)


def _planning(results: Results) -> Iterator[str]:
    yield "## CPU of planning\n"
    yield "Milliseconds of mldns's pure core from the listed and the wanted records to the bodies of the changes, the"
    yield "fastest of five; the last column is x in N^x, 1 being in proportion.\n"
    found = {(one.case, one.records): one.cpu for one in results.planning}
    rows = [
        (
            case,
            *(f"{found[case, size] * 1000:.0f}" for size in SIZES),
            f"{exponent([one for one in results.planning if one.case == case]):.2f}",
        )
        for case in CASES
    ]
    yield from _table(("plan", *(f"{size:,}" for size in SIZES), "x"), rows, right_from=1)


def _method(results: Results) -> str:
    repeat = results.settings.repeat
    rounds = (
        f"Median of {repeat} rounds, in which they took turns; octoDNS and the plain loop went one."
        if repeat > 1
        else "One round each."
    )
    return _METHOD.format(
        base_wall=results.base.wall,
        base_rss=results.base.peak_rss / 1e6,
        rounds=rounds,
        plain_most=CONTENDERS["plain"].most,
    )


def _seconds(one: Measurement, value: float | None = None) -> str:
    return f"{_about(one)}{one.wall if value is None else value:,.2f} s"


def _about(one: Measurement) -> str:
    return "≈ " if one.extrapolated_from else ""


def _ratio(above: Measurement | None, below: Measurement | None, *, whole: bool = False) -> str:
    if above is None or below is None:
        return ""
    ratio = above.process_wall / below.process_wall if whole else above.wall / below.wall
    return f"{_about(above)}{ratio:,.2f} x"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, right_from: int = 2) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' if index < right_from else '--:' for index in range(len(head)))}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
