"""One localcloud and one real Airflow for the whole session, started by the demo's own modules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.cloud import LocalCloud, local_cloud
from demo.standalone import Standalone, airflow_standalone
from tests.e2e.flaky import FLAKY_CONNECTION, FlakyApi, flaky_api

DAGS = ("example_training", "mldns_pretraining", "mldns_release", "mldns_reconcile")


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


@pytest.fixture(scope="session")
def airflow(live_cloud: LocalCloud, flaky: FlakyApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A real Airflow with this repository's DAGs, unpaused where a test triggers them."""
    connections = {
        "google_cloud_default": live_cloud.connection(),
        FLAKY_CONNECTION: live_cloud.connection(api=flaky.url),
    }
    with airflow_standalone(tmp_path_factory.mktemp("airflow"), connections=connections) as started:
        for dag_id in DAGS:
            started.wait_for_dag(dag_id)
        yield started
