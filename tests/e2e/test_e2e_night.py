"""What a person does at night, on a real Airflow: overlapping runs and a clear of what failed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from demo.cloud import NETWORK, PROJECT, LocalCloud
from demo.standalone import Standalone
from tests.e2e.runs import start

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG_ID = "proves_first"


def test_runs_take_turns_and_a_cleared_training_has_its_names_or_does_not_start(
    airflow: Standalone, live_cloud: LocalCloud, tmp_path: Path
) -> None:
    networks = {"networks": [{"networkUrl": NETWORK}]}
    zone = {"name": "night", "dnsName": "night.test.", "description": "", "visibility": "private"}
    url = f"{live_cloud.api}/dns/v1/projects/{PROJECT}/managedZones"
    httpx.post(url, json={**zone, "privateVisibilityConfig": networks}, trust_env=False).raise_for_status()
    mended = tmp_path / "mended"

    first = start(airflow.api, DAG_ID, {"command": "sleep 3"})
    first.wait_for_task("dns.claim", "success")
    second = start(airflow.api, DAG_ID, {"command": f"test -e {mended}"})
    first.succeed()
    assert second.wait() == "failed", "its training, behind the first one's"
    assert second.states()["dns.train"] == "failed"
    waited = airflow.api.xcom(DAG_ID, second.run_id, "dns.claim", "waiting")
    assert first.run_id in waited["for"]

    airflow.api.clear_run(DAG_ID, second.run_id, only_failed=True)
    assert second.wait() == "failed", "of the run only the training is cleared, and its names were released"
    assert any("NotStarted" in line for line in second.log("dns.train"))

    mended.touch()
    airflow.api.clear(DAG_ID, second.run_id, ["dns.train"])
    second.succeed()
    assert [record for record in live_cloud.records("night") if record["type"] not in ("SOA", "NS")] == []
