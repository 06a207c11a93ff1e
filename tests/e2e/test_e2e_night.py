"""What a person does at night, on a real Airflow: overlapping runs, clears of what failed, marks and retries."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from demo.cloud import NETWORK, PROJECT, LocalCloud
from demo.standalone import Standalone
from tests.e2e.runs import Run, start

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG_ID = "proves_first"
EACH = "proves_each"
MAPPED = "proves_mapped"
NAMES = ("claim", "upsert", "gate", "handoff")


@pytest.fixture(scope="module")
def zone(live_cloud: LocalCloud) -> None:
    networks = {"networks": [{"networkUrl": NETWORK}]}
    zone = {"name": "night", "dnsName": "night.test.", "description": "", "visibility": "private"}
    url = f"{live_cloud.api}/dns/v1/projects/{PROJECT}/managedZones"
    httpx.post(url, json={**zone, "privateVisibilityConfig": networks}, trust_env=False).raise_for_status()


def left(cloud: LocalCloud, job: str = "") -> list[str]:
    """What the zone holds of a job, or of all."""
    suffix = f"{job}.night.test." if job else ""
    return [record["name"] for record in cloud.records("night", suffix) if record["type"] not in ("SOA", "NS")]


@pytest.mark.usefixtures("zone")
def test_runs_take_turns_and_a_cleared_training_has_its_names_or_does_not_start(
    airflow: Standalone, live_cloud: LocalCloud, tmp_path: Path
) -> None:
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
    assert left(live_cloud, "night") == []


def again(run: Run) -> set[str]:
    """Which tasks of the group have run more than once."""
    return {task.task_id.rpartition(".")[2] for task in run.tasks() if task.try_number > 1}


@pytest.mark.exhaustive
@pytest.mark.usefixtures("zone")
def test_after_any_act_in_the_ui_a_training_has_its_names_or_does_not_start(
    airflow: Standalone, live_cloud: LocalCloud, tmp_path: Path
) -> None:
    """The table of docs/dags.md: each act on a run of its own, one begun after the other."""
    api, mended = airflow.api, tmp_path / "mended"
    hangs, flaps = f"test -e {mended} || sleep 600", f"test -e {tmp_path}/flap || {{ touch {tmp_path}/flap; exit 1; }}"
    commands = {
        **dict.fromkeys(("gate", "upsert", "alone", "run"), "echo trained"),
        **dict.fromkeys(("marked-task", "marked-run"), hangs),
        "retried": flaps,
    }
    runs = {}
    for act, command in commands.items():
        runs[act] = start(api, EACH, {"job": act, "command": command})
        runs[act].wait_for_task("dns.claim", "success")
    for act in ("marked-task", "marked-run"):
        runs[act].wait_for_task("dns.train", "running")
    api.mark(EACH, runs["marked-task"].run_id, "dns.train", "failed")
    api.set_run_state(EACH, runs["marked-run"].run_id, "failed")
    for act, run in runs.items():
        state = run.wait()
        assert act == "marked-run" or state == ("failed" if act == "marked-task" else "success"), run.failures()
    runs["marked-run"].wait_for_task("dns.release", "success")
    assert again(runs["retried"]) == {"train"}, "its names were still there"
    assert [act for act in runs if left(live_cloud, act)] == []

    mended.touch()
    api.clear(EACH, runs["alone"].run_id, ["dns.upsert"], downstream=False)
    runs["alone"].wait_for_task("dns.upsert", "failed")
    assert any("LeaseLost" in line for line in runs["alone"].log("dns.upsert")), "the names were released"
    cleared = {"gate": "gate", "upsert": "upsert", "marked-task": "train", "marked-run": "train", "run": ""}
    for act, task in cleared.items():
        if task:
            api.clear(EACH, runs[act].run_id, [f"dns.{task}"])
        else:
            api.clear_run(EACH, runs[act].run_id, only_failed=False)
        runs[act].succeed()
        assert again(runs[act]) == {*NAMES, "train", "release"}, act
    assert [act for act in runs if left(live_cloud, act)] == []


@pytest.mark.exhaustive
@pytest.mark.usefixtures("zone")
def test_a_clear_of_one_instance_of_a_mapped_group_leaves_nothing_of_the_others(
    airflow: Standalone, live_cloud: LocalCloud
) -> None:
    run = start(airflow.api, MAPPED, {"command": "echo trained"})
    run.succeed()
    airflow.api.clear(MAPPED, run.run_id, [("part.dns.train", 1)])
    run.succeed()
    states = {(task.task_id.rpartition(".")[2], task.map_index): task for task in run.tasks()}
    assert {key for key, task in states.items() if task.state == "skipped"} == {
        (name, index) for name in NAMES for index in (0, 2)
    }
    assert {states[name, 1].try_number for name in (*NAMES, "train", "release")} == {2}
    assert [index for index in (0, 2) if states["train", index].try_number > 1] == []
    assert left(live_cloud, "") == []

    airflow.api.clear_run(MAPPED, run.run_id, only_failed=False)
    run.succeed()
    assert {task.state for task in run.tasks()} == {"success"}
    assert left(live_cloud, "") == []
