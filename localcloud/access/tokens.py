"""Access tokens: opaque, an hour long at most, forgotten with the process as clients fetch new ones by themselves."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LIFETIME_S = 3_600


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    :param member: as policies spell it: `serviceAccount:a@p.iam.gserviceaccount.com`, `principal://…`.
    :param scopes: what the token was asked for; None for one that holds for a whole API.
    """

    member: str
    scopes: frozenset[str] | None = None


class TokenBook:
    """The tokens that were handed out; `clock` is unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._tokens: dict[str, tuple[Principal, float]] = {}

    def issue(self, principal: Principal, lifetime: float = LIFETIME_S) -> str:
        now = self.clock()
        # The oldest come first: what has expired is dropped from that end.
        while self._tokens and (oldest := next(iter(self._tokens))) and self._tokens[oldest][1] <= now:
            del self._tokens[oldest]
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._tokens[token] = (principal, now + lifetime)
        return token

    def find(self, token: str) -> Principal | None:
        """Whom the token stands for, unless it has expired or was never handed out."""
        principal, expires = self._tokens.get(token, (None, 0.0))
        return principal if expires > self.clock() else None

    def clear(self) -> None:
        self._tokens.clear()
