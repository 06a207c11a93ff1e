"""`make screenshots`: the page's main states as they are in Airflow's UI, written to docs/images."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from demo.processes import raise_on_termination
from demo.standalone import REPOSITORY, Standalone, airflow_standalone
from tests.ui.chromium import NoChromium, chromium, enter_frame, log_in, open_page, row_of, wait_for
from tests.ui.emitted_events import at, emit, exception, job_event, job_row, zone_event

IMAGES = REPOSITORY / "docs" / "images"
MOST_BYTES = 150_000  # of one image: the docs are read over slow lines, too


def main() -> int:
    """Write them all; 1 where no browser is."""
    argparse.ArgumentParser(prog="make screenshots", description=__doc__).parse_args()
    raise_on_termination()
    IMAGES.mkdir(exist_ok=True)
    dags = Path(__file__).parent / "dags"
    with tempfile.TemporaryDirectory() as home, airflow_standalone(Path(home), connections={}, dags=dags) as airflow:
        airflow.wait_for_dag("emit_events")
        try:
            with chromium() as browser:
                browser.set_window_size(1280, 880)
                log_in(browser, airflow)
                for name in shown(browser, airflow):
                    path = IMAGES / f"{name}.png"
                    browser.save_screenshot(str(path))
                    size = path.stat().st_size
                    print(f"{path.relative_to(REPOSITORY)} {size / 1000:.0f} kB")
                    if size > MOST_BYTES:
                        raise ValueError(f"{path.name} is larger than {MOST_BYTES / 1000:.0f} kB")
        except NoChromium as missing:
            print(f"make screenshots: {missing}", file=sys.stderr)
            return 1
    return 0


def shown(browser: WebDriver, airflow: Standalone) -> Iterator[str]:
    """Bring each state onto the screen and yield the name of its picture, of the whole window."""
    open_page(browser)
    yield "dns-empty"
    run_id = tell_of_a_day(airflow)
    open_page(browser)
    row_of(browser, "bert-large")
    yield "dns-page"
    row_of(browser, "bert-large").find_element(By.TAG_NAME, "button").click()
    row = wait_for(browser, "tr.opened")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    yield "dns-exceptions"
    browser.switch_to.default_content()
    browser.get(f"{airflow.url}/dags/emit_events/runs/{run_id}/plugin/dns-run")
    enter_frame(browser)
    wait_for(browser, "#content", "bert-base")
    yield "dns-run"
    browser.switch_to.default_content()
    browser.execute_script("localStorage.setItem('theme', 'dark')")
    open_page(browser)
    row_of(browser, "bert-large")
    yield "dns-dark"


def tell_of_a_day(airflow: Standalone) -> str:
    """Two zones with jobs in every state, and the gates of a day; returns the run with a job's own story."""
    drift = {"changed": 1, "missing": 2, "extra": 0, "unresolved": 1}
    found = [
        exception("worker-17.bert-large.ml.example.com.", what="missing", server=None, got="not in the zone"),
        exception("worker-18.bert-large.ml.example.com.", what="missing", server=None, got="not in the zone"),
        exception("worker-3.bert-large.ml.example.com.", what="changed", server=None),
        exception("worker-9.bert-large.ml.example.com.", what="servfail", got="SERVFAIL", do="look at that server"),
    ]
    training = [
        row("bert-large", 66, state="drifted", drift=drift, exceptions=found, exceptions_total=4),
        row("llama-70b", 1026, grants=1),
        row("vit", 10),
        row("t5-small", 18, state="orphaned", run_state="failed", expires=at(30), expired=True),
        row("whisper", 34, state="ended", run_state="success", expires=None),
    ]
    serving = [row("ranking", 6), row("search", 10)]
    gates = [
        job_event(name, "ready", minutes_ago=60 * (24 - hour), gate=gate(seconds, records), **ran(name, "ready"))
        for hour, (name, seconds, records) in enumerate(
            [("vit", 3.2, 10), ("bert-large", 41.0, 66), ("whisper", 12.5, 34), ("t5-small", 6.1, 18)] * 4
            + [("ranking", 2.2, 6), ("llama-70b", 63.4, 1026)]
        )
    ]
    emit(
        airflow.api,
        [
            *gates,
            job_event("gpt-nano", "written", minutes_ago=0.5, **ran("gpt-nano", "upsert")),
            zone_event("ml", training, run_id="scheduled__2026-01-02T03:15:00+00:00"),
            zone_event(
                "serving",
                serving,
                run_id="scheduled__2026-01-02T03:15:00+00:00",
                visibility="public",
                networks=[],
                name_servers=[f"ns-cloud-a{number}.googledomains.com." for number in range(1, 5)],
            ),
        ],
    )
    story = [("claimed", 3.0), ("written", 2.5), ("ready", 2.0)]
    return emit(airflow.api, [job_event("bert-base", phase, minutes_ago=ago, records=34) for phase, ago in story])


def row(job: str, records: int, **fields: Any) -> dict[str, Any]:
    """A job of a DAG of its own."""
    return job_row(job, records=records, claimant=f"airflow/train_{job}", dag_id=f"train_{job}", **fields)


def ran(job: str, task: str) -> dict[str, Any]:
    """Which run emitted it."""
    run = {"dag_id": f"train_{job}", "run_id": f"manual__{job}", "task_id": f"dns.{task}", "map_index": -1}
    return {"claimant": f"airflow/train_{job}", "run": run}


def gate(seconds: float, names: int) -> dict[str, Any]:
    """A gate that opened."""
    return {"ok": True, "seconds": seconds, "names": names, "servers": 1, "answers": names}


if __name__ == "__main__":
    sys.exit(main())
