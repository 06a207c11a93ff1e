"""One localcloud and one real Airflow for the whole session, started by the demo's own modules."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.cloud import PROJECT, LocalCloud, local_cloud
from demo.standalone import Standalone, airflow_standalone
from tests.e2e.flaky import FLAKY_CONNECTION, FlakyApi, flaky_api

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS = (
    "example_training",
    "mldns_pretraining",
    "mldns_release",
    "mldns_reconcile",
    "example_triggered",
    "proves_first",
    "proves_each",
    "proves_mapped",
)
# The example as it stands, but for names of its own, and a training and a job that each run chooses.
TRIGGERED = {
    '"ml"': '"triggered"',
    '"ml.example.com."': '"triggered.test."',
    "my-project": PROJECT,
    '"bert"': '"{{ dag_run.conf.job }}"',
    "echo rendezvous at worker-0.bert.ml.example.com:29500": "{{ dag_run.conf.command }}",
}


@pytest.fixture(scope="session")
def live_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """localcloud whose `done` comes before its name servers answer; never emptied: tests use zones of their own."""
    with local_cloud(tmp_path_factory.mktemp("cloud"), ("--done-ms", "200", "--serve-ms", "400")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def flaky(live_cloud: LocalCloud) -> Iterator[FlakyApi]:
    """The same localcloud behind a proxy that can refuse changes."""
    with flaky_api(live_cloud.api) as proxy:
        yield proxy


def folder_of_dags(home: Path) -> Path:
    """This repository's DAGs, the example that names are triggered by another DAG, and those of tests and benchmark."""
    dags = home / "dags"
    shutil.copytree(REPOSITORY / "dags", dags)
    for file in ("watching_dags.py", "night_dags.py"):
        shutil.copy(Path(__file__).parent / file, dags)
    text = (dags / "examples" / "triggered.py").read_text()
    for written, instead in TRIGGERED.items():
        assert written in text
        text = text.replace(written, instead)
    (dags / "triggered.py").write_text(text)
    shutil.copy(REPOSITORY / "benchmarks" / "dags" / "idle_chains.py", dags)
    return dags


@pytest.fixture(scope="session")
def airflow(live_cloud: LocalCloud, flaky: FlakyApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A real Airflow with this repository's DAGs, unpaused where a test triggers them."""
    home = tmp_path_factory.mktemp("airflow")
    connections = {
        "google_cloud_default": live_cloud.connection(),
        FLAKY_CONNECTION: live_cloud.connection(api=flaky.url),
    }
    with airflow_standalone(home, connections=connections, dags=folder_of_dags(home)) as started:
        for dag_id in DAGS:
            started.wait_for_dag(dag_id)
        yield started
