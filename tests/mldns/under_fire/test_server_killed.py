"""The API itself goes away with SIGKILL in the middle of an apply, and comes back with its data: the apply goes on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cloud_fixture import Cloud
from tests.mldns.under_fire.conftest import SMALL
from tests.mldns.under_fire.world import FOREIGN, JOB, ZONE, World, workers

pytestmark = pytest.mark.slow
SEED = 11


def test_an_apply_outlives_the_api(
    start_cloud: Callable[..., Cloud], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flags = (*SMALL, "--data", str(tmp_path), "--latency-ms", "20", "--done-ms", "20", "--serve-ms", "0")
    cloud = start_cloud(*flags)
    address = cloud.api.removeprefix("http://")
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", cloud.connection())
    world, draw = World(cloud), random.Random(SEED)
    world.seed()
    failures: list[BaseException] = []

    def apply(network: str) -> None:
        try:
            world.hook().upsert_records(zone=ZONE, records=workers(400, network), policy="sync", **JOB)
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits for it
            failures.append(error)

    for number in range(5):
        writing = threading.Thread(target=apply, args=(f"10.{number}",))
        writing.start()
        moment = draw.uniform(0.05, 0.35)
        time.sleep(moment)
        cloud.process.kill()
        cloud.process.wait()
        cloud = start_cloud(*flags, "--api", address)
        writing.join(60)
        assert failures == []
        found = [{key: record[key] for key in FOREIGN[0]} for record in world.records()]
        wanted = [*FOREIGN, *workers(400, f"10.{number}")]
        apex = ("ml.example.com.", "_mldns.job.ml.example.com.")
        standing = {(r["name"], r["type"]): r for r in found if r["name"] not in apex}
        print(f"seed {SEED}: the API was killed {moment:.3f} s into apply {number + 1}")
        assert standing == {(r["name"], r["type"]): r for r in wanted}
