"""How long an event loop was held between two of its turns."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator

MOST_CPU = 0.05
"""Seconds of the loop's own work, measured as CPU time: other processes of the machine do not count."""

MOST_WAITING = 0.5
"""Seconds beyond that by the wall clock: a sleep, a lock or a file that the loop waits for. Wide: machines are busy."""


class Canary:
    """The longest turns of the loop while it was watched: `cpu` seconds of work, `waiting` of something else."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.waiting = 0.0

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        watcher = asyncio.create_task(self._watch())
        gc.freeze()  # a collection walks the whole heap of the tests, which is not the loop's
        try:
            yield
            await asyncio.sleep(0)  # the turn that was the last one counts, too
        finally:
            gc.unfreeze()
            watcher.cancel()

    async def _watch(self) -> None:
        while True:
            wall, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(0)
            worked = time.thread_time() - cpu
            self.cpu = max(self.cpu, worked)
            self.waiting = max(self.waiting, time.monotonic() - wall - worked)

    def assert_never_held(self) -> None:
        assert 0 < self.cpu < MOST_CPU, f"{self.cpu:.3f} s of work in one turn"
        assert self.waiting < MOST_WAITING, f"{self.waiting:.3f} s of waiting in one turn"
