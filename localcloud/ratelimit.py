"""Requests a minute or a second, as a token bucket: a period's may come at once, then as many as time brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from localcloud.errors import ApiError, Problem


@dataclass(slots=True)
class TokenBucket:
    """Holds at most `most` tokens, full at first, and fills in `seconds`; `clock` counts them."""

    most: int
    seconds: float
    clock: Callable[[], float]
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = self.most
        self._filled_at = self.clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        now = self.clock()
        self._tokens = min(self.most, self._tokens + (now - self._filled_at) * self.most / self.seconds)
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
        if not self._take(key, per_minute, 60.0):
            raise ApiError(429, [Problem("rateLimitExceeded", "Resource has been exhausted (e.g. check quota).")])

    def admit_to_aws(self, account: str, per_second: int | None) -> None:
        """Raise AWS's throttle when an account has used up its requests."""
        if not self._take(account, per_second, 1.0):
            raise ApiError(400, [Problem("Throttling", "Rate exceeded")])

    def _take(self, key: Hashable, most: int | None, seconds: float) -> bool:
        if most is None:
            return True
        bucket = self._buckets.get(key)
        if bucket is None or bucket.most != most:
            bucket = self._buckets[key] = TokenBucket(most, seconds, self._clock)
        return bucket.take()

    def clear(self) -> None:
        """All buckets are full again."""
        self._buckets.clear()
