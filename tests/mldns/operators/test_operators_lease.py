"""Asking Airflow whether the run behind a lease is over."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mldns.exceptions import ClaimRefused
from mldns.operators.cloud_dns import CloudDNSClaimOperator, CloudDNSEnsureZoneOperator
from mldns.operators.lease import deployment
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import Execute

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


OUTLASTED = {**JOB, "job": "long", "lease_hours": 0.0001}  # a third of a second


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_training_that_outlasts_its_lease_keeps_its_names(held: Cloud, execute: Execute, state: str) -> None:
    execute(CloudDNSClaimOperator, **OUTLASTED, run_id="first")
    time.sleep(0.5)
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
    time.sleep(0.5)
    assert execute(CloudDNSClaimOperator, **job, run_id="second", ti=runs)["lease"] == "second"


@pytest.mark.parametrize("claimant", ["elsewhere/a_dag", "airflow", "a team"])
def test_a_claimant_of_another_deployment_is_not_asked_about(held: Cloud, execute: Execute, claimant: str) -> None:
    job = {**JOB, "job": "other", "claimant": claimant}
    execute(CloudDNSClaimOperator, **job, run_id="first")
    with pytest.raises(ClaimRefused, match="lease 'first'"):
        execute(CloudDNSClaimOperator, **job, run_id="second", ti=Runs(first="success"))


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
        ("", "airflow"),
    ],
)
def test_a_deployment_is_told_by_its_base_url(monkeypatch: pytest.MonkeyPatch, base_url: str, said: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert deployment() == said
