"""When a lease is over."""

from __future__ import annotations

import pytest

from mldns.ownership.leases import PREPARING_DAG, Holding, Over, RunState, over, run_state, to_renew
from mldns.ownership.manifest import Manifest

NOW = 1_800_000_000
FUTURE, PAST = NOW + 60, NOW - 60


@pytest.mark.parametrize(
    ("expires", "dag_id", "state", "expected"),
    [
        (FUTURE, "train", RunState.RUNNING, None),
        (PAST, "train", RunState.RUNNING, None),  # a training may take longer than its lease
        (FUTURE, "train", RunState.FAILED, Over.ORPHANED),
        (FUTURE, "train", RunState.SUCCESS, Over.ORPHANED),
        (FUTURE, None, RunState.UNKNOWN, None),
        (NOW, None, RunState.UNKNOWN, Over.EXPIRED),
        (PAST, None, RunState.UNKNOWN, Over.EXPIRED),
        (None, "train", RunState.FAILED, None),  # nobody said when it ends
        (FUTURE, PREPARING_DAG, RunState.SUCCESS, None),  # the training has only begun
        (PAST, PREPARING_DAG, RunState.SUCCESS, Over.EXPIRED),
    ],
)
def test_what_the_run_and_the_clock_say(
    expires: int | None, dag_id: str | None, state: RunState, expected: Over | None
) -> None:
    manifest = Manifest("bert", claimant="airflow/train", lease="run-1", expires=expires)
    assert over(manifest, Holding("airflow/train", "run-1", dag_id, "run-1", state), NOW) is expected


@pytest.mark.parametrize(
    "manifest", [Manifest("bert", expires=PAST), Manifest("shared", claimant="x", lease="y", expires=PAST)]
)
def test_what_nobody_holds_and_what_all_share_is_never_over(manifest: Manifest) -> None:
    assert over(manifest, Holding("", ""), NOW) is None


@pytest.mark.parametrize(
    ("left", "hours", "state", "due"),
    [
        (1801, 1, RunState.RUNNING, False),
        (1799, 1, RunState.RUNNING, True),
        (-60, 1, RunState.RUNNING, True),  # no check ran in time, and nobody has taken the names
        (1799, None, RunState.RUNNING, False),
        (None, 1, RunState.RUNNING, False),
        (1799, 1, RunState.SUCCESS, False),
        (1799, 1, RunState.UNKNOWN, False),
    ],
)
def test_a_lease_is_renewed_while_its_run_is_at_work_and_wants_it(
    left: int | None, hours: float | None, state: RunState, due: bool
) -> None:
    expires = None if left is None else NOW + left
    manifest = Manifest("bert", claimant="airflow/train", lease="run-1", expires=expires)
    assert to_renew(manifest, Holding("airflow/train", "run-1", "train", "run-1", state), hours, NOW) is due


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("running", RunState.RUNNING),
        ("queued", RunState.RUNNING),
        ("success", RunState.SUCCESS),
        ("failed", RunState.FAILED),
        ("paused", RunState.UNKNOWN),
        (None, RunState.UNKNOWN),
    ],
)
def test_states_as_airflow_spells_them(text: str | None, state: RunState) -> None:
    assert run_state(text) is state
