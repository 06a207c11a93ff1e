"""An apply that is killed with SIGKILL at a random moment, and made again: the end is exactly as asked.

The moments are drawn with a seed from the time that the same operation takes when nobody kills it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.cloud_fixture import Cloud
from tests.mldns.under_fire.processes import Writers, writers
from tests.mldns.under_fire.world import FOREIGN, JOB, ZONE, ZONE_PATH, Json, World, workers

LATENCY_MS = 30
SEED = 20260102
KILLS = 20
COUNT = 4_999
"""Five batches of 999 records."""

Key = tuple[str, str]


@dataclass
class Arena:
    """A world with slow calls, and processes to kill in it."""

    world: World
    writers: Writers

    def upsert(self, network: str) -> Json:
        """What a task calls to write the job, as arguments of the hook."""
        return {"zone": ZONE, "records": workers(COUNT, network), "policy": "sync", "wait": False, **JOB}

    def kill_in(self, seconds: float, method: str, arguments: Json) -> None:
        """Start the call in a process of its own, and kill that so many seconds after it has begun."""
        process, reports = self.writers.start((method, arguments))
        assert "begun" in reports.get()
        time.sleep(seconds)
        process.kill()
        process.join()
        self._settle()

    def _settle(self) -> None:
        """Wait for what the killed process sent last: it is still on its way through the server."""
        newest, seen = None, 0
        while seen < 4:
            time.sleep(2 * LATENCY_MS / 1000)
            found = self.world.call("GET", f"{ZONE_PATH}/changes?maxResults=1&sortOrder=descending")["changes"][0]["id"]
            newest, seen = found, seen + 1 if found == newest else 1

    def names(self) -> dict[Key, Json]:
        """What the zone holds, without its apex and the job's manifest."""
        found = [{key: record[key] for key in FOREIGN[0]} for record in self.world.records()]
        ours = ("ml.example.com.", "_mldns.job.ml.example.com.")
        return {(record["name"], record["type"]): record for record in found if record["name"] not in ours}


def keyed(records: list[Json]) -> dict[Key, Json]:
    return {(record["name"], record["type"]): record for record in records}


@pytest.fixture
def arena(start_cloud: Callable[..., Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[Arena]:
    cloud = start_cloud("--latency-ms", str(LATENCY_MS), "--done-ms", "10", "--serve-ms", "0")
    said = cloud.connection()
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", said)
    world = World(cloud)
    world.seed()
    with writers(said) as processes:
        yield Arena(world, processes)


@pytest.mark.exhaustive
def test_twenty_times_killed_in_an_apply_of_5_000_records_it_is_finished_by_the_next(arena: Arena) -> None:
    hook, draw = arena.world.hook(), random.Random(SEED)
    hook.upsert_records(**arena.upsert("10.100"))
    started = time.monotonic()
    hook.upsert_records(**arena.upsert("10.101"))
    usually = time.monotonic() - started
    print(f"seed {SEED}: an apply takes {usually:.2f} s")
    partly = 0
    for number in range(KILLS):
        moment = draw.uniform(usually / 3, usually)  # until then it reads and plans
        wanted = arena.upsert(f"10.{number}")
        arena.kill_in(moment, "upsert_records", wanted)
        found = arena.names()
        live = sum(1 for key, record in keyed(wanted["records"]).items() if found.get(key) == record)
        again = hook.upsert_records(**wanted)
        print(f"kill {number + 1} after {moment:.3f} s: {live:,} of {len(wanted['records']):,} were live")
        assert again["created"] + again["changed"] == len(wanted["records"]) - live, "the rest, and nothing twice"
        assert arena.names() == keyed([*FOREIGN, *wanted["records"]])
        assert hook.upsert_records(**wanted)["changes"] == 0
        partly += 0 < live < len(wanted["records"])
    assert partly >= KILLS // 5, "kills in the middle are what this is about"
