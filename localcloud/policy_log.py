"""What policies were a while ago: Google shows a grant at once and enforces it minutes later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from localcloud.iam import Policy

LONGEST_DELAY_S = 3_600.0


class PolicyLog:
    """Superseded policies, each with the moment on `clock` (seconds) until which it was the current one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._superseded: dict[str, deque[tuple[float, Policy]]] = {}

    def supersede(self, resource: str, policy: Policy) -> None:
        """Note that `policy` is replaced now."""
        now = self._clock()
        log = self._superseded.setdefault(resource, deque())
        log.append((now, policy))
        while log[0][0] < now - LONGEST_DELAY_S:
            log.popleft()

    def some_time_ago(self, resource: str, seconds: float) -> Policy | None:
        """The policy that was current then, unless it still is; at most `LONGEST_DELAY_S` ago."""
        moment = self._clock() - seconds
        return next((policy for until, policy in self._superseded.get(resource, ()) if until > moment), None)

    def forget(self, resource: str) -> None:
        self._superseded.pop(resource, None)

    def clear(self) -> None:
        self._superseded.clear()
