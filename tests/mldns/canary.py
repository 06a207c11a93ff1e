"""How long an event loop works in one turn."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator

MOST_CPU = 0.05
"""Seconds of the loop's own work, measured as CPU time: other processes and threads of the machine do not count."""


class Canary:
    """The longest turn of the loop while it was watched, in seconds of CPU."""

    def __init__(self) -> None:
        self.cpu = 0.0

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
            cpu = time.thread_time()
            await asyncio.sleep(0)
            self.cpu = max(self.cpu, time.thread_time() - cpu)

    def assert_never_held(self) -> None:
        assert 0 < self.cpu < MOST_CPU, f"{self.cpu:.3f} s of work in one turn"
