"""`python -m mldns`: what a launcher or an init container needs of a job, with dnspython alone installed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mldns import __version__
from mldns.cli import check, launch, render
from mldns.cli.outputs import NotProven
from mldns.exceptions import MldnsError

BAD_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells say it
READER_GONE = 141  # 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except NotProven as error:
        return _complain(str(error), error.code)
    except MldnsError as error:
        return _complain(str(error), BAD_USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read is gone: nothing more can be told, not even by the interpreter's last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _complain(message: str, code: int) -> int:
    print(f"mldns: {' '.join(message.split())}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mldns" if Path(sys.argv[0]).name == "__main__.py" else "mldns",
        description="The names of a training: check them where the workers run, and make what a launcher needs.",
    )
    parser.add_argument("--version", action="version", version=f"mldns {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    check.add_command(commands)
    render.add_command(commands)
    launch.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
