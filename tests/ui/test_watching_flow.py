"""A day on call: a real training's names, watched on the page from their claim to their release."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from demo.cloud import PROJECT, LocalCloud
from demo.rest import FINAL_RUN_STATES
from demo.standalone import Standalone
from tests.receivers import SECRET, StatsD, Webhook
from tests.ui.chromium import enter_frame, log_in, open_page, settle, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LOST = {"name": "worker-1.watched.watched.example.com.", "type": "A", "ttl": 30, "rrdatas": ["10.0.0.8"]}
WRITTEN = {"name": "worker-2.watched.watched.example.com.", "type": "A", "ttl": 30, "rrdatas": ["10.0.0.9"]}
CHANGED = {**WRITTEN, "rrdatas": ["10.9.9.9"]}


@pytest.fixture
def page(browser: WebDriver, airflow: Standalone) -> Iterator[WebDriver]:
    """The browser, with somebody logged in who may only look."""
    log_in(browser, airflow, "viewer")
    yield browser
    browser.switch_to.default_content()


def finished(airflow: Standalone, dag_id: str, run_id: str, timeout: float = 60) -> str:
    """The state in which a run ended."""
    deadline = time.monotonic() + timeout
    while (state := airflow.api.run_state(dag_id, run_id)) not in FINAL_RUN_STATES:
        assert time.monotonic() < deadline, f"{run_id} of {dag_id} is {state}"
        time.sleep(0.3)
    return state


def check(airflow: Standalone, **conf: Any) -> None:
    """A run of mldns_reconcile, to its end."""
    assert finished(airflow, "mldns_reconcile", airflow.api.trigger("mldns_reconcile", conf)) == "success"


def refreshed(page: WebDriver, job: str, state: str, timeout: float = 60) -> WebElement:
    """The row of a job as soon as a refresh of the page shows it in `state`."""

    def shown(_: WebDriver) -> WebElement | bool:
        page.find_element(By.ID, "refresh").click()
        settle(page)  # else the row that is found is the one that is being replaced
        found = page.find_elements(By.CSS_SELECTOR, f"tr[data-job-row={job}][data-state={state}]")
        return found[0] if found else False

    return WebDriverWait(page, timeout).until(shown, f"{job} is not {state}")


def write_behind_its_back(cloud: LocalCloud, **change: Any) -> None:
    """As somebody does in Google's console."""
    url = f"{cloud.api}/dns/v1/projects/{PROJECT}/managedZones/watched/changes"
    httpx.post(url, json=change, trust_env=False).raise_for_status()


def addresses(cloud: LocalCloud) -> dict[str, list[str]]:
    return {one["name"]: one["rrdatas"] for one in cloud.records("watched") if one["type"] == "A"}


def test_a_training_from_claim_to_release(
    page: WebDriver, airflow: Standalone, watched_cloud: LocalCloud, metrics: StatsD, tmp_path: Path
) -> None:
    airflow.wait_for_dag("train_watched")
    airflow.wait_for_dag("mldns_reconcile")
    wait_for(page, "a[href='/plugin/dns']", "DNS").click()
    enter_frame(page)

    stop = tmp_path / "stop"
    run_id = airflow.api.trigger("train_watched", {"until": str(stop)})
    refreshed(page, "watched", "pending")
    ready = refreshed(page, "watched", "ready")
    assert "open after" in ready.text

    ready.find_element(By.LINK_TEXT, run_id).click()
    page.switch_to.default_content()
    WebDriverWait(page, 20).until(lambda _: "/dags/train_watched/runs/" in page.current_url)
    open_page(page)

    before = addresses(watched_cloud)
    write_behind_its_back(watched_cloud, deletions=[LOST, WRITTEN], additions=[CHANGED])
    check(airflow)
    refreshed(page, "watched", "drifted").find_element(By.TAG_NAME, "button").click()
    opened = wait_for(page, "tr.opened", LOST["name"]).text
    for said in ("10.0.0.8", CHANGED["name"], "10.9.9.9", "run mldns_reconcile with repair"):
        assert said in opened

    check(airflow, repair=True, dry_run=True)
    assert addresses(watched_cloud) != before
    check(airflow, repair=True, dry_run=False)
    assert addresses(watched_cloud) == before
    refreshed(page, "watched", "ready")

    stop.touch()
    assert finished(airflow, "train_watched", run_id) == "success"
    refreshed(page, "watched", "ended")

    reported = {line.partition(":")[0].removeprefix("airflow.") for line in metrics.lines}
    in_zone = f"project={PROJECT},zone=watched"
    assert {
        "mldns.api.calls,method=changes.create,status=200",
        f"mldns.records.created,{in_zone}",
        f"mldns.records.deleted,{in_zone}",
        "mldns.plan.time",
        "mldns.apply.time",
        "mldns.done.time",
        "mldns.gate.passed",
        "mldns.gate.time",
        f"mldns.drift.missing,{in_zone}",
        f"mldns.zones.attention,project={PROJECT}",
    } <= reported


def test_a_gate_that_fails_is_one_message(
    page: WebDriver, airflow: Standalone, watched_cloud: LocalCloud, alerts: Webhook
) -> None:
    """From the failed task's own process to a webhook, whatever fails behind it; the run's tab says the same."""
    alerts.posts.clear()
    airflow.wait_for_dag("train_unresolved")
    run_id = airflow.api.trigger("train_unresolved")
    assert finished(airflow, "train_unresolved", run_id) == "failed"
    ((path, message),) = alerts.posts
    assert path == f"/services/{SECRET}"
    text = message["text"]
    assert text.startswith("DNS: job 'lost' in zone 'watched' is not proven")
    assert f"- datasets.elsewhere.example. A at {watched_cloud.resolver}: expected " in text
    assert "\nto do: " in text
    assert f"run: {airflow.url}/dags/train_unresolved/runs/manual__" in text
    assert f"DNS page: {airflow.url}/plugin/dns?search=lost" in text
    assert SECRET not in text
    assert [name for name in addresses(watched_cloud) if ".lost." in name] == [], "released all the same"
    page.get(f"{airflow.url}/dags/train_unresolved/runs/{run_id}/plugin/dns-run")
    enter_frame(page)
    shown = wait_for(page, "#failed", "To do:").text
    assert "job 'lost' in zone 'watched' is not proven" in shown
    assert message["text"].partition("\nto do: ")[2].partition("\n")[0] in shown
