"""The examples that people copy: they parse, release what they claim, and give their launchers the hand-off as text."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from mldns.handoff import reader
from mldns.handoff.render.launch import shared_variables
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from mldns.operators.handoff import ENVIRONMENT_KEY
from mldns.tasks.lease import deployment
from tests.airflow_versions import DagSerialization
from tests.dags.conftest import ROOT

FOLDER = ROOT / "dags" / "examples"
GROUPS = ["example_gke_job", "example_kubernetes_pod", "example_plain_task", "example_ssh_torchrun"]
PROVIDERS = {
    "airflow.providers.ssh": {"example_ssh_torchrun"},
    "airflow.providers.cncf.kubernetes": {"example_gke_job", "example_kubernetes_pod"},
    "airflow.providers.google": {"example_gke_job"},
}
HANDOFF = hand_off(
    DesiredRecords.parse(owner="bert", dns_name="ml.example.com.", workers=["10.0.0.7", "10.0.0.8", "10.0.0.9"]),
    zone="ml",
)


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(FOLDER), bundle_name="dags-folder")


def test_they_parse(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {*GROUPS, "example_triggered"}
    for dag in bag.dags.values():
        assert dag.doc_md
        DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_airflow_does_not_load_them_from_the_repositorys_folder() -> None:
    found = DagBag(str(ROOT / "dags"), bundle_name="dags-folder").dags
    assert not {*GROUPS, "example_triggered"} & set(found)


@pytest.mark.parametrize("dag_id", GROUPS)
def test_they_release_what_they_claim_around_the_training(bag: DagBag, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert dag.task_dict["dns.claim"].is_setup
    assert dag.task_dict["dns.release"].is_teardown
    assert dag.task_dict["dns.train"].upstream_task_ids == {"dns.handoff"}
    assert "dns.train" in dag.task_dict["dns.release"].upstream_task_ids


def test_the_triggered_release_runs_whatever_failed_and_hides_no_failure(bag: DagBag) -> None:
    dag = bag.dags["example_triggered"]
    release = dag.task_dict["release"]
    assert release.is_teardown
    assert release.upstream_task_ids == {"train"}
    conf: list[Any] = [getattr(dag.task_dict[name], "conf", {}) for name in ("names", "release")]
    assert [one["lease"] for one in conf] == ["{{ run_id }}"] * 2
    assert [one["claimant"] for one in conf] == [f"{deployment()}/{{{{ dag.dag_id }}}}"] * 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_whose_provider_is_missing_defines_no_dag(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, package=None: None if name == provider else find(name, package)
    )
    left = DagBag(str(FOLDER), bundle_name="dags-folder")
    assert left.import_errors == {}
    assert set(left.dags) == {*GROUPS, "example_triggered"} - PROVIDERS[provider]


class Pulls:
    """A task instance as far as the templates of the examples ask it."""

    def __init__(self, map_index: int) -> None:
        self.map_index = map_index

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        assert task_ids == "dns.handoff"
        return shared_variables(reader.read(HANDOFF)) if key == ENVIRONMENT_KEY else HANDOFF


def rendered(dag: DAG, map_index: int = -1, **arguments: Any) -> Any:
    """The training's operator with its templates rendered; `arguments` are those of a mapped instance."""
    task: Any = dag.task_dict["dns.train"]
    if arguments:
        task = task.unmap({**task.partial_kwargs, **arguments})
    context = {"ti": Pulls(map_index), "dag": dag, "run_id": "run-1", "params": {}}
    task.render_template_fields(context)
    vars(task)["hook"] = NoCluster()  # in place of the cached one, which would ask for the cluster's address
    return task


class NoCluster:
    """A Kubernetes hook as far as building a pod asks it: nothing is sent."""

    is_in_cluster = False

    def get_namespace(self) -> str:
        return "training"


def of_pod(container: Any) -> dict[str, str]:
    return {variable.name: variable.value for variable in container.env}


def test_a_pod_asks_for_names_as_they_stand_and_knows_its_rank(bag: DagBag) -> None:
    task = rendered(bag.dags["example_kubernetes_pod"], 1, node_selector={"kubernetes.io/hostname": "gpu-b"})
    pod = task.build_pod_request_obj()
    assert pod.spec.host_network is True
    assert [(option.name, option.value) for option in pod.spec.dns_config.options] == [("ndots", "1")]
    assert pod.spec.dns_policy == "Default"
    assert pod.spec.node_selector == {"kubernetes.io/hostname": "gpu-b"}
    variables = of_pod(pod.spec.containers[0])
    assert json.loads(variables["MLDNS_HANDOFF"]) == HANDOFF
    assert (variables["MLDNS_RANK"], variables["MASTER_PORT"]) == ("1", "29500")


def test_a_job_on_gke_has_a_pod_a_node_on_the_nodes_network(bag: DagBag) -> None:
    job = rendered(bag.dags["example_gke_job"]).build_job_request_obj()
    assert (job.spec.completion_mode, job.spec.completions, job.spec.parallelism) == ("Indexed", 4, 4)
    pod = job.spec.template.spec
    assert pod.host_network is True
    assert pod.dns_policy == "Default"
    assert [(option.name, option.value) for option in pod.dns_config.options] == [("ndots", "1")]
    assert pod.node_selector == {"cloud.google.com/gke-nodepool": "trainers"}
    assert pod.affinity.pod_anti_affinity.required_during_scheduling_ignored_during_execution
    (container,) = pod.containers
    assert container.resources.limits == {"nvidia.com/gpu": "8"}
    assert "mldns launch torchrun -- train.py" in container.args[0]
    assert reader.read(of_pod(container)["MLDNS_HANDOFF"]).master == "worker-0.bert.ml.example.com"


def test_the_command_over_ssh_survives_a_shell(bag: DagBag) -> None:
    task = rendered(bag.dags["example_ssh_torchrun"], 2, remote_host="10.0.0.9")
    assert task.remote_host == "10.0.0.9"
    show = task.command.replace("python -m mldns launch torchrun -- train.py --epochs 3", "env")
    assert show != task.command
    printed = subprocess.run(
        ["sh", "-c", show], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    variables = dict(line.split("=", 1) for line in printed.stdout.splitlines())
    assert json.loads(variables["MLDNS_HANDOFF"]) == HANDOFF
    assert variables["MLDNS_RANK"] == "2"
