"""The page in a real browser, inside Airflow's own UI, over events that a real Airflow recorded.

Tests build on one another's events, as a day in Airflow does: each says what it emits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from demo.standalone import Standalone
from tests.ui.chromium import enter_frame, log_in, open_page, row_of, wait_for
from tests.ui.emitted_events import emit, exception, job_event, job_row, zone_event

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HOSTILE = "<img src=x onerror=document.title='owned'>.bert.ml.example.com."


def jobs_shown(browser: WebDriver) -> list[str | None]:
    return [item.get_attribute("data-job-row") for item in browser.find_elements(By.CSS_SELECTOR, "tr[data-job-row]")]


@pytest.fixture(scope="module")
def page(browser: WebDriver, airflow: Standalone) -> Iterator[WebDriver]:
    """The browser, with an admin logged in."""
    log_in(browser, airflow)
    yield browser
    browser.switch_to.default_content()


@pytest.fixture(scope="module")
def emitted(airflow: Standalone) -> dict[str, Any]:
    """Two zones: `ml` with a drifted, a well and an ended job, and `broken`, which could not be read."""
    exceptions = [
        exception("worker-3.bert.ml.example.com.", expected="10.0.0.7", got="10.9.9.9"),
        exception(HOSTILE, what="missing", got="nothing", server=None),
    ]
    drift = {"changed": 1, "missing": 1, "extra": 0, "unresolved": 2}
    jobs = [
        job_row("bert", state="drifted", drift=drift, exceptions=exceptions, exceptions_total=1203),
        job_row("gpt"),
        job_row("old", state="ended"),
    ]
    zones = [
        zone_event("ml", jobs, run_id="check-1"),
        zone_event(
            "broken", [], run_id="check-1", error="permission dns.resourceRecordSets.list is missing", quota=None
        ),
    ]
    emit(airflow.api, [*zones, job_event("gpt", "ready", minutes_ago=30), job_event("new", "claimed")])
    return {"exceptions": exceptions}


def test_without_an_event_it_says_how_to_begin(page: WebDriver) -> None:
    """From Airflow's own navigation, as somebody who does not know where it is."""
    wait_for(page, "a[href='/plugin/dns']", "DNS").click()
    enter_frame(page)
    assert "No job has names yet" in page.find_element(By.ID, "content").text
    assert "example_training" in page.find_element(By.ID, "content").text


def test_what_needs_somebody_comes_first(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    row_of(page, "bert")
    rows = page.find_elements(By.CSS_SELECTOR, "tr[data-job-row]")
    shown = [(item.get_attribute("data-job-row"), item.get_attribute("data-state")) for item in rows]
    assert shown == [("bert", "drifted"), ("new", "pending"), ("gpt", "ready"), ("old", "ended")]
    assert "2 things to look at" in page.find_element(By.ID, "content").text
    assert "permission dns.resourceRecordSets.list is missing" in wait_for(page, "[data-zone=broken]").text


def test_a_row_opens_by_keyboard_and_names_the_culprits(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    button = row_of(page, "bert").find_element(By.TAG_NAME, "button")
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(Keys.ENTER)
    opened = wait_for(page, "tr.opened").text
    assert "2 of 1,203 exceptions of bert" in opened
    for field in ("worker-3.bert.ml.example.com.", "10.0.0.7", "10.9.9.9", "run mldns_reconcile with repair"):
        assert field in opened
    assert page.switch_to.active_element.get_attribute("aria-expanded") == "true"  # the focus is where it was


def test_a_hostile_name_is_text(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    row_of(page, "bert").find_element(By.TAG_NAME, "button").click()
    assert HOSTILE in wait_for(page, "tr.opened").text
    assert page.find_elements(By.CSS_SELECTOR, "#content img") == []
    assert page.execute_script("return document.title") == "DNS"


def test_a_name_is_found_by_search(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    row_of(page, "gpt")
    page.find_element(By.ID, "search").send_keys("worker-3")
    opened = wait_for(page, "tr.opened").text
    assert "worker-3.bert.ml.example.com." in opened
    assert "onerror" not in opened
    assert jobs_shown(page) == ["bert"]


def test_a_link_to_a_job_opens_the_page_with_it(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page, "?search=gpt")
    row_of(page, "gpt")
    assert jobs_shown(page) == ["gpt"]
    assert page.find_element(By.ID, "search").get_attribute("value") == "gpt"


def test_a_filter_shows_one_kind(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    row_of(page, "gpt")
    chosen = page.find_element(By.CSS_SELECTOR, "[data-filter=ready]")
    chosen.click()
    assert chosen.get_attribute("aria-pressed") == "true"
    assert jobs_shown(page) == ["gpt"]


def test_a_job_that_is_ready_shows_its_gate(page: WebDriver, airflow: Standalone, emitted: dict[str, Any]) -> None:
    open_page(page)
    assert row_of(page, "new").get_attribute("data-state") == "pending"
    emit(airflow.api, [job_event("new", "ready")])
    page.find_element(By.ID, "refresh").click()
    wait_for(page, "tr[data-job-row=new][data-state=ready]", "open after 2.1 s")
    assert (
        page.find_element(By.CSS_SELECTOR, ".chart svg")
        .get_attribute("aria-label")
        .startswith("Gate times of the last 2")
    )


def test_a_zone_that_the_newest_check_no_longer_found_goes(
    page: WebDriver, airflow: Standalone, emitted: dict[str, Any]
) -> None:
    emit(airflow.api, [zone_event("ml", [job_row("bert")], run_id="check-2", minutes_ago=0)])
    open_page(page)
    wait_for(page, "tr[data-job-row=bert][data-state=ready]")
    assert [card.get_attribute("data-zone") for card in page.find_elements(By.CSS_SELECTOR, "[data-zone]")] == ["ml"]
    assert "All names as claimed" in page.find_element(By.ID, "content").text


def test_a_link_leaves_the_frame_for_the_run(page: WebDriver, emitted: dict[str, Any]) -> None:
    open_page(page)
    row_of(page, "bert").find_element(By.LINK_TEXT, "manual__bert").click()
    page.switch_to.default_content()
    WebDriverWait(page, 20).until(lambda _: page.current_url.endswith("/dags/train_bert/runs/manual__bert"))
    page.back()


def test_the_tab_of_a_run_has_its_story(page: WebDriver, airflow: Standalone, emitted: dict[str, Any]) -> None:
    run_id = emit(airflow.api, [job_event("tale", "claimed"), job_event("tale", "ready")])
    page.get(f"{airflow.url}/dags/emit_events/runs/{run_id}/plugin/dns-run")
    enter_frame(page)
    assert "Job tale in ml.example.com." in wait_for(page, "#content", "tale").text
    assert "opened the gate: every name answers" in page.find_element(By.ID, "content").text
    page.switch_to.default_content()
    page.get(airflow.url)


def test_it_follows_airflows_theme(page: WebDriver, airflow: Standalone) -> None:
    for theme in ("dark", "light"):
        page.switch_to.default_content()
        page.execute_script("localStorage.setItem('theme', arguments[0])", theme)
        open_page(page)
        assert page.execute_script("return document.documentElement.dataset.theme") == theme


def test_without_airflows_api_it_says_so_and_offers_to_try_again(page: WebDriver, airflow: Standalone) -> None:
    page.switch_to.default_content()
    page.execute_cdp_cmd("Network.enable", {})
    page.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/v2/assets*"]})
    try:
        page.get(f"{airflow.url}/mldns/")
        assert "Airflow's API server does not answer" in wait_for(page, "[role=alert]").text
    finally:
        page.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    wait_for(page, "button", "Try again").click()
    row_of(page, "bert")
    page.get(airflow.url)


def test_a_session_that_is_over_is_a_refusal_and_no_error(page: WebDriver, airflow: Standalone) -> None:
    page.switch_to.default_content()
    page.get(f"{airflow.url}/mldns/")
    row_of(page, "bert")
    page.delete_all_cookies()
    page.find_element(By.ID, "refresh").click()
    assert "You may not see this" in wait_for(page, "[role=alert]").text
    log_in(page, airflow)


def test_a_viewer_sees_it_and_nothing_was_refused_by_the_policy(browser: WebDriver, airflow: Standalone) -> None:
    log_in(browser, airflow, "viewer")
    open_page(browser)
    row_of(browser, "bert")
    complaints = [
        entry["message"] for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]
    ]
    assert complaints == []
    browser.switch_to.default_content()
