"""`make bench`: the command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.chart import svg
from benchmarks.contenders import CONTENDERS
from benchmarks.job import LARGEST, STEPS
from benchmarks.measure import BenchmarkFailed, Measurement
from benchmarks.report import markdown, summary
from benchmarks.run import Results, Settings, run
from demo.processes import ProcessDied, raise_on_termination

RESULTS = Path(__file__).with_name("results.md")
SIZES = (100, 1_000, 9_980)
_INTERRUPTED = 130
_MOST_ROUNDS = 100
_MOST_MS = 60_000

_DESCRIPTION = """\
Measure mldns beside octoDNS, a plain loop over google-cloud-dns and bare requests, against localcloud: create, no-op,
change of all addresses, delete. The whole run takes about twelve minutes and writes benchmarks/results.md with its
chart, results.svg; a run of other sizes or contenders only prints, unless --output says where to write the report.
"""
_EPILOG = """\
contenders:
{contenders}

examples:
  make bench
  make bench ARGS="--sizes 1000 --contenders mldns ceiling"
  make bench ARGS="--sizes 100 --repeat 1 --output /tmp/bench.md"
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"make bench: {message} (ARGS=--help shows the options)\n")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 0, 1 if a contender failed, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    chosen = tuple(dict.fromkeys(options.contenders))
    settings = Settings(tuple(sorted(set(options.sizes))), chosen, options.repeat, options.latency_ms, options.done_ms)
    whole = settings.sizes == SIZES and set(chosen) == set(CONTENDERS)
    output: Path | None = options.output or (RESULTS if whole else None)
    if output is not None and not output.parent.is_dir():
        _parser().error(f"--output {output}: there is no folder {output.parent}")
    raise_on_termination()
    console = Console()
    try:
        results = _run(settings, console)
    except KeyboardInterrupt:
        console.print("stopped: nothing was written")
        return _INTERRUPTED
    except (BenchmarkFailed, ProcessDied) as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(Markdown(summary(results)))
    if output is not None:
        chart = output.with_suffix(".svg")
        output.write_text(markdown(results, chart=chart.name))
        chart.write_text(svg(results))
        console.print(f"wrote {output} and {chart}", highlight=False, soft_wrap=True)
    return 0


def _run(settings: Settings, console: Console) -> Results:
    """Measure with a line for each measurement and, on a terminal, one that moves."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    steps = sum(len(STEPS) - len(contender.steps_without) for _, _, contender in settings.rounds())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting localcloud", total=steps)

        def ended(one: Measurement) -> None:
            progress.console.print(_line(one), markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)

        return run(settings, begins=lambda what: progress.update(task, description=what), ended=ended)


def _line(one: Measurement) -> str:
    return (
        f"{one.records:>6,} {one.step:<7}{CONTENDERS[one.contender].title:<13}{one.wall:7.2f} s "
        f"{one.call_count:>6,} calls {one.cpu:6.2f} s CPU {one.peak_rss / 1e6:4.0f} MB"
    )


def _parser() -> argparse.ArgumentParser:
    keys = "\n".join(f"  {key:<9} {contender.title}" for key, contender in CONTENDERS.items())
    parser = _Parser(
        prog="make bench",
        usage='make bench [ARGS="OPTIONS"]',
        description=_DESCRIPTION,
        epilog=_EPILOG.format(contenders=keys),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    sizes = " ".join(f"{size}" for size in SIZES)
    parser.add_argument(
        "--sizes", metavar="N", type=_whole(1, LARGEST), nargs="+", default=SIZES, help=f"numbers of records ({sizes})"
    )
    parser.add_argument(
        "--contenders", metavar="WHO", choices=CONTENDERS, nargs="+", default=tuple(CONTENDERS), help="who (all)"
    )
    parser.add_argument(
        "--repeat",
        metavar="N",
        type=_whole(1, _MOST_ROUNDS),
        default=3,
        help="rounds of the quick contenders, of which the median counts (3); octoDNS and the plain loop go one",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the report here, and the chart beside it")
    parser.add_argument(
        "--latency-ms", metavar="MS", type=_whole(0, _MOST_MS), default=50, help="what localcloud adds to a call (50)"
    )
    parser.add_argument(
        "--done-ms", metavar="MS", type=_whole(0, _MOST_MS), default=1_000, help="until a change is done (1000)"
    )
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers of that range."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:,} to {most:,}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
