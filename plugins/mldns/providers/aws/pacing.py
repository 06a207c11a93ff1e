"""Route 53 takes five requests a second from an account, whoever sends them: here the tasks of a process share them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PER_SECOND = 5.0


@dataclass(slots=True)
class Pace:
    """A token bucket that threads wait at: a second's requests may go at once, the next as time brings them.

    :param clock: seconds; as `sleep`, another one in tests.
    """

    per_second: float = PER_SECOND
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._filled_at = self.per_second, self.clock()

    def wait(self) -> None:
        """Return when it is this caller's turn. Turns are given in the order of asking, so nobody waits for ever."""
        with self._lock:
            now = self.clock()
            filled = self._tokens + (now - self._filled_at) * self.per_second
            self._tokens, self._filled_at = min(self.per_second, filled) - 1.0, now
            behind = -self._tokens / self.per_second
        if behind > 0:
            self.sleep(behind)


_paces: dict[tuple[str, float], Pace] = {}
_paces_lock = threading.Lock()


def pace_of(account: str, per_second: float = PER_SECOND) -> Pace:
    """The one pace of an account in this process."""
    with _paces_lock:
        return _paces.setdefault((account, per_second), Pace(per_second))
