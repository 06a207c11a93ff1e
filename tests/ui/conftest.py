"""A real Airflow with the page in it, users of every kind, and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from demo.standalone import Standalone, airflow_standalone
from tests.ui.chromium import NoChromium, chromium

HERE = Path(__file__).parent
USERS = {"viewer": "viewer", "stranger": ""}
"""By name, with their roles; `stranger` can log in and may see nothing."""


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """An Airflow without any cloud: whatever the page shows has been told through asset events."""
    home = tmp_path_factory.mktemp("airflow")
    with airflow_standalone(home, connections={}, dags=HERE / "dags", users=USERS) as started:
        started.wait_for_dag("tell_events")
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
