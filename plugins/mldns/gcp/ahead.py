"""Calls that are made before their answer is needed, so that the work between them costs no time of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(call: Callable[[], T]) -> Future[T]:
    """What `call` will return or raise. Nobody has to ask for it.

    No executor: one is joined when it is left and when the process ends. Then a task that is told to stop while a
    server hangs would wait for an answer that nobody wants.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the answer gets it
            future.set_exception(error)

    Thread(target=run, name="mldns-ahead", daemon=True).start()
    return future
