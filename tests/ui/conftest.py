"""A real Airflow with the page in it, users of every kind, and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from demo.cloud import LocalCloud, local_cloud
from demo.standalone import REPOSITORY, Standalone, airflow_standalone
from tests.receivers import StatsD, Webhook, statsd, webhook
from tests.ui.chromium import NoChromium, chromium

HERE = Path(__file__).parent
USERS = {"viewer": "viewer", "stranger": ""}
"""By name, with their roles; `stranger` can log in and may see nothing."""


# Slow: the page is to be seen while a job is pending. Done when it is served, so that no resolver caches a denial.
CLOUD_ARGUMENTS = ("--done-ms", "4000", "--serve-ms", "3500")


@pytest.fixture(scope="session")
def watched_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """What the Airflow below is connected to."""
    with local_cloud(tmp_path_factory.mktemp("cloud"), CLOUD_ARGUMENTS) as started:
        yield started


@pytest.fixture(scope="session")
def alerts() -> Iterator[Webhook]:
    """Where that Airflow sends its alerts."""
    with webhook() as started:
        yield started


@pytest.fixture(scope="session")
def metrics() -> Iterator[StatsD]:
    """Where it sends its metrics."""
    with statsd() as started:
        yield started


@pytest.fixture(scope="session")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, watched_cloud: LocalCloud, alerts: Webhook, metrics: StatsD
) -> Iterator[Standalone]:
    """An Airflow without an event yet: the DAG `emit_events`, trainings to watch, and `mldns_reconcile`."""
    home = tmp_path_factory.mktemp("airflow")
    dags = shutil.copytree(HERE / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "dags" / "mldns_reconcile.py", dags)
    connections = {"google_cloud_default": watched_cloud.connection(), "alerts": alerts.connection()}
    with airflow_standalone(
        home, connections=connections, dags=dags, settings=metrics.settings(), users=USERS
    ) as started:
        started.wait_for_dag("emit_events")
        yield started


@pytest.fixture(scope="session")
def clients(airflow: Standalone) -> Iterator[dict[str, httpx.Client]]:
    """HTTP clients by user, each with its token; `nobody` has none."""
    with ExitStack() as stack:
        found = {"nobody": stack.enter_context(httpx.Client(base_url=airflow.url, trust_env=False))}
        for user, password in airflow.passwords.items():
            client = stack.enter_context(httpx.Client(base_url=airflow.url, trust_env=False))
            token = client.post("/auth/token", json={"username": user, "password": password}).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            found[user] = client
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[WebDriver]:
    """Headless Chromium; without one the tests skip and say how to get it."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(chromium())
        except NoChromium as missing:
            pytest.skip(str(missing))
        yield started
