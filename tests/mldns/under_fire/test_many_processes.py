"""Twenty processes in one zone at the same moment: sixteen jobs of their own, and four that want one and the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from mldns.inventory.job_records import DesiredRecords
from tests.cloud_fixture import Cloud
from tests.mldns.under_fire.conftest import connection
from tests.mldns.under_fire.processes import Task, Writers, writers
from tests.mldns.under_fire.world import DNS_NAME, FOREIGN, ZONE, Json, World

JOBS = 16
RIVALS = 4
COUNT = 120
"""Workers of each job: three changes of fifty records each."""

pytestmark = pytest.mark.slow


@pytest.fixture
def busy(start_cloud: Callable[..., Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, Writers]]:
    """A world with slow calls and small changes, and processes to write in it."""
    small = ("--quota", "rrsetAdditionsPerChange=51", "--quota", "rrsetDeletionsPerChange=51")
    cloud = start_cloud("--latency-ms", "20", "--done-ms", "20", "--serve-ms", "0", *small)
    said = connection(cloud)
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", said)
    world = World(cloud)
    world.seed()
    with writers(said) as processes:
        yield world, processes


def records(owner: str, network: int) -> list[Json]:
    addresses = [f"10.{network}.0.{rank + 1}" for rank in range(COUNT)]
    return [r.to_api() for r in DesiredRecords.parse(workers=addresses, owner=owner, dns_name=DNS_NAME, ttl=30).rrsets]


def upsert(owner: str, network: int, *, lease: str = "run-1", hours: float | None = 24) -> Task:
    holder = {"owner": owner, "claimant": "airflow/train", "lease": lease, "lease_hours": hours}
    return "upsert_records", {"zone": ZONE, "policy": "sync", **holder, "records": records(owner, network)}


def standing(world: World) -> list[Json]:
    """The zone's records without its apex and the jobs' manifests, in the order of their names."""
    found = [{key: record[key] for key in FOREIGN[0]} for record in world.records()]
    manifests = {f"_mldns.{owner}.{DNS_NAME}" for owner in ("one", *(f"job-{n}" for n in range(JOBS)))}
    return in_order(record for record in found if record["name"] not in {DNS_NAME, *manifests})


def in_order(records: Iterable[Json]) -> list[Json]:
    return sorted(records, key=lambda record: (record["name"], record["type"]))


def test_four_runs_of_one_job_end_with_one_of_them(busy: tuple[World, Writers]) -> None:
    """Each run asks for other addresses. One has the names; the others say who owns them; nothing is mixed."""
    world, processes = busy
    own = [upsert(f"job-{number}", number) for number in range(JOBS)]
    rivals = [upsert("one", 100 + number, lease=f"run-{number}") for number in range(RIVALS)]
    reports = processes.all_at_once([*own, *rivals], within=120)

    jobs, runs = reports[:JOBS], reports[JOBS:]
    assert [report.get("report", report)["created"] for report in jobs] == [COUNT + 1] * JOBS
    (winner,) = [number for number, report in enumerate(runs) if "report" in report]
    refused = [report for report in runs if "error" in report]
    assert len(refused) == RIVALS - 1
    for report in refused:
        assert report["error"] == "ClaimRefused"
        assert f"the names of 'one' are held by claimant 'airflow/train', lease 'run-{winner}'" in report["line"]
        assert "\n" not in report["line"]
    expected = [*FOREIGN, *records("one", 100 + winner)]
    for number in range(JOBS):
        expected += records(f"job-{number}", number)
    assert standing(world) == in_order(expected)


def test_four_runs_that_may_take_over_from_each_other_end_with_one_of_them(busy: tuple[World, Writers]) -> None:
    """No lease promises an end, so each run overtakes the one before: whoever is overtaken while it writes says so."""
    world, processes = busy
    runs = processes.all_at_once(
        [upsert("one", 100 + number, lease=f"run-{number}", hours=None) for number in range(RIVALS)], within=120
    )
    lost = [report for report in runs if "error" in report]
    assert {report["error"] for report in lost} <= {"LeaseLost"}
    assert all("of 'one' was overtaken by lease 'run-" in report["line"] for report in lost)
    ends = [in_order([*FOREIGN, *records("one", 100 + n)]) for n, report in enumerate(runs) if "report" in report]
    assert standing(world) in ends


def test_four_tries_of_one_run_all_end_well(busy: tuple[World, Writers]) -> None:
    """The scheduler started a task twice, and a person two more: the same lease and the same records."""
    world, processes = busy
    own = [upsert(f"job-{number}", number) for number in range(JOBS)]
    same = [upsert("one", 100) for _ in range(RIVALS)]
    reports = processes.all_at_once([*own, *same], within=120)

    assert [report for report in reports if "error" in report] == []
    expected = [*FOREIGN, *records("one", 100)]
    for number in range(JOBS):
        expected += records(f"job-{number}", number)
    assert standing(world) == in_order(expected)

    everybody = [*(f"job-{number}" for number in range(JOBS)), *["one"] * RIVALS]
    releases: list[Task] = [("delete_records", {"zone": ZONE, "owner": owner, "lease": "run-1"}) for owner in everybody]
    reports = processes.all_at_once(releases, within=120)
    assert [report for report in reports if "error" in report] == []
    assert standing(world) == in_order(FOREIGN)
