"""The gate with 10,000 names on a real Airflow of one worker slot, and a triggerer that is restarted while it waits."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from demo.cloud import PROJECT, LocalCloud, local_cloud
from demo.processes import Crew
from demo.standalone import Standalone, airflow_standalone
from mldns.inventory.job_records import job_records
from mldns.inventory.workers import parse_workers
from tests.e2e.gate_dags import WORKERS
from tests.e2e.runs import start

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ZONE = "ml.test."
BATCH = 1_000  # additions of one change
ONE_SLOT = {"AIRFLOW__CORE__PARALLELISM": "1"}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with local_cloud(tmp_path, ("--done-ms", "0", "--serve-ms", "0")) as started:
        yield started


@pytest.fixture
def one_slot(cloud: LocalCloud, tmp_path: Path) -> Iterator[Standalone]:
    """An Airflow that runs one task at a time."""
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(Path(__file__).with_name("gate_dags.py"), dags)
    connections = {"google_cloud_default": cloud.connection()}
    with airflow_standalone(tmp_path / "home", connections=connections, dags=dags, settings=ONE_SLOT) as airflow:
        for dag_id in ("wait_for_names", "other_work"):
            airflow.wait_for_dag(dag_id)
        yield airflow


def post(cloud: LocalCloud, path: str, body: object) -> None:
    url = f"{cloud.api}/dns/v1/projects/{PROJECT}/managedZones{path}"
    httpx.post(url, json=body, timeout=60, trust_env=False).raise_for_status()


def triggerer_of(airflow: Standalone) -> psutil.Process:
    """The triggerer's first process; the others are its children."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("AIRFLOW_HOME") == str(airflow.process.log.parent)
        and "triggerer" in " ".join(process.info["cmdline"] or ())
    ]
    pids = {process.pid for process in found}
    (first,) = [process for process in found if process.ppid() not in pids]
    return first


def end(process: psutil.Process, timeout: float = 40) -> None:
    """End it as a deployment does, and wait until it has; whoever started it need not have noticed."""
    process.terminate()
    deadline = time.monotonic() + timeout
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"{process} is still there after {timeout:.0f} s"
        time.sleep(0.2)


def test_ten_thousand_names_hold_no_slot_and_outlive_a_triggerer(
    cloud: LocalCloud, one_slot: Standalone, tmp_path: Path
) -> None:
    records = [rrset.to_api() for rrset in job_records(parse_workers(WORKERS), owner="job", dns_name=ZONE, ttl=30)]
    late = records.pop(9_412)
    post(cloud, "", {"name": "ml", "dnsName": ZONE, "description": "", "visibility": "public"})
    for begin in range(0, len(records), BATCH):
        post(cloud, "/ml/changes", {"additions": records[begin : begin + BATCH]})

    waiting = start(one_slot.api, "wait_for_names", {})
    waiting.wait_for_task("gate", "deferred", timeout=240)
    start(one_slot.api, "other_work", {}).succeed()
    assert waiting.states() == {"gate": "deferred"}

    triggerer = triggerer_of(one_slot)
    environment, folder = triggerer.environ(), triggerer.cwd()
    end(triggerer)
    post(cloud, "/ml/changes", {"additions": [late]})
    with Crew() as crew:
        command = [sys.executable, "-m", "airflow", "triggerer"]
        crew.start("triggerer", command, env=environment, cwd=Path(folder), log=tmp_path / "triggerer.log")
        waiting.succeed()

    result = waiting.xcom("gate")
    assert (result["ok"], result["exit"], result["names"], result["names_right"]) == (True, 0, 9_991, 9_991)
    log = "\n".join(waiting.log("gate"))
    assert f"9,990 of 9,991 names on 3 servers (2 missing); slowest {cloud.dns[0]}; first {late['name']} A" in log
    assert "Waiting in the triggerer" in log
    assert "9,991 of 9,991 names on 3 servers" in log
