"""The DAGs, every task of them, against a real localcloud."""

from __future__ import annotations

import pytest

from tests.cloud_fixture import Cloud
from tests.dags.conftest import Airflow, Run

pytestmark = pytest.mark.slow

MEMBER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
SERVICE = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
SEED = {
    "zone": "my-managed-zone",
    "dns_name": "ml.example.com.",
    "visibility": "public",
    "records": [SERVICE],
    "iam_role": "roles/dns.admin",
    "iam_members": [MEMBER],
    "iam_scope": "project",
}
JOB = {"zone": "ml", "visibility": "public", "job": "bert", "workers": ["10.0.0.7", "10.0.0.8"], "port": 29500}
WRITES = {
    "changes.create",
    "managedZones.create",
    "managedZones.patch",
    "managedZones.delete",
    "managedZones.setIamPolicy",
    "projects.setIamPolicy",
}


def writes(cloud: Cloud) -> dict[str, int]:
    return {method: sum(codes.values()) for method, codes in cloud.stats().items() if method in WRITES}


def names(cloud: Cloud, zone: str) -> dict[str, list[str]]:
    """What the zone holds besides its apex, by `name type`."""
    return {key: record["rrdatas"] for key, record in cloud.records(zone).items()}


def succeeded(run: Run) -> Run:
    assert run.state == "success", run
    return run


def test_the_seed_case_is_written_and_proved(airflow: Airflow, cloud: Cloud) -> None:
    run = succeeded(airflow.run("mldns_pretraining", cloud, **SEED))
    assert names(cloud, "my-managed-zone")["service.ml.example.com. A"] == ["192.0.2.1"]
    assert run.xcom["bind_iam"]["added"] == [MEMBER]
    assert run.xcom["ensure_zone"]["nameServers"]
    assert run.xcom["handoff"]["name_servers"] == cloud.dns
    assert run.xcom["handoff"]["count"] == 0
    assert run.tasks["claim"] == run.tasks["upsert_workers"] == "skipped"
    policy = cloud.call("POST", f"/v3/projects/{cloud.project}:getIamPolicy", {})
    assert {"role": "roles/dns.admin", "members": [MEMBER]} in policy["bindings"]


def test_workers_are_handed_over_by_name(airflow: Airflow, cloud: Cloud) -> None:
    run = succeeded(airflow.run("mldns_pretraining", cloud, **JOB))
    assert run.xcom["handoff"]["endpoint"] == "worker-0.bert.ml.example.com.:29500"
    assert run.xcom["handoff"]["count"] == 2
    assert names(cloud, "ml")["worker-1.bert.ml.example.com. A"] == ["10.0.0.8"]
    assert run.tasks["upsert_shared"] == run.tasks["bind_iam"] == "skipped"


def test_a_dry_run_writes_nothing_and_shows_the_plan(airflow: Airflow, cloud: Cloud) -> None:
    succeeded(airflow.run("mldns_pretraining", cloud, **{**SEED, "records": [{**SERVICE, "ttl": 60}]}))
    before = writes(cloud)
    run = succeeded(airflow.run("mldns_pretraining", cloud, **{**JOB, **SEED}, dry_run=True))
    assert writes(cloud) == before
    plan = run.xcom["validate"]
    assert plan["exists"] is True
    assert plan["job"]["counts"]["creates"] == 5
    assert plan["shared"]["counts"]["replaces"] == 1
    assert set(run.tasks.values()) == {"success", "skipped"}
    assert run.tasks["ensure_zone"] == run.tasks["handoff"] == "skipped"


def test_the_release_dag_removes_what_its_lease_claimed(airflow: Airflow, cloud: Cloud) -> None:
    mine = {"job": "bert", "claimant": "x/train", "lease": "run-1"}
    succeeded(airflow.run("mldns_pretraining", cloud, **{**JOB, **mine, "records": [SERVICE]}))
    for others in ({"lease": "run-0"}, {"claimant": "x/other"}, {"claimant": None}):
        other = succeeded(airflow.run("mldns_release", cloud, zone="ml", **{**mine, **others}))
        assert other.xcom["release"]["released"] is False
        assert "worker-0.bert.ml.example.com. A" in names(cloud, "ml")
    run = succeeded(airflow.run("mldns_release", cloud, zone="ml", **mine))
    assert run.xcom["release"]["deleted"] == 5
    left = names(cloud, "ml")
    assert left.pop("service.ml.example.com. A") == ["192.0.2.1"]
    assert list(left) == ["_mldns.shared.ml.example.com. TXT"]


def test_a_misspelt_param_is_named(airflow: Airflow, cloud: Cloud) -> None:
    before = writes(cloud)
    run = airflow.run("mldns_pretraining", cloud, **JOB, worker=["10.0.0.7"])
    assert run.errors["validate"] == "InvalidInput: unknown Param 'worker': did you mean 'workers'?"
    assert writes(cloud) == before


def test_a_lease_whose_run_has_ended_is_taken_over(airflow: Airflow, cloud: Cloud) -> None:
    private = {**JOB, "visibility": "private", "networks": [cloud.network], "lease_hours": 5}
    succeeded(airflow.run("mldns_pretraining", cloud, **private))
    run = succeeded(airflow.run("mldns_pretraining", cloud, **private))
    assert run.xcom["claim"]["lease"] == run.run_id


def test_three_processes_train_by_name_and_leave_nothing(airflow: Airflow, cloud: Cloud) -> None:
    run = succeeded(airflow.run("example_training", cloud, iam_role="roles/dns.reader", iam_members=[MEMBER]))
    assert run.xcom["dns.train"].startswith("trained: 3 processes, loss ")
    assert f"worker-0.example.training.example.com.=127.0.0.2:{run.xcom['rendezvous_port']}" in run.xcom["dns.train"]
    assert run.xcom["bind_iam"]["added"] == [MEMBER]
    assert run.xcom["dns.release"]["deleted"] == 6
    assert names(cloud, "training") == {}


def test_the_names_are_released_when_the_training_fails(airflow: Airflow, cloud: Cloud) -> None:
    run = airflow.run("example_training", cloud, learning_rate=100)
    assert run.state == "failed"
    assert "the loss went from" in run.errors["dns.train"]
    assert run.tasks["dns.release"] == "success"
    assert names(cloud, "training") == {}
