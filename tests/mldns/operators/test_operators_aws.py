"""The operators on a connection of type aws: the same code, with the same ends, against localcloud's Route 53."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.execution_time.context import OutletEventAccessors

from mldns.exceptions import ClaimRefused, InvalidInput, ZoneMismatch, ZoneNotFound
from mldns.operators import dns
from mldns.sensors.resolution import DNSResolutionSensor, ResolutionTimedOut
from mldns.task_groups import training_dns
from tests.cloud_fixture import Cloud
from tests.mldns.operators.conftest import Execute
from tests.route53_fixture import REGION, VPC, boto_client

AWS = {"conn_id": "aws_default", "zone": "ml.example.com"}
ZONE: dict[str, Any] = {**AWS, "dns_name": "ml.example.com.", "networks": [VPC]}
JOB: dict[str, Any] = {**AWS, "job": "bert", "workers": ["10.0.0.7", "10.0.0.8"]}


@pytest.fixture
def aws(start_cloud: Callable[..., Cloud], monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An empty localcloud with a resolver in the VPC, behind a connection of type aws."""
    cloud = start_cloud("--done-ms", "50", "--serve-ms", "0", "--resolver", f"127.0.0.1:0={VPC}")
    extra: dict[str, Any] = {
        "region_name": REGION,
        "endpoint_url": cloud.api,
        "requests_per_second": 1e6,
        "resolver_addresses": cloud.resolvers,
    }
    value = {"conn_type": "aws", "login": "anybody", "password": "anything", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(value))
    return cloud


def test_a_training_s_way_from_preflight_to_release(aws: Cloud, execute: Execute) -> None:
    plan = execute(dns.PreflightOperator, **ZONE, **{key: JOB[key] for key in ("job", "workers")})
    assert (plan["exists"], plan["job"]["counts"]["creates"]) == (False, 4)
    assert "route53.CreateHostedZone" not in aws.stats()
    execute(dns.EnsureZoneOperator, **ZONE)
    execute(dns.ClaimOperator, **JOB, lease_hours=1, claim_timeout=0)
    wrote = execute(dns.UpsertRecordsOperator, **JOB, lease_hours=1, claimed=True, renew=False)
    assert (wrote["created"], wrote["status"]) == (4, "done")
    gate = execute(DNSResolutionSensor, **JOB, timeout=30, poke_interval=0.1)
    handoff = execute(dns.HandOffOperator, **JOB, ti=SimpleNamespace(xcom_push=lambda **_: None))
    assert gate is not None
    assert handoff["count"] == 2
    with pytest.raises(ClaimRefused):
        execute(dns.ClaimOperator, **JOB, run_id="manual__later", claim_timeout=0)
    released = execute(dns.DeleteRecordsOperator, **AWS, job="bert")
    assert (released["deleted"], released["released"]) == (4, True)
    assert execute(dns.DeleteZoneOperator, **AWS) == {"deleted": True}


def test_a_name_that_does_not_resolve_is_not_asked_again_before_the_denial_ends(aws: Cloud, execute: Execute) -> None:
    """Route 53's denials last 900 seconds, and the error says so."""
    execute(dns.EnsureZoneOperator, **ZONE)
    with pytest.raises(ResolutionTimedOut, match=r"for another (900|8\d\d) s"):
        execute(DNSResolutionSensor, **JOB, timeout=1, poke_interval=0.1)


def test_zones_that_are_others_or_not_there_are_refused(aws: Cloud, execute: Execute) -> None:
    with pytest.raises(ZoneNotFound):
        execute(dns.ClaimOperator, **JOB)
    boto_client(aws.api).create_hosted_zone(Name="ml.example.com", CallerReference="somebody")
    with pytest.raises(ZoneMismatch):
        execute(dns.EnsureZoneOperator, **ZONE)
    with pytest.raises(InvalidInput):
        execute(dns.EnsureZoneOperator, **ZONE, project_id="another")


def test_a_role_is_refused_before_anything_is_written(aws: Cloud, execute: Execute) -> None:
    role: dict[str, Any] = {"role": "roles/dns.reader", "members": ["user:a@example.com"], "scope": "zone"}
    job = {key: JOB[key] for key in ("job", "workers")}
    for operator, more in ((dns.PreflightOperator, ZONE | job), (dns.BindIamOperator, AWS)):
        with pytest.raises(InvalidInput):
            execute(operator, **more, **role)
    assert execute(dns.BindIamOperator, **AWS, role="", members=[], scope="zone")["skipped"], (
        "an empty form is no error"
    )
    assert "route53.CreateHostedZone" not in aws.stats()


def test_reconcile_checks_the_account_s_zones(aws: Cloud, execute: Execute) -> None:
    execute(dns.EnsureZoneOperator, **ZONE)
    execute(dns.UpsertRecordsOperator, **JOB)
    boto_client(aws.api).create_hosted_zone(Name="theirs.example.com", CallerReference="somebody")
    ti = SimpleNamespace(dag_id="mldns_reconcile", run_id="check", task_id="task", map_index=-1)
    with DAG("mldns_reconcile"):
        check = dns.ReconcileOperator(task_id="task", conn_id="aws_default")
    found = check.execute({"ti": ti, "task": check, "outlet_events": OutletEventAccessors()})  # type: ignore[arg-type]
    assert (found["zones"], found["reports"][0]["zone"]) == (1, "ml.example.com")
    assert "error" not in found["reports"][0]


def test_the_task_group_and_the_links_take_any_connection(aws: Cloud) -> None:

    with DAG("a_dag"), training_dns(**JOB) as training:
        BaseOperator(task_id="train")
    tasks = {task.label: task for task in training.group.children.values()}
    assert {tasks[name].gcp_conn_id for name in ("claim", "upsert", "gate", "handoff", "release")} == {"aws_default"}
    (zone_link,) = (link for link in tasks["claim"].operator_extra_links if "Zone" in link.name)
    assert zone_link.get_link(tasks["claim"], ti_key=None) == "https://console.aws.amazon.com/route53/v2/hostedzones"
