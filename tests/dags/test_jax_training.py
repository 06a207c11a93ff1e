"""The training program and its launcher: real processes, real DNS, real collectives."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from tests.cloud_fixture import Cloud
from tests.dags.conftest import ROOT

pytestmark = pytest.mark.slow

ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
LAUNCH = """
import json, sys
sys.path.insert(0, sys.argv[1])
from training.launcher import run_workers
environment, options, timeout = json.loads(sys.argv[2])
print("result:", run_workers(count=3, environment=environment, options=options, timeout=timeout))
"""


@pytest.fixture
def handoff(cloud: Cloud) -> dict[str, Any]:
    """The hand-off of three workers whose names are in a public zone."""
    cloud.make_zone(visibility="public")
    rrsets = [
        {"name": f"worker-{rank}.job.ml.example.com.", "type": "A", "ttl": 5, "rrdatas": [address]}
        for rank, address in enumerate(ADDRESSES)
    ]
    cloud.write(*rrsets)
    with socket.socket() as probe:
        probe.bind((ADDRESSES[0], 0))
        port = int(probe.getsockname()[1])
    desired = DesiredRecords.parse(
        owner="job",
        dns_name="ml.example.com.",
        ttl=5,
        workers=ADDRESSES,
        port=port,
        allow_addresses=["127.0.0.0/8"],
    )
    return hand_off(desired, zone="ml", visibility="public", name_servers=cloud.dns)


def launch(handoff: dict[str, Any], *options: str, timeout: float = 120) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "MLDNS_HANDOFF": json.dumps(handoff)}
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(ROOT / "dags"), json.dumps([environment, options, timeout])],
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ranks_running(launcher: subprocess.Popen[str]) -> list[int]:
    """Process ids of the ranks that this launcher started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == launcher.pid and any(part.endswith(b"jax_worker.py") for part in command):
                found.append(int(entry.name))
    return found


def wait_for_ranks(launcher: subprocess.Popen[str]) -> list[int]:
    deadline = time.monotonic() + 30
    while len(found := ranks_running(launcher)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_three_ranks_learn_together_and_agree(handoff: dict[str, Any]) -> None:
    out, err = launch(handoff).communicate(timeout=180)
    result = out.splitlines()[-1]
    coordinator = f"worker-0.job.ml.example.com.=127.0.0.2:{handoff['port']}"
    assert result.startswith("result: trained: 3 processes, loss "), err
    assert result.endswith(f"coordinator {coordinator}")
    before, after = (float(loss) for loss in result.partition("loss ")[2].partition(",")[0].split(" -> "))
    # A rank that learned from its own samples alone would be right about a third of the features: a third of the loss.
    assert after < before / 100
    for rank, address in enumerate(ADDRESSES):
        assert f"[rank {rank}] worker-{rank}.job.ml.example.com. is {address}" in out


def test_a_training_that_diverges_fails_and_leaves_no_process(handoff: dict[str, Any]) -> None:
    launcher = launch(handoff, "--learning-rate", "100")
    ranks = wait_for_ranks(launcher)
    out, err = launcher.communicate(timeout=180)
    assert launcher.returncode == 1
    assert "TrainingFailed: rank " in err
    assert "failed: the loss went from" in out
    assert gone(ranks)


def test_a_rank_without_its_name_fails_the_training(handoff: dict[str, Any]) -> None:
    launcher = launch({**handoff, "pattern": "{role}-{rank}.nobody.ml.example.com."})
    out, err = launcher.communicate(timeout=180)
    assert launcher.returncode == 1
    assert "The DNS query name does not exist: worker-" in out, err


def test_a_launcher_that_is_told_to_end_ends_its_ranks(handoff: dict[str, Any]) -> None:
    launcher = launch(handoff, "--steps", "1000000")
    ranks = wait_for_ranks(launcher)
    launcher.send_signal(signal.SIGTERM)
    _, err = launcher.communicate(timeout=20)
    assert "Stopped: signal 15" in err
    assert gone(ranks)


def test_no_rank_outlives_a_launcher_that_is_killed(handoff: dict[str, Any]) -> None:
    launcher = launch(handoff, "--steps", "1000000")
    ranks = wait_for_ranks(launcher)
    launcher.kill()
    launcher.communicate(timeout=20)
    deadline = time.monotonic() + 60  # a rank that is still importing notices only then
    while not gone(ranks) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(ranks)


def test_a_training_that_takes_too_long_is_ended(handoff: dict[str, Any]) -> None:
    launcher = launch(handoff, "--steps", "1000000", timeout=4)
    ranks = wait_for_ranks(launcher)
    _, err = launcher.communicate(timeout=60)
    assert "TrainingFailed: time is up, rank(s) [0, 1, 2] still running" in err
    assert gone(ranks)
