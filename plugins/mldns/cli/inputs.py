"""Where a command's input comes from: an argument, a file, standard input, the environment."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mldns.cli.options import HANDOFF_VARIABLE
from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, read
from mldns.inventory.workers import Worker, parse_workers
from mldns.messages import clipped

MAX_BYTES = 64 * 1024 * 1024  # of a file: an inventory of 10,000 workers has 1 MiB


def handoff_of(options: argparse.Namespace, text: str | None = None) -> HandOff:
    """The hand-off that the options name, or of `text`; with the slots of the inventory where that is given, too."""
    handoff = read(handoff_text(options.handoff) if text is None else text)
    workers = workers_of(options)
    return handoff if workers is None else handoff.with_workers(workers)


def workers_of(options: argparse.Namespace) -> tuple[Worker, ...] | None:
    """The inventory that the options name."""
    if options.workers is None:
        return None
    if options.workers == "-" == options.handoff:
        raise InvalidInput("--handoff and --workers cannot both be standard input")
    return parse_workers(_content(options.workers, "--workers"), allow_addresses=options.allow_addresses)


def handoff_text(argument: str | None) -> str:
    """The JSON of the hand-off that `--handoff` names."""
    if argument is None:
        argument = os.environ.get(HANDOFF_VARIABLE, "")
        if not argument:
            raise InvalidInput(f"no hand-off: give --handoff FILE, JSON or -, or set {HANDOFF_VARIABLE}")
    if argument.lstrip()[:1] in ("{", "["):
        return argument
    return _content(argument, "--handoff")


def _content(path: str, option: str) -> str:
    """The text of a file, or of standard input for `-`."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{option} {path}: the file is not UTF-8 text") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(f"{option} {clipped(path, 200)}: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"{option} {path}: the file has more than {MAX_BYTES:,} bytes")
    return text
