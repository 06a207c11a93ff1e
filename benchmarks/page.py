"""`make bench-page`: what the "DNS" page weighs, and how soon it shows 20 zones and 200 jobs in a real browser.

Beside it, in the same browser and run: Airflow's own list of DAG runs, until its first row is there. (Its list of
assets stays empty here: it leaves out what no DAG names, and the zones' assets are made when a task tells of them.)
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import httpx
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from demo.processes import raise_on_termination
from demo.standalone import REPOSITORY, Standalone, airflow_standalone
from tests.ui.chromium import NoChromium, chromium, log_in, row_of
from tests.ui.emitted_events import emit, exception, job_event, job_row, zone_event

RESULTS = Path(__file__).with_name("page.md")
ZONES, JOBS, ROUNDS = 20, 200, 5
GOAL_KB, GOAL_SECONDS = 150.0, 1.0
STATIC = REPOSITORY / "plugins" / "mldns" / "ui" / "static"

_DRAWN = """
const mark = performance.getEntriesByName('mldns-drawn')[0];
return mark ? mark.startTime : null;
"""
_SIZE = """
const read = performance.getEntriesByType('resource').filter(entry => entry.name.includes('/api/'));
return read.map(entry => entry.decodedBodySize);
"""
_HAS_ROW = """
return [...document.querySelectorAll('table tbody tr')].some(row => row.textContent.includes(arguments[0]));
"""
_PEER = "emit_events"  # stands in each row of Airflow's list


def main() -> int:
    """Measure, print and write `benchmarks/page.md`; 1 where no browser is."""
    argparse.ArgumentParser(prog="make bench-page", description=__doc__).parse_args()
    raise_on_termination()
    with tempfile.TemporaryDirectory() as home:
        print("starting Airflow", flush=True)
        with airflow_standalone(Path(home), connections={}, dags=REPOSITORY / "tests" / "ui" / "dags") as airflow:
            airflow.wait_for_dag("emit_events")
            print(f"telling of {ZONES} zones and {JOBS} jobs", flush=True)
            tell_of_everything(airflow)
            try:
                with chromium() as browser:
                    text = measured(browser, airflow)
            except NoChromium as missing:
                print(f"make bench-page: {missing}", file=sys.stderr)
                return 1
    print(text)
    RESULTS.write_text(text)
    return 0


def tell_of_everything(airflow: Standalone) -> None:
    """Twenty zones with ten jobs each, one in ten with 200 exceptions, and a claim and a gate of every job."""
    each = JOBS // ZONES
    jobs = [[f"job-{zone}-{number}" for number in range(each)] for zone in range(ZONES)]
    zones = [
        zone_event(
            f"zone-{zone}", [row(name, exceptions=200 if name.endswith("-0") else 0) for name in names], run_id="r"
        )
        for zone, names in enumerate(jobs)
    ]
    phases = [
        job_event(name, phase, zone=f"zone-{zone}", minutes_ago=5)
        for zone, names in enumerate(jobs)
        for name in names
        for phase in ("claimed", "ready")
    ]
    emit(airflow.api, [*zones, *phases])


def row(name: str, *, exceptions: int) -> dict[str, object]:
    """A job's row with so many exceptions."""
    if not exceptions:
        return job_row(name)
    found = [exception(f"worker-{rank}.{name}.zone.example.com.") for rank in range(exceptions)]
    return job_row(name, state="drifted", exceptions=found, exceptions_total=exceptions)


def measured(browser: WebDriver, airflow: Standalone) -> str:
    """The report."""
    log_in(browser, airflow)
    ours, peers, data = [], [], 0
    for _ in range(ROUNDS):
        browser.get(f"{airflow.url}/mldns/")
        row_of(browser, "job-0-0")
        ours.append(browser.execute_script(_DRAWN) / 1000)
        data = sum(browser.execute_script(_SIZE))
        browser.get(f"{airflow.url}/dag_runs")
        WebDriverWait(browser, 20, poll_frequency=0.01).until(lambda _: browser.execute_script(_HAS_ROW, _PEER))
        peers.append(browser.execute_script("return performance.now()") / 1000)
    weight = sum(path.stat().st_size for path in STATIC.iterdir()) / 1000
    served = sum(len(file) for file in served_files(airflow)) / 1000
    seconds, peer = statistics.median(ours), statistics.median(peers)
    rows = [
        ("", "asked", "measured", ""),
        ("---", "---", "---", "---"),
        (
            "weight of all files of the page",
            f"< {GOAL_KB:.0f} kB",
            f"{weight:.0f} kB ({served:.0f} kB over HTTP)",
            verdict(weight < GOAL_KB),
        ),
        ("first render", f"< {GOAL_SECONDS:.0f} s", spread(ours), verdict(seconds < GOAL_SECONDS)),
        ("Airflow's own list of DAG runs, first row", "", spread(peers), f"{seconds / peer:.2f} x of it"),
        ("data read from Airflow's API", "", f"{data / 1000:,.0f} kB", ""),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""# The "DNS" page with {ZONES} zones and {JOBS} jobs

Written by `make bench-page`: {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, headless Chromium and Airflow on one
machine, median of {ROUNDS} loads. First render is from the start of the navigation until the first jobs are drawn.

{table}
"""


def spread(seconds: list[float]) -> str:
    """The median, and the least and the most."""
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"


def served_files(airflow: Standalone) -> list[bytes]:
    """Every file of the page as the API server sends it."""
    login = {"username": "admin", "password": airflow.password}
    with httpx.Client(base_url=airflow.url, trust_env=False) as client:
        token = client.post("/auth/token", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        names = sorted(path.name for path in STATIC.iterdir())
        return [client.get(f"/mldns/static/{name}").raise_for_status().content for name in names]


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


if __name__ == "__main__":
    sys.exit(main())
