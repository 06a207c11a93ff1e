"""`python -m mldns check`: do the job's names answer, here, as the workers ask for them?"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from typing import TYPE_CHECKING

from mldns.cli import options as shared

if TYPE_CHECKING:
    from mldns.cli.verification import Outcome
    from mldns.gate.report import Report

DEFAULT_WAIT = 300.0
"""Seconds: a denial that a resolver cached before the names were there is gone after five minutes at Google."""

_LOG_EVERY = 10.0  # seconds between two lines of progress where no terminal is watching

_CODES = """\
exit codes:
  0   every name answers as it must
  2   the command was not understood; nothing was asked
  10  the same, with something that was to be tolerated, an address that nothing proves, a resolver of this machine that
      does not answer, or a line of resolv.conf that is passed over
  20  not yet: names are missing, servers silent or caches old; a retry may find them
  30  somebody has to look: another address, or a server that refuses or does not serve the zone

examples:
  python -m mldns check --handoff handoff.json --connect
  python -m mldns check --rank "$JOB_COMPLETION_INDEX" --resolver system     (hand-off in $MLDNS_HANDOFF)
  python -m mldns check --names a.ml.example.com,b.ml.example.com --resolver 10.0.0.53 --wait 0
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `check`."""
    parser = commands.add_parser(
        "check",
        help="wait until a job's names answer as they must, as seen from here: for an init container or a launcher",
        description="Wait until every name of a job answers, at every server that is asked, with the very addresses "
        "that were handed over.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_handoff(parser)
    shared.add_workers(parser)
    shared.add_servers(parser)
    shared.add_subject(parser)
    shared.add_strictness(parser)
    shared.add_wait(parser, default=DEFAULT_WAIT)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, print what came of it, and return the exit code."""
    from mldns.cli import questions
    from mldns.cli.verification import verify

    task = questions.of_options(options)
    progress = None if options.quiet else Progress(terminal=sys.stderr.isatty())
    try:
        outcome = verify(task, wait=options.wait, on_progress=progress)
    finally:
        if progress is not None:
            progress.end()
    _print(outcome, as_json=options.json)
    return int(outcome.report.exit)


def _print(outcome: Outcome, *, as_json: bool) -> None:
    report = outcome.report
    if as_json:
        print(json.dumps(report.to_json() | {"addresses_proven": outcome.addresses_proven}), flush=True)
        return
    proven = ", with the addresses that were handed over" if outcome.addresses_proven else ""
    if report.ok:
        print(f"ready: {report.counts()} in {report.seconds:.1f} s{proven}", flush=True)
    else:
        print(f"not ready: {report.counts()} in {report.seconds:.1f} s", flush=True)
        for line in report.lines:
            print(f"  {line}", file=sys.stderr)
    for warning in report.warnings:
        print(f"  warning: {warning}", file=sys.stderr)


class Progress:
    """How far it has come: one line that is written over on a terminal, now and then a new one in a log."""

    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal
        self._written = ""
        self._next = 0.0

    def __call__(self, report: Report) -> None:
        text = report.summary()
        if self._terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            print(f"\r{text:<{len(self._written)}}", end="", file=sys.stderr, flush=True)
        elif text != self._written and time.monotonic() >= self._next:
            print(text, file=sys.stderr, flush=True)
            self._next = time.monotonic() + _LOG_EVERY
        else:
            return
        self._written = text

    def end(self) -> None:
        """Leave the line of a terminal."""
        if self._terminal and self._written:
            print(file=sys.stderr, flush=True)
