"""Whose turn it is to claim: the runs that want one job's names get them one after the other, in the order of the runs.

A claim that has to wait gives its worker slot back and looks again later; a timer does the waiting, since a triggerer
has no credentials to read the zone with. What it waits for stands in its XCom `waiting`, which the claims of later runs
read, so that none of these takes names that were released between two looks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

log = logging.getLogger(__name__)

CLAIM_TIMEOUT = 3600.0
"""Seconds that a claim waits for its turn unless told otherwise."""

XCOM_KEY = "waiting"

_LEAST_PAUSE, _MOST_PAUSE = 10.0, 60.0
_GRACE = timedelta(seconds=120)
_ABOUT_TO_CLAIM = ("scheduled", "queued", "running", "deferred", "up_for_retry")


@dataclass(frozen=True, slots=True)
class Turn:
    """A claim's place among the runs of its DAG.

    :param wanted: what is claimed; only who wants the same is in the way.
    :param until: seconds of the wall clock; then the claim is refused instead of waiting on.
    :param every_run: the DAG says the job as plain text, so that each of its runs wants the same.
    """

    context: Context
    wanted: Mapping[str, str]
    until: float
    every_run: bool

    def ahead(self) -> str | None:
        """Return an earlier run that waits for the same names, or is about to claim them; None where there is none."""
        own, task = self.context["ti"], self.context["ti"].task_id
        try:
            which: Any = {"dag_id": own.dag_id, "task_ids": [task], "map_index": own.map_index}
            if own.get_ti_count(**which, states=list(_ABOUT_TO_CLAIM)) <= 1:
                return None
            states = own.get_task_states(**which)
        except Exception as error:  # noqa: BLE001 - the order is a courtesy; the claim itself is what keeps names safe
            log.info("Airflow cannot tell which other runs wait: %s", error)
            return None
        mine = self._order()
        for run_id, found in sorted(states.items()):
            if run_id == own.run_id or not set(found.values()) & set(_ABOUT_TO_CLAIM):
                continue
            said = own.xcom_pull(task_ids=task, key=XCOM_KEY, run_id=run_id, map_indexes=own.map_index)
            if said and said.get("wanted") == dict(self.wanted) and str(said.get("order")) < mine:
                return str(run_id)
            if not said and self.every_run and _begins_before(run_id, own.run_id):
                return str(run_id)
        return None

    def wait(self, operator: BaseOperator, whom: str, *, now: float, since: float) -> None:
        """Give the slot back, and have `operator.execute_after_pause` look again; does not return.

        :param whom: the run that is waited for, for the log.
        :param now: seconds of the wall clock.
        :param since: when the waiting began.
        """
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        ends = datetime.fromtimestamp(self.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        log.info("Waiting for %s", whom)
        log.info("It waits until %s (claim_timeout), without a worker slot", ends)
        self.context["ti"].xcom_push(
            key=XCOM_KEY,
            value={"wanted": dict(self.wanted), "order": self._order(), "for": whom, "since": since, "until": ends},
        )
        pause = timedelta(seconds=min(_MOST_PAUSE, max(_LEAST_PAUSE, (now - since) / 5), max(self.until - now, 1.0)))
        operator.defer(
            trigger=DateTimeTrigger(moment=datetime.fromtimestamp(now, UTC) + pause),
            method_name="execute_after_pause",
            kwargs={"since": since},
            timeout=pause + _GRACE,
        )

    def _order(self) -> str:
        """Text that sorts as the runs do."""
        run = self.context["dag_run"]
        moment = run.logical_date or run.run_after
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f} {run.run_id}"


def waits_since(context: Context, now: float) -> float:
    """Return when this task began to wait, as it said itself; `now` where it did not."""
    own = context["ti"]
    said = own.xcom_pull(task_ids=own.task_id, key=XCOM_KEY, map_indexes=own.map_index)
    return float(said["since"]) if said else now


def _begins_before(run_id: str, own: str) -> bool:
    """Whether a run that Airflow named after its date is earlier than this one, which must be of the same kind."""
    kind, _, date = run_id.partition("__")
    own_kind, _, own_date = own.partition("__")
    return kind == own_kind and date < own_date
