"""The task group: what runs before, between and after."""

from __future__ import annotations

import json

import jinja2
import pytest
from airflow.sdk import DAG, TaskGroup, XComArg, task

from mldns.task_groups import training_dns
from tests.airflow_versions import DagSerialization

JOB = {"zone": "ml", "job": "bert", "workers": ["10.0.0.7"]}


@task
def train(env: object = None) -> None: ...


def test_the_claim_is_the_setup_and_the_release_the_teardown() -> None:
    with DAG("a_dag") as dag, training_dns(**JOB) as dns:
        train(dns.env)
    tasks = dag.task_dict
    assert tasks["dns.claim"].is_setup
    assert tasks["dns.release"].is_teardown
    assert tasks["dns.upsert"].claimed is True, "the release may be through before it has begun"
    assert tasks["dns.claim"].downstream_task_ids == {"dns.upsert", "dns.release"}
    assert tasks["dns.upsert"].downstream_task_ids == {"dns.gate"}
    assert tasks["dns.gate"].downstream_task_ids == {"dns.handoff"}
    assert tasks["dns.handoff"].downstream_task_ids == {"dns.train"}
    assert tasks["dns.train"].downstream_task_ids == {"dns.release"}


@pytest.mark.parametrize("cleared", ["claim", "upsert", "gate", "handoff", "train"])
def test_a_clear_with_what_follows_takes_all_that_makes_the_names_and_the_release(cleared: str) -> None:
    """Airflow's own rule, which the UI asks, too."""
    with DAG("a_dag") as dag, training_dns(**JOB) as dns:
        train(dns.env)
    seen = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    taken = seen.partial_subset(task_ids=[f"dns.{cleared}"], include_downstream=True, include_upstream=False).task_ids
    assert set(taken) == {f"dns.{name}" for name in ("claim", "upsert", "gate", "handoff", "train", "release")}


def test_every_first_task_waits_for_the_handoff_and_every_last_one_precedes_the_release() -> None:
    with DAG("a_dag") as dag, training_dns(**JOB, group_id="names") as dns:
        first = train.override(task_id="first")()
        with TaskGroup("inner"):
            second = train.override(task_id="second")()
        alone = train.override(task_id="alone")(dns.handoff)
        first >> second
    assert dag.task_dict["names.handoff"].downstream_task_ids == {"names.first", "names.alone"}
    assert dag.task_dict["names.release"].upstream_task_ids == {"names.claim", "names.inner.second", "names.alone"}
    assert alone.operator.task_id == "names.alone"


def test_workers_may_be_another_tasks_output() -> None:
    @task
    def discover() -> list[str]:
        return []

    with DAG("a_dag") as dag:
        with training_dns(zone="ml", job="bert", workers=discover()) as dns:
            train(dns.env)
        dns.group >> train.override(task_id="report")()
    assert {"dns.claim", "dns.upsert", "dns.gate", "dns.handoff"} <= dag.task_dict["discover"].downstream_task_ids
    assert isinstance(dns.handoff, XComArg)
    # What follows the group waits for the training; the release is a teardown, whose failure stops nobody.
    assert dag.task_dict["report"].upstream_task_ids == {"dns.train"}
    DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_the_environment_carries_the_handoff_as_json() -> None:
    with DAG("a_dag") as dag, training_dns(**JOB) as dns:
        train(dns.env)
    handoff = {"pattern": "{role}-{rank}.bert.ml.example.com.", "port": 29500, "note": "it's <b>"}

    class Pulls:
        def xcom_pull(self, task_ids: str, **_: str) -> object:
            assert task_ids == "dns.handoff"
            return handoff

    environment: jinja2.Environment = dag.get_template_env()
    rendered = environment.from_string(dns.env["MLDNS_HANDOFF"]).render(ti=Pulls())
    assert json.loads(rendered) == handoff


def test_a_group_without_a_training_is_refused() -> None:
    with (
        pytest.raises(ValueError, match="task group 'dns' of training_dns has no training"),
        DAG("a_dag"),
        training_dns(**JOB),
    ):
        pass


def test_two_jobs_in_one_dag() -> None:
    with DAG("a_dag") as dag:
        for job in ("a", "b"):
            with training_dns(zone="ml", job=job, workers=["10.0.0.7"], group_id=f"dns_{job}") as dns:
                train(dns.env)
    assert dag.task_dict["dns_a.release"].upstream_task_ids == {"dns_a.claim", "dns_a.train"}
    assert dag.task_dict["dns_b.release"].upstream_task_ids == {"dns_b.claim", "dns_b.train"}
