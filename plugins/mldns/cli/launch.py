"""`python -m mldns launch LAUNCHER -- PROGRAM …`: become this host's part of a training, from the hand-off alone."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from mldns.cli import inputs, outputs, this_host
from mldns.cli import options as shared
from mldns.cli.check import DEFAULT_WAIT
from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.launch import HOSTFILE, LAUNCHERS, Place, interface_variables, start

_EXAMPLES = """\
what each launcher starts:
{launchers}

examples:
  python -m mldns launch torchrun -- train.py --epochs 3
  python -m mldns launch torchrun-c10d --rank 3 -- --max-restarts=2 train.py
  python -m mldns launch openmpi -- ./train
"""


SERVERS: dict[str, list[str]] = {"resolver": [shared.SYSTEM], "server": []}
"""Whom a launcher's look-ups ask: those that the C library asks here."""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `launch`."""
    width = max(map(len, LAUNCHERS))
    lines = "\n".join(f"  {name:<{width}}  {launcher.help}" for name, launcher in LAUNCHERS.items())
    parser = commands.add_parser(
        "launch",
        help="find out which worker this host is, check the names, and become its launcher",
        description="Find out which worker of the job this host is, check the names that it needs, tell the launcher "
        "all that it has to know, and become it. GLOO_SOCKET_IFNAME and NCCL_SOCKET_IFNAME stay where they are set.",
        epilog=_EXAMPLES.format(launchers=lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s LAUNCHER [options] -- PROGRAM …",
    )
    shared.add_handoff(parser)
    shared.add_workers(parser)
    shared.add_rank(parser, f"which host this is (default: {this_host.SOURCES})")
    shared.add_wait(parser, default=DEFAULT_WAIT)
    parser.add_argument("--no-check", action="store_true", help="the names are in /etc/hosts: do not ask DNS for them")
    parser.add_argument("launcher", choices=LAUNCHERS, metavar="LAUNCHER")
    parser.add_argument("program", nargs="+", metavar="PROGRAM", help="behind --, with its own options")
    parser.set_defaults(run=run, **SERVERS)


def run(options: argparse.Namespace) -> int:
    """Become the launcher: this returns only by an exception."""
    text = inputs.handoff_text(options.handoff)
    handoff = inputs.handoff_of(options, text)
    place = place_of(options, handoff, check=not options.no_check)
    found = start(options.launcher, handoff, place, options.program, python=sys.executable)
    program = shutil.which(found.command[0])
    if program is None:
        raise InvalidInput(f"{options.launcher}: the program {found.command[0]} is not there: install it, or mend PATH")
    listens = interface_variables(place.interface)
    environment = {**listens, **os.environ, **found.variables, shared.HANDOFF_VARIABLE: text}
    path = None if found.hostfile is None else _in_memory(found.hostfile)
    command = [path if path and part == HOSTFILE else part for part in found.command]
    print(f"mldns: this is {place.host.name}, {place.address} on {place.interface}", file=sys.stderr, flush=True)
    os.execve(program, command, environment)  # noqa: S606 - no shell is wanted


def place_of(options: argparse.Namespace, handoff: HandOff, *, check: bool) -> Place:
    """Return which worker this host is, once the names that it needs answer.

    :raises InvalidInput: this host cannot be told from others.
    :raises NotProven: the names do not answer in time.
    """
    if check:
        _check(options, handoff, [handoff.master, handoff.master_alias])
    place = this_host.find(handoff, rank=options.rank, role=options.role, environment=os.environ)
    if check:
        _check(options, handoff, [place.host.name])
    return place


def _check(options: argparse.Namespace, handoff: HandOff, names: list[str]) -> None:
    from mldns.cli import questions
    from mldns.cli.verification import verify

    report = verify(questions.of_handoff(options, handoff, names), wait=options.wait).report
    if not report.ok:
        raise outputs.NotProven(report.summary(), report.exit)
    for warning in report.warnings:
        print(f"mldns: warning: {warning}", file=sys.stderr)


def _in_memory(text: str) -> str:
    """The path of a file that is gone with the process that this one becomes."""
    descriptor = os.memfd_create("hosts", 0)
    os.write(descriptor, text.encode())
    return f"/proc/self/fd/{descriptor}"
