"""Options that several commands share."""

from __future__ import annotations

import argparse
import math

from mldns import arguments
from mldns.cli.resolv_conf import RESOLV_CONF
from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Tolerance

HANDOFF_VARIABLE = "MLDNS_HANDOFF"
"""What `training_dns` hands over as `dns.env`."""

SYSTEM = "system"
"""As a resolver: those that the C library asks here."""


def add_handoff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--handoff",
        metavar="FILE|JSON|-",
        help=f"the hand-off: a file, its JSON itself, or - for standard input (default: ${HANDOFF_VARIABLE})",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        metavar="FILE|-",
        help="the inventory that the names were written from, JSON or a hostfile: for addresses and slots that the "
        "hand-off only has digests of",
    )
    parser.add_argument(
        "--allow-addresses",
        metavar="NETWORK",
        action="append",
        default=[],
        help="with --workers: let addresses through that other hosts cannot reach, such as 127.0.0.0/8",
    )


def add_servers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resolver",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help=f"ask this resolver, which must answer; or those of {RESOLV_CONF} for '{SYSTEM}', where a silent one is "
        f"a warning as long as another one answers; may be repeated (default: those of the hand-off, else '{SYSTEM}')",
    )
    parser.add_argument(
        "--server",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help="ask this name server of the zone, first: its answers must be authoritative; may be repeated",
    )


def add_wait(parser: argparse.ArgumentParser, *, default: float) -> None:
    parser.add_argument(
        "--wait",
        type=_seconds,
        metavar="SECONDS",
        default=default,
        help=f"go on until all is right, so long at most; 0 looks once (default: {default:g})",
    )


def add_rank(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--rank", type=whole, metavar="N", help=meaning)
    parser.add_argument("--role", help="of that rank, where the job has several roles")


def add_subject(parser: argparse.ArgumentParser) -> None:
    add_rank(
        parser,
        "check what this host needs alone, the master's name and its own: 10,000 hosts that each ask for all names "
        "ask 100 million times",
    )
    parser.add_argument(
        "--names", metavar="NAME,…", action="append", default=[], help="these names, without or beside a hand-off"
    )
    parser.add_argument(
        "--expect",
        metavar="NAME=ADDRESS,…",
        action="append",
        default=[],
        help="the addresses that a name must have, and no others; may be repeated",
    )
    parser.add_argument(
        "--required",
        metavar="NAME[=ADDRESS|:PORT]",
        action="append",
        default=[],
        help="a name outside the zone that the training needs, such as a storage host: any address will do, unless one "
        "is given; with a port a TCP connection must come about, too; aliases are followed; may be repeated",
    )
    parser.add_argument(
        "--connect",
        metavar="NAME:PORT",
        nargs="?",
        const="",
        help="a TCP connection must come about, too: to the master's rendezvous port where nothing else is said",
    )


def add_strictness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--passes", type=whole, default=1, metavar="N", help="so many in a row (default: 1)")
    parser.add_argument(
        "--tolerate",
        choices=[tolerance.value for tolerance in Tolerance],
        action="append",
        default=[],
        help="let this pass with a warning, exit code 10",
    )


def whole(text: str) -> int:
    """An argument that is a whole number from 0."""
    try:
        return arguments.whole(text, "", most=10**9)
    except InvalidInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
