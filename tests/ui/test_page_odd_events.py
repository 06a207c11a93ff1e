"""What the page makes of trouble beside the jobs' names, and of events that nobody should have emitted.

Each test emits a check of its own, which takes the place of the one before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from demo.standalone import Standalone
from tests.ui.chromium import enter_frame, log_in, open_page, row_of, wait_for
from tests.ui.emitted_events import PROJECT, at, emit, job_event, job_row, zone_event

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GRANT = "the grant of roles/dns.reader on the zone to sha256:0123 is gone"
SERVER = "authoritative server 192.0.2.53 does not answer for the zone"
REFUSED = "old: its lease moved on meanwhile"


@pytest.fixture(scope="module")
def page(browser: WebDriver, airflow: Standalone) -> Iterator[WebDriver]:
    """The browser, with somebody logged in who may only look; what was emitted here is out of date afterwards."""
    log_in(browser, airflow, "viewer")
    yield browser
    browser.switch_to.default_content()
    emit(airflow.api, [zone_event("ml", [], run_id="odd-events-last", minutes_ago=0)])


def cards(page: WebDriver) -> dict[str | None, str]:
    return {one.get_attribute("data-zone"): one.text for one in page.find_elements(By.CSS_SELECTOR, "[data-zone]")}


def opened(page: WebDriver, job: str) -> str:
    """What the row of a job says once it is opened."""
    row_of(page, job).find_element(By.CSS_SELECTOR, "button[data-job]").click()
    return wait_for(page, "tr.opened").text


def test_what_no_name_says_is_said_in_words(page: WebDriver, airflow: Standalone) -> None:
    reasons = [
        {"what": SERVER, "job": None, "do": "make it serve the zone"},
        {"what": GRANT, "job": "gpt", "do": "run the job's grant task again"},
    ]
    actions = {"dry_run": True, "repaired": 0, "collected": [], "refused": [REFUSED]}
    found = {"attention": True, "reasons": reasons, "reasons_total": 2, "actions": actions}
    fine = zone_event("fine", [job_row("vit")], run_id="reasons")
    emit(airflow.api, [zone_event("ml", [job_row("gpt")], run_id="reasons", **found), fine])
    open_page(page)
    headline = wait_for(page, "#content", "2 things to look at").text
    assert "All names as claimed" not in headline
    said = page.find_element(By.ID, "reasons").text
    assert f"zone ml: {SERVER}" in said
    assert f"zone ml: job gpt: {GRANT}" in said
    card = cards(page)["ml"]
    assert all(text in card for text in (SERVER, GRANT, REFUSED))
    assert "run the job's grant task again" in opened(page, "gpt")
    assert page.find_elements(By.CSS_SELECTOR, "[data-job-row=vit] button") == []


def test_a_check_that_is_not_content_is_never_green(page: WebDriver, airflow: Standalone) -> None:
    """As of a version that knows more reasons than an event has room for."""
    emit(airflow.api, [zone_event("ml", [job_row("gpt")], run_id="mute", attention=True)])
    open_page(page)
    wait_for(page, "#content", "1 thing to look at")
    assert "somebody should look at it" in cards(page)["ml"]


@pytest.mark.parametrize(
    ("state", "run_state", "advice"),
    [
        ("orphaned", "failed", "its run has ended and released nothing: run mldns_reconcile with collect"),
        ("expired", "unknown", "its lease is over and was not released: run mldns_reconcile with collect"),
    ],
)
def test_a_lease_that_is_over_says_what_to_do(
    page: WebDriver, airflow: Standalone, state: str, run_state: str, advice: str
) -> None:
    job = job_row("left", state=state, run_state=run_state, expires=at(30), expired=True)
    emit(airflow.api, [zone_event("ml", [job], run_id=state, attention=True)])
    open_page(page)
    wait_for(page, "#content", "1 thing to look at")
    assert advice in opened(page, "left")


ODD: dict[str, dict[str, Any]] = {
    "number": {"jobs": 5},
    "nothing": {"jobs": [None]},
    "text": {"damaged": "abc"},
    "halves": {"quota": {"rrsets": None, "limit": 5}},
    "deep": {"jobs": [{"job": "deep", "exceptions": [7], "drift": [], "expires": "tomorrow"}]},
    "lists": {"resolution": {"names": 1, "ok": 1, "seconds": 1, "servers": "x"}, "iam": {"lost": 3}, "actions": [1]},
    "names": {"name_servers": {"a": 1}, "foreign": {"count": "7"}, "dns_name": ["x"], "reasons": {}},
}


def test_an_event_that_does_not_read_takes_nothing_else_away(page: WebDriver, airflow: Standalone) -> None:
    odd = [zone_event(zone, [], run_id="odd") for zone in ODD]
    for event, fields in zip(odd, ODD.values(), strict=True):
        event["extra"].update(fields)
    events = [
        zone_event("well", [job_row("gpt")], run_id="odd"),
        *odd,
        job_event("strange", "claimed", zone="well", run=3),
    ]
    emit(airflow.api, [*events, job_event("worse", "ready", zone="well", gate=[1], expires=7, claimant={})])
    open_page(page)
    row_of(page, "gpt")
    row_of(page, "strange")
    row_of(page, "worse")
    shown = cards(page)
    assert set(shown) == {"well", *ODD}
    assert {zone for zone, text in shown.items() if "does not read" in text} == set(shown) - {"well"}


def test_what_was_posted_over_the_api_is_not_shown_and_hides_nothing(
    page: WebDriver, airflow: Standalone, clients: dict[str, httpx.Client]
) -> None:
    """Whoever may post asset events could else turn the page green, invent jobs, or fill its window with nonsense."""
    emit(airflow.api, [zone_event("ml", [job_row("real", state="drifted")], run_id="honest", minutes_ago=9)])
    emit(airflow.api, [job_event("hidden", "claimed")])
    for name, extra in (
        (f"mldns checks {PROJECT}/ml", zone_event("ml", [job_row("forged")], run_id="forged", minutes_ago=0)["extra"]),
        ("mldns jobs", job_event("forged", "ready")["extra"]),
    ):
        query: dict[str, Any] = {"name_prefix_pattern": name, "only_active": False}
        asset, *_ = clients["admin"].get("/api/v2/assets", params=query).json()["assets"]
        for _ in range(301):  # more than the page reads of jobs
            posted = clients["admin"].post("/api/v2/assets/events", json={"asset_id": asset["id"], "extra": extra})
            assert posted.status_code == 200
    open_page(page)
    row_of(page, "real", "drifted")
    row_of(page, "hidden", "pending")
    assert page.find_elements(By.CSS_SELECTOR, "tr[data-job-row=forged]") == []


def test_a_zone_that_no_check_has_seen_is_counted(page: WebDriver, airflow: Standalone) -> None:
    emit(
        airflow.api, [zone_event("ml", [job_row("gpt")], run_id="one-zone"), job_event("fresh", "claimed", zone="new")]
    )
    open_page(page)
    wait_for(page, "#content", "not checked yet")
    assert "new" in page.find_element(By.ID, "unchecked").text


def test_a_released_job_says_so_and_a_large_one_how_large(page: WebDriver, airflow: Standalone) -> None:
    """A check saw the job while it was being written; 66 names, 66 of them not written, is no longer true."""
    claiming = job_row("done", records=66, pending=66, state="pending")
    large = job_row("large", records=9_982)
    shared = job_event("shared", "written", dns_name=None, claimant="", lease="")
    emit(airflow.api, [zone_event("ml", [claiming, large], run_id="seen", minutes_ago=2)])
    emit(airflow.api, [job_event("done", "released", records=66), shared])
    open_page(page)
    row = row_of(page, "done", "ended").text
    assert "released" in row
    assert "66 removed" in row
    assert "not written" not in row
    assert "9,982" in row_of(page, "large").text
    assert "zone ml" in row_of(page, "shared").text


def test_what_says_it_is_of_next_week_is_not_the_newest_until_then(page: WebDriver, airflow: Standalone) -> None:
    emit(airflow.api, [zone_event("ml", [job_row("ahead")], run_id="ahead", taken=at(-10_000))])
    emit(airflow.api, [job_event("ahead", "written", minutes_ago=-1)])
    open_page(page)
    row_of(page, "ahead", "pending")


def test_more_zones_than_a_page_of_the_api_are_all_shown(page: WebDriver, airflow: Standalone) -> None:
    emit(airflow.api, [zone_event(f"zone-{number}", [], run_id="many") for number in range(120)])
    open_page(page)
    wait_for(page, "#content", "in 120 ")
    assert len(cards(page)) == 120


def open_tab(page: WebDriver, airflow: Standalone, dag_id: str, run_id: str) -> None:
    page.switch_to.default_content()
    page.get(f"{airflow.url}/dags/{dag_id}/runs/{run_id}/plugin/dns-run")
    enter_frame(page)


def test_the_tab_of_a_run_that_failed_names_the_task_and_links_its_log(page: WebDriver, airflow: Standalone) -> None:
    airflow.wait_for_dag("fails")
    run_id = airflow.api.trigger("fails")
    deadline = time.monotonic() + 60
    while airflow.api.run_state("fails", run_id) != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    open_tab(page, airflow, "fails", run_id)
    failed = wait_for(page, "#failed", "1 task failed")
    assert "prove [1]" in failed.text
    link = failed.find_element(By.TAG_NAME, "a").get_attribute("href")
    assert link is not None
    assert link.endswith("/tasks/prove/mapped/1?try_number=1")


def test_a_release_is_of_the_same_story(page: WebDriver, airflow: Standalone) -> None:
    claimed = job_event("tale", "claimed", zone="gone")
    run_id = emit(airflow.api, [claimed, job_event("tale", "released", zone="gone", dns_name=None, records=4)])
    open_tab(page, airflow, "emit_events", run_id)
    wait_for(page, "#content", "released the names (4 record sets)")
    titles = [title.text for title in page.find_elements(By.CSS_SELECTOR, "#content h2")]
    assert titles == ["Job tale in gone.example.com."]
