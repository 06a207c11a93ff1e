"""No task of a training starts without its names, whatever was cleared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, task

from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSHandOffOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.task_groups import require_names
from mldns.tasks.guard import NotStarted, put_before
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
    ti = SimpleNamespace(_ti_context_from_server=SimpleNamespace(next_method=next_method))
    check = require_names(zone="ml", job="{{ job }}", handoff=handoff, again="dns.claim")
    try:
        check({"task": operator, "dag": dag, "run_id": run_id, "ti": ti, "params": {}})  # type: ignore[typeddict-item]
    except NotStarted as refused:
        return refused.why
    return ""


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
