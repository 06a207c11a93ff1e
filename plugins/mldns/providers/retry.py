"""How often and how long a call to a cloud is tried again."""

from __future__ import annotations

import email.utils
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from mldns.exceptions import CloudUnavailable
from mldns.messages import clipped

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, at least the server's Retry-After, within a deadline.

    :param initial: upper bound of the first wait, seconds; it doubles with every try.
    :param maximum: upper bound of any wait that the server did not ask for, seconds.
    :param deadline: no wait ends later than this many seconds after the first try began.
    :param attempts: at most so many tries; None for as many as fit the deadline.
    """

    initial: float = 0.5
    maximum: float = 20.0
    deadline: float = 180.0
    attempts: int | None = None

    def run(
        self,
        call: Callable[[], T],
        *,
        what: str,
        repeatable: Callable[[BaseException], bool],
        described: Callable[[BaseException | None], str] | None = None,
    ) -> T:
        """The answer of `call`, tried again while it raises what `repeatable` accepts.

        :param what: names the call in the log and in the error, such as "changes.create of zone 'z'".
        :param described: an error in a few words; a cloud's client knows its library's better than `describe`.
        :raises CloudUnavailable: the deadline or the tries are used up; any other error passes through as it is.
        """
        brief = described or describe

        def report(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.warning("%s: %s; try %d in %.1f s", what, brief(error), state.attempt_number + 1, state.upcoming_sleep)

        stop: tenacity.stop.stop_base = tenacity.stop_before_delay(self.deadline)
        if self.attempts is not None:
            stop = stop | tenacity.stop_after_attempt(self.attempts)
        again = tenacity.retry_if_exception(repeatable)
        retrying = tenacity.Retrying(retry=again, wait=self._wait, stop=stop, before_sleep=report)
        started = time.monotonic()
        try:
            return retrying(call)
        except tenacity.RetryError as exhausted:
            last = exhausted.last_attempt.exception()
            asked = retry_after(last) if last is not None else None
            tries, seconds = exhausted.last_attempt.attempt_number, time.monotonic() - started
            raise CloudUnavailable(
                f"{what} failed {tries} time(s) in {seconds:.0f} s, last with {brief(last)}"
                + (f", to be tried again after {asked:.0f} s" if asked else ""),
                way_out="the task can be retried: it reads again what is there and does what is missing",
            ) from last

    def _wait(self, state: tenacity.RetryCallState) -> float:
        spread = min(self.maximum, self.initial * 2.0 ** min(state.attempt_number - 1, 30))
        jitter = random.uniform(0, spread)  # noqa: S311 - spreads load, guards nothing
        error = state.outcome.exception() if state.outcome else None
        asked = retry_after(error) if error else None
        # Asked to wait, everybody was told the same moment: the jitter goes on top.
        return asked + min(jitter, 1.0) if asked is not None else jitter


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hook goes on before it says that it cannot; the defaults are for Google and for many writers.

    :param silence: seconds without an answer after which a call has failed.
    :param failures: one call that fails, and may be made again.
    :param contention: reading, deciding and writing again while others write to the same names or the same policy.
    """

    silence: float = 60.0
    failures: RetryPolicy = RetryPolicy()
    contention: RetryPolicy = RetryPolicy(initial=0.2, maximum=10.0, deadline=180.0)


def retry_after(error: BaseException) -> float | None:
    """Seconds that the server asked to wait (Retry-After as seconds or as a date), or None."""
    response = getattr(error, "response", None)
    header = response.headers.get("Retry-After") if response is not None else None
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def describe(error: BaseException | None) -> str:
    """An error in a few words on one line."""
    brief = getattr(error, "brief", None)  # of an error that says where it happened, which whoever describes it knows
    if brief is not None:
        return str(brief)
    text = clipped(str(_innermost(error)), 300)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _innermost(error: BaseException | None) -> object:
    """What happened: requests wraps urllib3, which wraps it once or twice and repeats the URL each time."""
    while error is not None and error.args:
        inner = getattr(error.args[0], "reason", None) or next(
            (item for item in error.args if isinstance(item, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return getattr(error, "strerror", None) or error
        error = inner
    return error
