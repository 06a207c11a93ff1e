"""No task of a training starts without its names, whatever was cleared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, task, task_group

from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSHandOffOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.task_groups import require_names, training_dns
from mldns.tasks.guard import NotStarted, nobody_needs, put_before
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import Execute, connected, execute

__all__ = ["connected", "execute"]

JOB: dict[str, Any] = {"zone": "ml", "job": "bert"}
WORKERS: dict[str, Any] = {**JOB, "workers": ["10.0.0.7", "10.0.0.8"]}


@pytest.fixture
def zone(connected: Cloud, execute: Execute) -> Cloud:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", networks=[NETWORK])
    return connected


@task
def train(rank: int = 0) -> None: ...


def look(handoff: Any = None, *, run_id: str = "first", next_method: str | None = None) -> str:
    """Why a training of this run does not start; empty where it does."""
    with DAG("a_dag", user_defined_macros={"job": "bert"}) as dag:
        operator = train().operator
    told: list[dict[str, str]] = []
    ti = SimpleNamespace(
        _ti_context_from_server=SimpleNamespace(next_method=next_method),
        xcom_push=lambda *, key, value: told.append(value),
    )
    check = require_names(zone="ml", job="{{ job }}", handoff=handoff, again="dns.claim")
    why = ""
    try:
        check({"task": operator, "dag": dag, "run_id": run_id, "ti": ti, "params": {}})  # type: ignore[typeddict-item]
    except NotStarted as refused:
        why = refused.why
    assert [why in one["what"] and "dns.claim" in one["todo"] for one in told] == ([True] if why else [])
    return why


def test_a_training_starts_once_its_run_holds_the_names_and_all_are_written(zone: Cloud, execute: Execute) -> None:
    assert look() == "they were released"
    execute(CloudDNSClaimOperator, **WORKERS, run_id="first")
    assert look() == "4 of them are claimed and not written"
    execute(CloudDNSUpsertRecordsOperator, **WORKERS, run_id="first")
    handoff = execute(CloudDNSHandOffOperator, **WORKERS, ti=SimpleNamespace(xcom_push=lambda **_: None))
    assert look(handoff) == ""
    assert look(handoff, run_id="second") == "run first holds them now"
    more = {**WORKERS, "workers": [*WORKERS["workers"], "10.0.0.9"]}
    later = execute(CloudDNSHandOffOperator, **more, ti=SimpleNamespace(xcom_push=lambda **_: None))
    assert look(later) == "1 of 3 are gone, first worker-2.bert.ml.example.com."
    execute(CloudDNSDeleteRecordsOperator, **JOB, run_id="first")
    assert look(handoff) == "they were released"
    assert look(handoff, next_method="execute_complete") == "", "it goes on: nobody stops a training at work"


@pytest.mark.parametrize("mapped", [False, True])
def test_the_look_comes_before_the_tasks_own_pre_execute(mapped: bool) -> None:
    seen: list[str] = []
    with DAG("a_dag"):
        own = train.override(pre_execute=lambda context: seen.append("own"))
        operator: Any = own.expand(rank=[0, 1]) if mapped else own().operator
    operator = getattr(operator, "operator", operator)
    put_before(operator, lambda context: seen.append("look"))
    hook = operator.partial_kwargs["pre_execute"] if mapped else operator._pre_execute_hook
    hook({})
    assert seen == ["look", "own"]


@pytest.mark.parametrize(
    ("states", "needed"),
    [
        ({"one.dns.train_1": "success", "one.dns.release_1": "success"}, False),  # another instance was cleared
        ({"one.dns.train_1": "failed", "one.dns.release_1": "success"}, False),
        ({"one.dns.train_1": None, "one.dns.release_1": None}, True),
        ({"one.dns.train_1": None, "one.dns.release_1": "success"}, True),
        ({"one.dns.train_1": "success", "one.dns.release_1": None}, True),  # a claim cleared alone
        ({}, True),  # not expanded yet
        (None, True),  # Airflow does not answer
    ],
)
@pytest.mark.parametrize("index", [1, -1])
def test_an_instance_whose_training_and_release_are_over_needs_no_claim(
    states: dict[str, str | None] | None, needed: bool, index: int
) -> None:
    with DAG("a_dag") as dag:

        @task_group
        def one(job: str) -> None:
            with training_dns(zone="ml", job=job, workers=["10.0.0.7"]):
                train()

        one.expand(job=["a", "b"])

    def get_task_states(*, task_ids: list[str], map_index: int, run_ids: list[str], **which: Any) -> dict[str, Any]:
        assert (set(task_ids), map_index) == ({"one.dns.train", "one.dns.release"}, index)
        if states is None:
            raise ConnectionError
        return {run_ids[0]: states} if states else {}

    ti = SimpleNamespace(dag_id="a_dag", run_id="run", map_index=index, get_task_states=get_task_states)
    context: Any = {"dag": dag, "ti": ti}
    assert nobody_needs(dag.task_dict["one.dns.claim"], context) is (index >= 0 and not needed)
