"""The buttons on a task's page, as Airflow asks for them when a task has run."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from mldns.links import JobLink, ZoneLink
from mldns.operators.cloud_dns import CloudDNSBindIamOperator, CloudDNSClaimOperator, CloudDNSEnsureZoneOperator
from mldns.sensors.resolution import DNSResolutionSensor
from tests.airflow_versions import DagSerialization

WORKERS: dict[str, Any] = {"zone": "ml", "job": "bert", "workers": ["10.0.0.7"]}
CONSOLE = "https://console.cloud.google.com/net-services/dns/zones"


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`links(task)`: name and address of each button of a task that has run."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    monkeypatch.setenv(
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT",
        '{"conn_type": "google_cloud_platform", "extra": {"project": "its-project", "is_anonymous": true}}',
    )

    def of(task: BaseOperator) -> dict[str, str]:
        return {link.name: link.get_link(task, ti_key=None) for link in task.operator_extra_links}

    return of


@pytest.mark.parametrize("operator", [CloudDNSClaimOperator, DNSResolutionSensor])
def test_a_task_on_a_job_links_to_its_zone_and_to_the_job(links: Any, operator: type[BaseOperator]) -> None:
    assert links(operator(task_id="task", project_id="p", **WORKERS)) == {
        "Zone in the console": f"{CONSOLE}/ml/details?project=p",
        "Job on the DNS page": "https://airflow.example.com/team/plugin/dns?search=bert",
    }


def test_a_task_on_a_zone_links_to_it_in_the_connections_project(links: Any) -> None:
    task = CloudDNSEnsureZoneOperator(task_id="task", zone="ml", dns_name="ml.example.com.")
    assert links(task) == {"Zone in the console": f"{CONSOLE}/ml/details?project=its-project"}


def test_what_is_not_known_makes_no_link(links: Any) -> None:
    task = CloudDNSBindIamOperator(task_id="task", role="roles/dns.admin", members=["user:a@b.c"], scope="project")
    assert links(task) == {"Zone in the console": ""}


def test_without_a_connection_there_is_no_link_and_no_error(links: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT")
    task = CloudDNSClaimOperator(task_id="task", gcp_conn_id="none_such", **WORKERS)
    assert links(task)["Zone in the console"] == ""


@pytest.mark.parametrize("text", ["../../evil?x=", "a b&project=other", "<script>"])
def test_nothing_in_a_name_leads_elsewhere(links: Any, text: str) -> None:
    found = links(CloudDNSClaimOperator(task_id="task", project_id="p", **{**WORKERS, "zone": text, "job": text}))
    zone, job = found.values()
    assert zone.startswith(f"{CONSOLE}/")
    assert zone.endswith("/details?project=p")
    assert zone.count("/") == CONSOLE.count("/") + 2
    assert job.startswith("https://airflow.example.com/team/plugin/dns?search=")
    assert not set(job) & set("<> ")


def test_airflow_knows_the_links_of_a_serialized_dag() -> None:
    with DAG("a_dag") as dag:
        CloudDNSClaimOperator(task_id="task", **WORKERS)
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert [link.name for link in read.task_dict["task"].operator_extra_links] == [ZoneLink.name, JobLink.name]
