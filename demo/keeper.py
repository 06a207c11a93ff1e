"""Ends the processes of a run whose owner died without a chance to: `python -m demo.keeper MARK < pipe-from-owner`."""

from __future__ import annotations

import signal
import sys

from demo.processes import sweep


def main(mark: str) -> None:
    """Wait until the owner closes the pipe, or dies and so closes it, then end everything that carries `mark`."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(mark)


if __name__ == "__main__":
    main(sys.argv[1])
