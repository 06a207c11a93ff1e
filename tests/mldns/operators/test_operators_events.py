"""The events that the operators emit, with Airflow's own accessor of outlet events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator
from airflow.sdk.execution_time.context import OutletEventAccessors

from mldns.events.written_records import parse
from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.sensors.resolution import DNSResolutionSensor
from mldns.tasks.outlets import JOBS, RECORDS
from tests.cloud_fixture import Cloud

RUN = "manual__1"
JOB: dict[str, Any] = {"zone": "ml", "job": "bert"}
WORKERS: dict[str, Any] = {**JOB, "workers": ["10.0.0.7", "10.0.0.8"]}


@pytest.fixture
def emitted(connected: Cloud) -> Any:
    """`emitted(Operator, **arguments)`: execute it as a task would, and return its events with their assets."""

    def run(operator: type[BaseOperator], **arguments: Any) -> list[tuple[str, str, dict[str, Any]]]:
        with DAG("train_bert") as dag:
            task = operator(task_id="step", **arguments)
        events = OutletEventAccessors()
        ti = SimpleNamespace(dag_id="train_bert", run_id=RUN, task_id="step", map_index=-1)
        context: Any = {"params": {}, "run_id": RUN, "dag": dag, "ti": ti, "task": task, "outlet_events": events}
        assert task.outlets in ([JOBS], [JOBS, RECORDS]), "declared, so that they exist before the first event"
        task.execute(context)
        task.post_execute(context)
        return [(asset.name, asset.uri, events[asset].extra) for asset in task.outlets if events[asset].extra]

    zone = CloudDNSEnsureZoneOperator(
        task_id="zone", zone="ml", dns_name="ml.example.com.", networks=[connected.network]
    )
    zone.execute({})  # type: ignore[arg-type]
    return run


def test_each_phase_is_one_event_of_the_zones_jobs(emitted: Any) -> None:
    events = [
        *emitted(CloudDNSClaimOperator, **WORKERS),
        *emitted(CloudDNSUpsertRecordsOperator, **WORKERS),
        *emitted(DNSResolutionSensor, **WORKERS, timeout=30, poke_interval=0.2),
        *emitted(CloudDNSDeleteRecordsOperator, **JOB),
    ]
    phases = [event for event in events if event[2]["kind"] == "job"]
    assert [extra["phase"] for _, _, extra in phases] == ["claimed", "written", "ready", "released"]
    assert {(name, uri) for name, uri, _ in phases} == {("mldns jobs", "x-mldns://jobs")}
    assert {(extra["kind"], extra["job"], extra["zone"]) for _, _, extra in phases} == {("job", "bert", "ml")}
    released = phases[-1][2]
    assert (released["dns_name"], released["records"]) == ("ml.example.com.", 4)


def test_a_claim_says_who_holds_the_names_and_until_when(emitted: Any) -> None:
    ((_, _, extra),) = emitted(CloudDNSClaimOperator, **WORKERS)
    assert extra["claimant"].endswith("/train_bert")
    assert extra["lease"] == RUN
    assert extra["expires"] > extra["at"]
    assert extra["records"] == 4  # two workers, master, workers
    assert extra["run"] == {"dag_id": "train_bert", "run_id": RUN, "task_id": "step", "map_index": -1}


def test_an_open_gate_says_how_long_it_took(emitted: Any) -> None:
    emitted(CloudDNSUpsertRecordsOperator, **WORKERS)
    ((_, _, extra),) = emitted(DNSResolutionSensor, **WORKERS, timeout=30, poke_interval=0.2)
    assert extra["gate"]["ok"] is True
    assert extra["gate"]["names"] == 4
    assert extra["gate"]["seconds"] >= 0


def test_an_upsert_emits_its_records_apart_from_what_the_page_reads(emitted: Any) -> None:
    (_, _, written), (name, uri, extra) = emitted(CloudDNSUpsertRecordsOperator, **WORKERS)
    assert (name, uri) == ("mldns records", "x-mldns://records")
    found = parse(extra)
    assert found is not None
    assert (found.job, found.claimant, found.lease) == ("bert", written["claimant"], RUN)
    assert {(rrset.name, rrset.rrdatas) for rrset in found.rrsets} >= {
        ("worker-0.bert.ml.example.com.", ("10.0.0.7",)),
        ("workers.bert.ml.example.com.", ("10.0.0.7", "10.0.0.8")),
    }


def test_create_only_emits_no_records_for_others_may_stand_there(emitted: Any) -> None:
    events = emitted(CloudDNSUpsertRecordsOperator, **WORKERS, policy="create-only")
    assert [extra["kind"] for _, _, extra in events] == ["job"]


def test_a_dry_run_emits_nothing(emitted: Any) -> None:
    assert emitted(CloudDNSUpsertRecordsOperator, **WORKERS, dry_run=True) == []


def test_a_late_release_emits_nothing(emitted: Any) -> None:
    emitted(CloudDNSUpsertRecordsOperator, **WORKERS, lease="the-next-run")
    assert emitted(CloudDNSDeleteRecordsOperator, **JOB) == []


def test_outlets_of_the_users_own_are_kept() -> None:
    mine = Asset("mine")
    with DAG("a_dag"):
        task = CloudDNSClaimOperator(task_id="claim", **WORKERS, outlets=[mine])
    assert task.outlets == [mine, JOBS]
