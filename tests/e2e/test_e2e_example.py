"""example_training on a real Airflow: names that resolve while it trains, and none left when it is over."""

from __future__ import annotations

import contextlib
import time
from io import StringIO

import psutil
import pytest
from rich.console import Console

from demo.cloud import LocalCloud
from demo.example import DAG_ID, run_example
from demo.lookups import ask
from demo.standalone import Standalone
from demo.story import Story
from tests.e2e.flaky import FLAKY_CONNECTION, FlakyApi
from tests.e2e.runs import addresses, start

pytestmark = pytest.mark.e2e

WORKERS = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]


def test_the_example_trains_by_name_and_leaves_nothing(airflow: Standalone, live_cloud: LocalCloud) -> None:
    member = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
    params = {
        "zone": "example",
        "dns_name": "example.test.",
        "job": "llama",
        "iam_role": "roles/dns.reader",
        "iam_members": [member],
    }
    outcome = run_example(airflow, live_cloud, params)
    assert outcome.state == "success", [(task.task_id, task.state) for task in outcome.tasks]
    answered = {answer.name: list(answer.rrdatas) for answer in outcome.answers if answer.type == "A"}
    assert answered == {
        "worker-0.llama.example.test.": ["127.0.0.2"],
        "worker-1.llama.example.test.": ["127.0.0.3"],
        "worker-2.llama.example.test.": ["127.0.0.4"],
        "master.llama.example.test.": ["127.0.0.2"],
        "workers.llama.example.test.": WORKERS,
    }
    (service,) = [answer for answer in outcome.answers if answer.type == "SRV"]
    assert service.name == "_rdzv._tcp.llama.example.test."
    port = service.rrdatas[0].split()[2]
    assert outcome.training_result.startswith("trained: 3 processes, loss ")
    assert outcome.training_result.endswith(f"coordinator worker-0.llama.example.test.=127.0.0.2:{port}")
    assert outcome.left_behind == []
    assert live_cloud.zone_bindings("example") == [{"role": "roles/dns.reader", "members": [member]}]


@pytest.mark.slow
def test_a_training_that_fails_is_shown_and_its_names_are_released(airflow: Standalone, live_cloud: LocalCloud) -> None:
    params = {"zone": "diverges", "dns_name": "diverges.test.", "job": "bert", "learning_rate": 50}
    outcome = run_example(airflow, live_cloud, params)
    assert outcome.state == "failed"
    states = {task.task_id: task.state for task in outcome.tasks}
    assert (states["dns.train"], states["dns.release"]) == ("failed", "success")
    assert outcome.answers, "the names were there while it trained"
    assert outcome.left_behind == []

    shown = StringIO()
    Story(Console(file=shown, width=200)).failure(outcome, airflow, DAG_ID)
    assert "the last lines of dns.train" in shown.getvalue()
    assert "the loss went from" in shown.getvalue()


@pytest.mark.slow
def test_an_upsert_that_fails_half_way_is_released(
    airflow: Standalone, live_cloud: LocalCloud, flaky: FlakyApi
) -> None:
    flaky.refuse_from["half"] = 2
    params = {
        "zone": "half",
        "dns_name": "half.test.",
        "job": "big",
        "workers": [f"10.1.{n // 250}.{1 + n % 250}" for n in range(1200)],
        "port": 29500,
        "gcp_conn_id": FLAKY_CONNECTION,
    }
    run = start(airflow.api, DAG_ID, params | {"allow_addresses": ["127.0.0.0/8"]})
    assert run.wait() == "failed"
    states = run.states()
    assert flaky.refused > 0
    assert states["dns.claim"] == "success"
    assert states["dns.upsert"] == "failed"
    assert states["dns.train"] == "upstream_failed"
    assert states["dns.release"] == "success"
    assert run.xcom("dns.release")["deleted"] >= 900, "the first batch had been written"
    assert live_cloud.records("half", "big.half.test.") == []


@pytest.mark.slow
def test_a_training_whose_process_is_killed_is_released(airflow: Standalone, live_cloud: LocalCloud) -> None:
    """As by a machine that has run out of memory: no handler of the task or of Airflow runs in that process."""
    params = {"zone": "killed", "dns_name": "killed.test.", "job": "t5", "workers": ["127.0.0.2"]}
    run = start(airflow.api, DAG_ID, params | {"steps": 1_000_000_000})
    run.wait_for_task("dns.train", "running")
    (rank,) = ranks_of("t5")
    task = rank.parent()
    assert task is not None
    assert live_cloud.records("killed", "t5.killed.test.")
    task.kill()

    assert run.wait() == "failed"
    states = run.states()
    assert (states["dns.train"], states["dns.release"]) == ("failed", "success")
    assert live_cloud.records("killed", "t5.killed.test.") == []
    assert rank.wait(timeout=30) is None, "no rank outlives its task"


def ranks_of(job: str) -> list[psutil.Process]:
    """The training processes of a job, once there are any: they carry its hand-off."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [process for process in psutil.process_iter() if _trains(process, job)]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no process trains {job}")


def _trains(process: psutil.Process, job: str) -> bool:
    with contextlib.suppress(psutil.Error):
        started = any(part.endswith("jax_worker.py") for part in process.cmdline())
        return started and f'"job": "{job}"' in process.environ().get("MLDNS_HANDOFF", "")
    return False


@pytest.mark.slow
def test_a_run_marked_failed_releases_late_and_leaves_the_next_runs_names(
    airflow: Standalone, live_cloud: LocalCloud
) -> None:
    """Two overlapping runs of one job: the second has taken the names over when the first one's release comes."""
    base = {"zone": "overlap", "dns_name": "overlap.test.", "job": "gpt", "steps": 1_000_000_000}
    first = start(airflow.api, DAG_ID, base | {"workers": ["127.0.0.2"]})  # one rank each: two cores train them all
    first.wait_for_task("dns.train", "running")
    took_over = base | {"workers": ["127.0.0.12"]}
    refused = start(airflow.api, DAG_ID, took_over | {"claim_timeout": 0})
    assert refused.wait() == "failed", "the first run is at work"
    second = start(airflow.api, DAG_ID, took_over | {"adopt": True})
    second.wait_for_task("dns.train", "running")

    airflow.api.set_run_state(DAG_ID, first.run_id, "failed")
    first.wait_for_task("dns.release", "success")
    released = first.xcom("dns.release")
    assert (released["deleted"], released["released"]) == (0, False)
    assert released["overtaken_by"]

    names = addresses(live_cloud, "overlap", "gpt.overlap.test.")
    assert names == {f"{label}.gpt.overlap.test.": ["127.0.0.12"] for label in ("worker-0", "master", "workers")}
    for name in names:
        assert ask(live_cloud.resolver, name, "A").rrdatas == ("127.0.0.12",)

    airflow.api.set_run_state(DAG_ID, second.run_id, "failed")
    second.wait_for_task("dns.release", "success")
    deadline = time.monotonic() + 10
    while live_cloud.records("overlap", "gpt.overlap.test.") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert live_cloud.records("overlap", "gpt.overlap.test.") == []
