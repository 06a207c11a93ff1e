"""What mldns counts and times, for Airflow's own Stats: StatsD, Datadog or OpenTelemetry, whichever it is set to.

docs/metrics.md lists every name with unit and tags. Tags hold what a deployment has few of: methods, statuses,
projects, zones. Never a job, a run or a host, of which each would be a time series of its own for ever.

Outside Airflow there is no Stats, so nothing is imported or sent; and no trouble with metrics fails a task.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

NO_ANSWER = "none"
"""The status of a call that was never answered."""


def count(name: str, number: int = 1, **tags: str) -> None:
    """Add to a counter; nothing for 0."""
    if number:
        _report("incr", name, number, tags)


def gauge(name: str, value: float, **tags: str) -> None:
    """Say how much there is now."""
    _report("gauge", name, value, tags)


def timing(name: str, seconds: float, **tags: str) -> None:
    """Say how long something took; Stats keeps milliseconds."""
    _report("timing", name, seconds * 1000.0, tags)


def timed(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A decorator: `timing` of each call that returns. How long one took that raised says nothing of the work."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.monotonic()
            result = function(*args, **kwargs)
            timing(name, time.monotonic() - began)
            return result

        return measured

    return decorate


@contextmanager
def api_call(method: str) -> Iterator[None]:
    """One call of Google's API, repeated ones each: its HTTP status and how long it took.

    :param method: as the API names it, such as `changes.create`.
    """
    began = time.monotonic()
    status = "200"
    try:
        yield
    except Exception as error:
        code = getattr(error, "code", None)  # of google-api-core's exceptions
        status = str(int(code)) if isinstance(code, int) else NO_ANSWER
        raise
    finally:
        count("mldns.api.calls", method=method, status=status)
        timing("mldns.api.time", time.monotonic() - began, method=method)


def change_sent(project: str, zone: str, tally: tuple[int, int, int]) -> None:
    """Count a change that is live.

    :param tally: how many rrsets it created, changed and deleted.
    """
    count("mldns.changes", project=project, zone=zone)
    for action, number in zip(("created", "changed", "deleted"), tally, strict=True):
        count(f"mldns.records.{action}", number, project=project, zone=zone)


def gate_passed(result: Mapping[str, Any]) -> None:
    """A gate that opened; `result` as of `mldns.gate.report.Report.to_json`."""
    count("mldns.gate.warned" if result.get("warnings") else "mldns.gate.passed")
    timing("mldns.gate.time", float(result["seconds"]))


def gate_failed() -> None:
    """A gate whose time was over."""
    count("mldns.gate.failed")


def zones_checked(project: str, zones: int, attention: int) -> None:
    """Gauge a check of a project's zones.

    :param zones: how many were looked at.
    :param attention: how many of them somebody should look at.
    """
    gauge("mldns.zones.checked", zones, project=project)
    gauge("mldns.zones.attention", attention, project=project)


def drift(project: str, zone: str, kinds: Mapping[str, int]) -> None:
    """Gauge what a check found in a zone.

    :param kinds: how many by kind: zeros, too, which end what was reported before.
    """
    for kind, number in kinds.items():
        gauge(f"mldns.drift.{kind}", number, project=project, zone=zone)


def _report(kind: str, name: str, value: float, tags: Mapping[str, str]) -> None:
    # Importing airflow.sdk takes seconds. Who has not done so runs no task, and no Stats are set up there.
    if "airflow.sdk" not in sys.modules:
        return
    try:
        from mldns.airflow_versions import stats

        getattr(stats, kind)(name, value, tags=dict(tags))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a backend, the names of a training come first
        log.debug("metric %s is lost: %s", name, error)
