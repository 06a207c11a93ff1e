"""Requests a minute, as a token bucket: a minute's may come at once, then as many as time brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from localcloud.errors import ApiError, Problem


@dataclass(slots=True)
class TokenBucket:
    """Holds at most `per_minute` tokens, full at first; `clock` counts seconds."""

    per_minute: int
    clock: Callable[[], float]
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self.per_minute
        self._filled_at = self.clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        now = self.clock()
        self._tokens = min(self.per_minute, self._tokens + (now - self._filled_at) * self.per_minute / 60)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RateLimit:
    """One bucket for each key: an API of a project. Refused requests cost nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[Hashable, TokenBucket] = {}

    def admit(self, key: Hashable, per_minute: int | None) -> None:
        """Raise Google's 429 when the key has used up its requests; None admits everybody."""
        if per_minute is None:
            return
        bucket = self._buckets.get(key)
        if bucket is None or bucket.per_minute != per_minute:
            bucket = self._buckets[key] = TokenBucket(per_minute, self._clock)
        if not bucket.take():
            raise ApiError(429, [Problem("rateLimitExceeded", "Resource has been exhausted (e.g. check quota).")])

    def clear(self) -> None:
        """All buckets are full again."""
        self._buckets.clear()
