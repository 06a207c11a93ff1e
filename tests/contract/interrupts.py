"""Ctrl-C and its relatives: they must start a clean-up, and must not stop one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_once() -> None:
    """End the run at the first Ctrl-C, cancelled job (SIGTERM) or closed terminal (SIGHUP), and hold back the rest.

    What the impatient press next would otherwise land in the middle of the clean-up, and leave behind what costs money.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        _hold_back()
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in _SIGNALS:
        signal.signal(number, interrupt)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold interrupts back for a while; what was set before is set again afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _hold_back()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hold_back() -> None:
    for number in _SIGNALS:
        signal.signal(number, _say_wait)


def _say_wait(number: int, frame: FrameType | None) -> None:
    print("\ncleaning up, one moment (Ctrl-\\ abandons it) …", file=sys.stderr, flush=True)
