"""The DAGs against a real localcloud, as far as tests/e2e does not run them on a whole Airflow."""

from __future__ import annotations

import pytest

from tests.cloud_fixture import Cloud
from tests.dags.conftest import Airflow, Run

pytestmark = pytest.mark.slow

SERVICE = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
JOB = {"zone": "ml", "visibility": "public", "job": "bert", "workers": ["10.0.0.7", "10.0.0.8"], "port": 29500}


def succeeded(run: Run) -> Run:
    assert run.state == "success", run
    return run


def test_workers_are_handed_over_by_name(airflow: Airflow, cloud: Cloud) -> None:
    run = succeeded(airflow.run("mldns_pretraining", cloud, **JOB))
    assert run.xcom["handoff"]["endpoint"] == "worker-0.bert.ml.example.com.:29500"
    assert run.xcom["handoff"]["count"] == 2
    assert cloud.records()["worker-1.bert.ml.example.com. A"]["rrdatas"] == ["10.0.0.8"]
    assert run.tasks["upsert_shared"] == run.tasks["bind_iam"] == "skipped"


def test_the_release_dag_removes_what_its_lease_claimed(airflow: Airflow, cloud: Cloud) -> None:
    mine = {"job": "bert", "claimant": "x/train", "lease": "run-1"}
    succeeded(airflow.run("mldns_pretraining", cloud, **{**JOB, **mine, "records": [SERVICE]}))
    other = succeeded(airflow.run("mldns_release", cloud, zone="ml", **{**mine, "claimant": None}))
    assert other.xcom["release"]["released"] is False
    assert "worker-0.bert.ml.example.com. A" in cloud.records()
    run = succeeded(airflow.run("mldns_release", cloud, zone="ml", **mine))
    assert run.xcom["release"]["deleted"] == 5
    assert cloud.records().keys() == {"service.ml.example.com. A", "_mldns.shared.ml.example.com. TXT"}


def test_a_misspelt_param_is_named(airflow: Airflow, cloud: Cloud) -> None:
    run = airflow.run("mldns_pretraining", cloud, **JOB, worker=["10.0.0.7"])
    assert run.errors["validate"] == "InvalidInput: unknown Param 'worker': did you mean 'workers'?"
    assert "managedZones.create" not in cloud.stats()


def test_a_lease_whose_run_has_ended_is_taken_over(airflow: Airflow, cloud: Cloud) -> None:
    private = {**JOB, "visibility": "private", "networks": [cloud.network], "lease_hours": 5}
    succeeded(airflow.run("mldns_pretraining", cloud, **private))
    run = succeeded(airflow.run("mldns_pretraining", cloud, **private))
    assert run.xcom["claim"]["lease"] == run.run_id
