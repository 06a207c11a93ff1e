"""mldns_reconcile on a real Airflow: it sees what was broken behind a training, mends it, and wakes other DAGs."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from demo.cloud import PROJECT, LocalCloud
from demo.lookups import ask
from demo.standalone import Standalone
from tests.e2e.runs import start

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EXAMPLE, RECONCILE, CONSUMER = "example_training", "mldns_reconcile", "after_check"
WORKER = "worker-0.bert.watched.test."
FOREIGN = {"name": "www.watched.test.", "type": "A", "ttl": 60, "rrdatas": ["192.0.2.9"]}


def test_a_record_broken_behind_a_trainings_back_is_seen_and_mended(
    airflow: Standalone, live_cloud: LocalCloud
) -> None:
    airflow.wait_for_dag(CONSUMER)
    training = start(
        airflow.api,
        EXAMPLE,
        {"zone": "watched", "dns_name": "watched.test.", "job": "bert", "workers": ["127.0.0.2"], "steps": 10**9},
    )
    training.wait_for_task("dns.train", "running")
    (written,) = live_cloud.records("watched", WORKER)
    change(live_cloud, deletions=[written], additions=[{**written, "rrdatas": ["127.9.9.9"]}, FOREIGN])

    job = checked(airflow)
    assert (job["state"], job["run_state"]) == ("drifted", "running")
    assert (job["dag_id"], job["run_id"]) == (EXAMPLE, training.run_id)
    assert [(row["name"], row["what"], row["expected"], row["got"]) for row in job["exceptions"]] == [
        (WORKER, "changed", "127.0.0.2 ttl 5", "127.9.9.9 ttl 5")
    ]
    assert consumed(airflow, 1)[-1] == {"bert": 1}, "a DAG scheduled on the zone's asset ran, and saw the same"

    job = checked(airflow, repair=True, collect=True, dry_run=False)
    assert (job["state"], job["drift"]["changed"]) == ("ready", 0)
    (mended,) = live_cloud.records("watched", WORKER)
    assert mended["rrdatas"] == written["rrdatas"]
    assert live_cloud.records("watched", FOREIGN["name"])[0]["rrdatas"] == FOREIGN["rrdatas"]
    deadline = time.monotonic() + 40
    while ask(live_cloud.resolver, WORKER, "A").rrdatas != ("127.0.0.2",) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert ask(live_cloud.resolver, WORKER, "A").rrdatas == ("127.0.0.2",)
    assert training.states()["dns.train"] == "running", "nothing of a run at work is collected"

    airflow.api.set_run_state(EXAMPLE, training.run_id, "failed")
    training.wait_for_task("dns.release", "success")
    assert training.xcom("dns.release")["released"] is True, "whoever mends does not take the names over"


def checked(airflow: Standalone, **params: Any) -> dict[str, Any]:
    """Check all zones, and return what the check told of the job in the zone `watched`."""
    run = start(airflow.api, RECONCILE, params)
    run.succeed()
    (extra,) = [
        event["extra"]
        for event in events(airflow, f"x-mldns://{PROJECT}/watched")
        if event["source_run_id"] == run.run_id and event["extra"]["kind"] == "zone"
    ]
    (job,) = extra["jobs"]
    return dict(job)


def events(airflow: Standalone, name: str) -> list[dict[str, Any]]:
    """The events of assets whose name begins so, as the page reads them: newest first."""
    with httpx.Client(base_url=airflow.url, trust_env=False, timeout=30) as client:
        user, password = next(iter(airflow.passwords.items()))
        token = client.post("/auth/token", json={"username": user, "password": password}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        asked = {"name_prefix_pattern": name, "order_by": "-timestamp", "limit": "50"}
        deadline = time.monotonic() + 30
        # Airflow 3.3.2 fails with 500 as long as a run that an event has created is queued: it has no start date yet.
        while (found := client.get("/api/v2/assets/events", params=asked)).status_code == 500:
            assert time.monotonic() < deadline, found.text
            time.sleep(0.5)
    return list(found.raise_for_status().json()["asset_events"])


def consumed(airflow: Standalone, runs: int) -> list[dict[str, int]]:
    """What the DAG behind the asset saw, once it has run so often."""
    deadline = time.monotonic() + 60
    while True:
        found = airflow.api._call("GET", f"/api/v2/dags/{CONSUMER}/dagRuns", params={"state": "success"})["dag_runs"]
        if len(found) >= runs:
            return [airflow.api.xcom(CONSUMER, run["dag_run_id"], "drifted") for run in found]
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def change(cloud: LocalCloud, **change: object) -> None:
    """Write behind mldns's back, as another tool would."""
    url = f"{cloud.api}/dns/v1/projects/{PROJECT}/managedZones/watched/changes"
    httpx.post(url, json=change, trust_env=False).raise_for_status()
