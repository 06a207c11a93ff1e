"""The order in which runs claim one job's names, by what Airflow tells of their claims."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.exceptions import TaskDeferred

from mldns.operators.cloud_dns import CloudDNSClaimOperator
from mldns.tasks.turns import XCOM_KEY, Turn

WANTED = {"zone": "ml", "job": "bert", "claimant": "here/train"}
DAY = datetime(2026, 1, 3, tzinfo=UTC)


class Claims:
    """The claim of one run, and what it may ask Airflow about the claims of the others."""

    task_id, dag_id, map_index = "claim", "train", -1

    def __init__(self, run_id: str, states: dict[str, str], waiting: dict[str, Any]) -> None:
        self.run_id, self.states, self.waiting = run_id, states, waiting

    def get_ti_count(self, *, states: list[str], **which: Any) -> int:
        return sum(state in states for state in self.states.values())

    def get_task_states(self, **which: Any) -> dict[str, dict[str, str]]:
        return {run_id: {"claim": state} for run_id, state in self.states.items()}

    def xcom_pull(self, *, run_id: str, **which: Any) -> Any:
        return self.waiting.get(run_id)

    def xcom_push(self, key: str, value: Any) -> None:
        assert key == XCOM_KEY
        self.waiting[self.run_id] = value


def turn(day: int, claims: Claims, *, wanted: dict[str, str] = WANTED, every_run: bool = False) -> Turn:
    run = SimpleNamespace(logical_date=DAY + timedelta(days=day), run_after=DAY, run_id=claims.run_id)
    return Turn({"ti": claims, "dag_run": run}, wanted, until=DAY.timestamp() + 3600, every_run=every_run)  # type: ignore[typeddict-item]


def wait(waits: Turn) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        waits.wait(
            CloudDNSClaimOperator(task_id="claim", zone="ml", job="bert"),
            "run x",
            now=DAY.timestamp(),
            since=DAY.timestamp() - 200,
        )
    return deferred.value


def test_an_earlier_run_that_waits_for_the_same_names_comes_first() -> None:
    waiting: dict[str, Any] = {}
    states = {"monday": "deferred", "tuesday": "deferred", "sunday": "success"}
    monday, tuesday = (Claims(run_id, states, waiting) for run_id in ("monday", "tuesday"))
    wait(turn(2, tuesday))
    wait(turn(1, monday))
    assert turn(2, tuesday).ahead() == "monday"
    assert turn(1, monday).ahead() is None
    assert turn(2, tuesday, wanted={**WANTED, "job": "other"}).ahead() is None
    states["monday"] = "success"
    assert turn(2, tuesday).ahead() is None


@pytest.mark.parametrize(
    ("other", "every_run", "ahead"),
    [
        ("scheduled__2026-01-02T00:00:00+00:00", True, True),
        ("scheduled__2026-01-04T00:00:00+00:00", True, False),
        ("scheduled__2026-01-02T00:00:00+00:00", False, False),  # its job may be another one
        ("manual__2026-01-02T00:00:00+00:00", True, False),
    ],
)
def test_an_earlier_run_that_has_not_begun_to_wait_comes_first_where_all_want_the_same(
    other: str, every_run: bool, ahead: bool
) -> None:
    own = "scheduled__2026-01-03T00:00:00+00:00"
    claims = Claims(own, {own: "running", other: "queued"}, {})
    assert turn(0, claims, every_run=every_run).ahead() == (other if ahead else None)


def test_a_wait_says_for_whom_and_until_when_and_looks_again_ever_more_rarely() -> None:
    claims = Claims("monday", {}, {})
    deferred = wait(turn(1, claims))
    assert deferred.method_name == "execute_after_pause"
    assert deferred.kwargs == {"since": DAY.timestamp() - 200}
    assert deferred.trigger.serialize()[1]["moment"] == DAY + timedelta(seconds=40)
    assert (claims.waiting["monday"]["for"], claims.waiting["monday"]["until"]) == ("run x", "2026-01-03T01:00:00Z")
