"""Under whose name a task holds and releases, and asking Airflow whether the run behind a lease is over."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import TriggerFailureReason

from mldns.exceptions import ClaimRefused, InvalidInput, LeaseLost
from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.tasks.lease import deployment
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import RUN_ID, Execute, records

JOB: dict[str, Any] = {"zone": "ml", "job": "bert", "workers": ["10.0.0.7"], "lease_hours": 5}


class Runs:
    """A task instance as far as `lease` asks it, with the states of the runs of `a_dag`; others are unknown."""

    def __init__(self, **states: str) -> None:
        self._states = states

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        if dag_id != "a_dag" or run_id not in self._states:
            raise LookupError(f"no run {run_id} of {dag_id}")
        return self._states[run_id]


@pytest.fixture
def held(connected: Cloud, execute: Execute) -> Cloud:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", networks=[NETWORK])
    execute(CloudDNSClaimOperator, **JOB, run_id="first")
    return connected


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_is_overtaken(held: Cloud, execute: Execute, state: str) -> None:
    claimed = execute(CloudDNSClaimOperator, **JOB, run_id="second", ti=Runs(first=state))
    assert claimed["lease"] == "second"


@pytest.mark.parametrize("runs", [Runs(first="running"), Runs(first="queued"), Runs()], ids=["running", "queued", "?"])
def test_a_run_that_is_active_or_unknown_keeps_its_names(held: Cloud, execute: Execute, runs: Runs) -> None:
    with pytest.raises(ClaimRefused, match="lease 'first'"):
        execute(CloudDNSClaimOperator, **JOB, run_id="second", ti=runs)


OUTLASTED = {**JOB, "job": "long", "lease_hours": 1e-9}  # over at once


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_training_that_outlasts_its_lease_keeps_its_names(held: Cloud, execute: Execute, state: str) -> None:
    execute(CloudDNSClaimOperator, **OUTLASTED, run_id="first")
    with pytest.raises(ClaimRefused, match="lease 'first'"):
        execute(CloudDNSClaimOperator, **OUTLASTED, run_id="second", ti=Runs(first=state))
    # And its own tasks go on under it, for the next day.
    assert execute(CloudDNSClaimOperator, **OUTLASTED | {"lease_hours": 24}, run_id="first")["lease"] == "first"


@pytest.mark.parametrize(
    ("claimant", "runs"),
    [("", Runs()), ("elsewhere/a_dag", Runs(first="running"))],
    ids=["a run that Airflow does not know", "a run of another deployment"],
)
def test_where_airflow_cannot_tell_the_end_of_the_lease_decides(
    held: Cloud, execute: Execute, claimant: str, runs: Runs
) -> None:
    job = OUTLASTED | {"claimant": claimant}
    execute(CloudDNSClaimOperator, **job, run_id="first")
    assert execute(CloudDNSClaimOperator, **job, run_id="second", ti=runs)["lease"] == "second"


@pytest.mark.parametrize("claimant", ["elsewhere/a_dag", "airflow", "a team"])
def test_a_claimant_of_another_deployment_is_not_asked_about(held: Cloud, execute: Execute, claimant: str) -> None:
    job = {**JOB, "job": "other", "claimant": claimant}
    execute(CloudDNSClaimOperator, **job, run_id="first")
    with pytest.raises(ClaimRefused, match="lease 'first'"):
        execute(CloudDNSClaimOperator, **job, run_id="second", ti=Runs(first="success"))


class Paused(Runs):
    """Of a claim that has waited since 1970."""

    task_id, map_index = "task", -1

    def xcom_pull(self, **which: Any) -> dict[str, float]:
        return {"since": 0.0}


@pytest.mark.parametrize("state", ["running", "success"])
def test_a_claim_that_no_triggerer_woke_looks_again_by_itself(held: Cloud, execute: Execute, state: str) -> None:
    woken = ("__fail__", {"error": TriggerFailureReason.TRIGGER_TIMEOUT})
    arguments: dict[str, Any] = {"run_id": "second", "ti": Paused(first=state), "resume": woken, "claim_timeout": 60}
    if state == "success":
        assert execute(CloudDNSClaimOperator, **JOB, **arguments)["lease"] == "second"
    else:
        with pytest.raises(ClaimRefused):  # its time is over, from the beginning of its wait
            execute(CloudDNSClaimOperator, **JOB, **arguments)


class Succession(Runs):
    """While the run that holds the names is asked about, another one takes them over."""

    def __init__(self, take_over: Callable[[], object], **states: str) -> None:
        super().__init__(**states)
        self._take_over: Callable[[], object] | None = take_over

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        state = super().get_dagrun_state(dag_id, run_id)
        if self._take_over is not None:
            self._take_over, take_over = None, self._take_over
            take_over()
        return state


@pytest.mark.parametrize("state", ["running", "success"])
def test_a_run_that_takes_over_while_another_is_asked_about_is_asked_about_itself(
    held: Cloud, execute: Execute, state: str
) -> None:
    """First has ended without a release; second takes over while third asks about first."""
    second = {**JOB, "workers": ["10.0.0.2"]}

    def take_over() -> None:
        execute(CloudDNSUpsertRecordsOperator, **second, run_id="second", ti=Runs(first="failed"))

    third = {
        **JOB,
        "workers": ["10.0.0.3"],
        "run_id": "third",
        "ti": Succession(take_over, first="failed", second=state),
    }
    if state == "running":
        with pytest.raises(ClaimRefused, match="lease 'second'"):
            execute(CloudDNSUpsertRecordsOperator, **third)
    else:
        assert execute(CloudDNSUpsertRecordsOperator, **third)["lease"] == "third"
    left = {"running": "10.0.0.2", "success": "10.0.0.3"}[state]
    assert records(held)["worker-0.bert.ml.example.com. A"] == [left]


def test_names_that_go_from_run_to_run_are_asked_about_a_few_times_only(held: Cloud, execute: Execute) -> None:
    class Endless:
        """Every run has ended, and while it is asked about, another has taken over and ended."""

        asked = 0

        def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
            self.asked += 1
            execute(CloudDNSClaimOperator, **JOB, run_id=f"run-{self.asked}", adopt=True)
            return "success"

    runs = Endless()
    with pytest.raises(ClaimRefused, match=r"lease 'run-\d'"):
        execute(CloudDNSClaimOperator, **JOB, run_id="last", ti=runs)
    assert 2 <= runs.asked < 10


def test_another_dags_release_leaves_the_names_though_the_run_id_is_the_same(held: Cloud, execute: Execute) -> None:
    execute(CloudDNSUpsertRecordsOperator, **JOB, run_id="first")
    before = records(held)
    theirs = {"zone": "ml", "job": "bert", "run_id": "first", "dag_id": "another_dag"}
    late = execute(CloudDNSDeleteRecordsOperator, **theirs)
    assert (late["deleted"], late["released"], late["overtaken_by"]) == (0, False, "first of airflow/a_dag")
    assert records(held) == before
    # A task of another DAG may release on behalf of the one that claimed, in so many words.
    asked = execute(CloudDNSDeleteRecordsOperator, **theirs, claimant="airflow/a_dag", lease="first")
    assert (asked["deleted"], records(held)) == (3, {})


def test_an_upsert_behind_a_claim_writes_nothing_once_the_run_is_released(held: Cloud, execute: Execute) -> None:
    execute(CloudDNSUpsertRecordsOperator, **JOB, run_id="first", claimed="True")
    execute(CloudDNSDeleteRecordsOperator, zone="ml", job="bert", run_id="first")
    with pytest.raises(LeaseLost) as lost:
        execute(CloudDNSUpsertRecordsOperator, **JOB, run_id="first", claimed="True")
    assert (lost.value.owner, lost.value.lease, lost.value.holder, lost.value.live) == ("bert", "first", None, 0)
    assert records(held) == {}


def test_a_deployment_below_a_path_asks_about_its_own_runs(
    held: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team")
    job = {**JOB, "job": "other"}
    execute(CloudDNSClaimOperator, **job, run_id="first")
    claimed = execute(CloudDNSClaimOperator, **job, run_id="second", ti=Runs(first="success"))
    assert claimed["lease"] == "second"


def test_in_a_public_zone_the_expiry_alone_decides(connected: Cloud, execute: Execute) -> None:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", visibility="public")
    execute(CloudDNSClaimOperator, **JOB, run_id="first")
    with pytest.raises(ClaimRefused, match="lease 'sha256:"):
        execute(CloudDNSClaimOperator, **JOB, run_id="second", ti=Runs(first="success"))


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("https://airflow.example.com/team/", "airflow.example.com/team"),
        ("http://localhost:8080", "localhost:8080"),
    ],
)
def test_a_deployment_is_told_by_its_base_url(monkeypatch: pytest.MonkeyPatch, base_url: str, said: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert deployment() == said


def test_a_worker_that_knows_no_address_claims_nothing(
    connected: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two deployments would be one claimant. Who says a claimant needs none."""
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", allow_unbound=True)
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    with pytest.raises(InvalidInput, match="AIRFLOW__API__BASE_URL"):
        execute(CloudDNSClaimOperator, **JOB)
    assert records(connected) == {}
    assert execute(CloudDNSClaimOperator, **JOB, claimant="here/train")["lease"] == RUN_ID


def test_a_failures_way_out_is_a_line_of_its_own_in_log_and_tab(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = ClaimRefused(
        owner="bert", claimant="here/train", lease="r", expires=None, same_claimant=True, at_work=True
    )
    task, left = CloudDNSClaimOperator(task_id="claim", **JOB), list[dict[str, str]]()
    for say in task.on_failure_callback:
        say({"exception": refused, "ti": SimpleNamespace(xcom_push=lambda **pushed: left.append(pushed["value"]))})  # type: ignore[typeddict-item]
    what, todo = (record.getMessage() for record in caplog.records)
    assert (what, todo.removeprefix("To do: ")) == refused.what_and_todo == tuple(left[0].values())
    assert "adopt" not in what + todo, "its run is at work"
