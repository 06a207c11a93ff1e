"""The DAGs as Airflow reads them: no errors, the right edges, Params that refuse what cannot be right."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import ParamValidationError
from airflow.sdk import DAG

from tests.airflow_versions import DagBag, DagSerialization, read_dags

FOLDER = Path(__file__).resolve().parents[2] / "dags"
IDS = {"mldns_pretraining", "mldns_release", "mldns_reconcile", "example_training"}


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return read_dags(str(FOLDER))


def test_the_folder_holds_these_dags_and_no_errors(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == IDS
    files = {dag_id: Path(dag.fileloc) for dag_id, dag in bag.dags.items()}
    assert files == {dag_id: FOLDER / f"{dag_id}.py" for dag_id in IDS}, "not the package's: tasks read them there"


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_a_dag_is_documented_and_survives_serialization(bag: DagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.doc_md
    assert "mldns" in dag.tags
    restored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(restored.task_ids) == set(dag.task_ids)


def test_pretraining_writes_nothing_before_it_has_checked_everything(bag: DagBag) -> None:
    dag = bag.dags["mldns_pretraining"]
    assert [task.task_id for task in dag.roots] == ["validate"]
    for task_id in ("ensure_zone", "claim", "upsert_workers", "upsert_shared", "bind_iam"):
        assert "unless_dry_run" in dag.get_task(task_id).get_flat_relative_ids(upstream=True)
    assert dag.get_task("gate").upstream_task_ids == {"upsert_workers", "upsert_shared", "bind_iam"}
    assert [task.task_id for task in dag.leaves] == ["handoff"]


@pytest.mark.parametrize(("dag_id", "gate"), [("mldns_pretraining", "gate"), ("example_training", "dns.gate")])
def test_a_gate_outlives_a_try_that_airflow_itself_fails(bag: DagBag, dag_id: str, gate: str) -> None:
    """As it may when a deferred task goes on at once: apache/airflow 72716. Time-outs are final nevertheless."""
    assert bag.dags[dag_id].get_task(gate).retries == 2


def test_the_example_claims_as_setup_and_releases_as_teardown(bag: DagBag) -> None:
    dag = bag.dags["example_training"]
    assert dag.get_task("dns.release").upstream_task_ids & {t.task_id for t in dag.tasks if t.is_setup} == {"dns.claim"}
    assert [task.task_id for task in dag.tasks if task.is_teardown] == ["dns.release"]
    assert [task.task_id for task in dag.roots] == ["validate"]
    assert "dns.train" in dag.get_task("dns.release").upstream_task_ids


def test_reconcile_is_scheduled_and_waits_to_be_switched_on(bag: DagBag) -> None:
    dag = bag.dags["mldns_reconcile"]
    assert dag.schedule == timedelta(minutes=15)
    assert dag.is_paused_upon_creation is True
    assert dag.catchup is False


@pytest.mark.parametrize("dag_id", ["mldns_pretraining", "mldns_release"])
def test_what_other_dags_trigger_is_never_paused_at_first(bag: DagBag, dag_id: str) -> None:
    assert bag.dags[dag_id].is_paused_upon_creation is False


@pytest.mark.parametrize("dag_id", ["mldns_pretraining", "mldns_reconcile", "example_training"])
def test_the_form_comes_with_valid_defaults(bag: DagBag, dag_id: str) -> None:
    bag.dags[dag_id].params.validate()


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_every_field_of_the_form_is_explained(bag: DagBag, dag_id: str) -> None:
    for name in bag.dags[dag_id].params:
        param = bag.dags[dag_id].params.get_param(name)
        assert param.schema.get("title"), name
        assert param.description, name


SEED = {
    "zone": "my-managed-zone",
    "dns_name": "ml.example.com.",
    "visibility": "public",
    "records": [{"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}],
    "iam_role": "roles/dns.admin",
    "iam_members": ["serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"],
    "iam_scope": "project",
}
GOOD: list[Mapping[str, Any]] = [
    SEED,
    {"workers": ["10.0.0.7"]},
    {"workers": [{"rank": 0, "address": "10.0.0.7", "slots": 8}]},
    {"workers": "10.0.0.7 slots=8\n"},
    {"workers": None},
    {"port": 29500},
    {"lease_hours": 0.5},
    dict.fromkeys(("project_id", "job", "networks", "records", "claimant", "lease", "iam_members")),
]
BAD: list[Mapping[str, Any]] = [
    {"ttl": 0},
    {"ttl": "soon"},
    {"ttl": 2**31},
    {"policy": "replace"},
    {"visibility": "secret"},
    {"iam_scope": "folder"},
    {"port": 0},
    {"port": 65536},
    {"lease_hours": 0},
    {"workers": 7},
    {"records": "service"},
    {"records": ["service"]},
    {"networks": "default"},
    {"dry_run": "perhaps"},
]


def validated(dag: DAG, conf: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Params of a run with this conf, as a trigger checks them."""
    params = copy.deepcopy(dag.params)
    params.update(dict(conf))
    return params.validate()


@pytest.mark.parametrize("conf", GOOD, ids=str)
def test_the_form_takes_what_is_right(bag: DagBag, conf: Mapping[str, Any]) -> None:
    assert validated(bag.dags["mldns_pretraining"], conf).items() >= conf.items()


@pytest.mark.parametrize("conf", BAD, ids=str)
def test_the_form_refuses_what_cannot_be_right(bag: DagBag, conf: Mapping[str, Any]) -> None:
    with pytest.raises(ParamValidationError, match=f"(?i)param {next(iter(conf))}"):
        validated(bag.dags["mldns_pretraining"], conf)


@pytest.mark.parametrize("missing", ["job", "lease"])
def test_the_release_wants_job_and_lease(bag: DagBag, missing: str) -> None:
    conf = {"job": "bert", "lease": "run-1"}
    del conf[missing]
    with pytest.raises(ParamValidationError, match=missing):
        validated(bag.dags["mldns_release"], conf)
