"""When a call may be repeated, and how long to wait before it is.

Three kinds of failure matter: *throttled* (429: nothing was applied, repeat anything), *never sent* (no connection was
made: repeat anything) and *transient* (5xx, a cut or silent connection: the call may have been applied, so only what is
idempotent is repeated; `mldns.gcp.changes` looks a change up instead).
"""

from __future__ import annotations

import email.utils
import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import google.auth.exceptions
import requests
import tenacity
import urllib3.exceptions
from google.api_core import exceptions as api_exceptions

from mldns.exceptions import CloudUnavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
# Older Google APIs send their rate limit as a 403 with one of these reasons.
_PAGE_TITLE = re.compile(r"<title>([^<]*)</title>", re.IGNORECASE)
_THROTTLED_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})


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

    def run(self, call: Callable[[], T], *, what: str, repeatable: Callable[[BaseException], bool]) -> T:
        """The answer of `call`, tried again while it raises what `repeatable` accepts.

        :param what: names the call in the log and in the error, such as "changes.create of zone 'z'".
        :raises CloudUnavailable: the deadline or the tries are used up; any other error passes through as it is.
        """
        stop: tenacity.stop.stop_base = tenacity.stop_before_delay(self.deadline)
        if self.attempts is not None:
            stop = stop | tenacity.stop_after_attempt(self.attempts)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(repeatable),
            wait=self._wait,
            stop=stop,
            before_sleep=lambda state: _report(what, state),
        )
        started = time.monotonic()
        try:
            return retrying(call)
        except tenacity.RetryError as exhausted:
            last = exhausted.last_attempt.exception()
            tries = exhausted.last_attempt.attempt_number
            asked = retry_after(last) if last is not None else None
            raise CloudUnavailable(
                f"{what} failed {tries} time(s) in {time.monotonic() - started:.0f} s, last with {describe(last)}"
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


def transient(error: BaseException) -> bool:
    """Whether the same call may well succeed a moment later, be it that this one was applied or not."""
    if isinstance(error, api_exceptions.GoogleAPICallError):
        return error.code in _TRANSIENT_STATUSES or throttled(error)
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return bool(error.retryable) or isinstance(error, google.auth.exceptions.TransportError)
    return isinstance(
        error,
        requests.exceptions.ConnectionError
        | requests.exceptions.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError
        | requests.exceptions.JSONDecodeError,
    )


def throttled(error: BaseException) -> bool:
    """Whether the server turned the call away before looking at it: too many requests."""
    if not isinstance(error, api_exceptions.GoogleAPICallError):
        return False
    return error.code == 429 or (error.code == 403 and reason_of(error) in _THROTTLED_REASONS)


def never_applied(error: BaseException) -> bool:
    """Whether the call cannot have had an effect, so that even a create is safe to send again."""
    if throttled(error) or isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return transient(error)  # no token, so no call
    cause = error.args[0] if isinstance(error, requests.exceptions.ConnectionError) and error.args else None
    refused = getattr(cause, "reason", cause)
    return isinstance(refused, urllib3.exceptions.NewConnectionError)


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


def reason_of(error: api_exceptions.GoogleAPICallError) -> str:
    """The `reason` of the first entry of a DNS error body, such as `alreadyExists`; empty where there is none."""
    first = next(iter(error.errors or ()), None)
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def describe(error: BaseException | None) -> str:
    """An error in a few words on one line, without the URL that google-api-core puts in front."""
    brief = getattr(error, "brief", None)  # of an error that says where it happened, which whoever describes it knows
    if brief is not None:
        return str(brief)
    if isinstance(error, api_exceptions.GoogleAPICallError):
        return f"HTTP {int(error.code or 0)} {message_of(error)}".strip()
    text = " ".join(str(_innermost(error)).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


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


def message_of(error: api_exceptions.GoogleAPICallError) -> str:
    """The server's own words on one line; google-api-core writes `METHOD URL: ` in front of them.

    The machines in front of an API answer with a whole page: then its title.
    """
    text = " ".join(str(error.message).split())
    if page := _PAGE_TITLE.search(text):
        return page[1].strip()
    if text.partition(" ")[0] in ("GET", "POST", "PUT", "PATCH", "DELETE") and "://" in text:
        text = text.partition(": ")[2]
    return text.removesuffix(".")


def _report(what: str, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s: %s; try %d in %.1f s", what, describe(error), state.attempt_number + 1, state.upcoming_sleep)
