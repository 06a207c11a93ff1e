"""`python -m demo run` and `up` as a person starts them: side by side, on a machine whose usual ports are taken."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from demo.processes import Crew

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
USUAL_PORTS = (8080, 8793, 8794, 8974, 8053, 5354)
MINUTES = 60.0


@dataclass
class Demo:
    """A demo that was started; everything it starts inherits `tag` in its environment."""

    process: subprocess.Popen[bytes]
    output: Path
    tag: str

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.2)

    def running(self) -> list[psutil.Process]:
        """Every live process that this demo, or something it started, has started."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if self.tag in process.environ():
                    found.append(process)
        return found

    def runs(self, argument: str) -> bool:
        """Whether one of them was started with `argument`."""
        for process in self.running():
            with contextlib.suppress(psutil.NoSuchProcess):
                if argument in process.cmdline():
                    return True
        return False


@pytest.fixture
def usual_ports_taken() -> Iterator[None]:
    """Somebody else has the ports that Airflow and localcloud take by default (or had them already)."""
    with contextlib.ExitStack() as stack:
        for port in USUAL_PORTS:
            with contextlib.suppress(OSError):
                stack.enter_context(socket.create_server(("0.0.0.0", port)))
        yield


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Demo]]:
    """`start("run")`: a demo that ends with the test, and also if the test's own process is killed."""
    with Crew() as crew:

        def start_demo(command: str) -> Demo:
            tag = f"MLDNS_TEST_{uuid4().hex}"
            argv = [sys.executable, "-m", "demo", command]
            output = tmp_path / command
            managed = crew.start(command, argv, env={**os.environ, tag: "1"}, cwd=ROOT, log=output)
            return Demo(managed.popen, output, tag)

        yield start_demo


def jobs_on_the_page(url: str, login: dict[str, str]) -> dict[str, str]:
    """The jobs of the newest snapshot, which the page shows, and their states."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/mldns/").status_code == 200
        asked = {"name_prefix_pattern": "x-mldns://demo-project/training", "order_by": "-timestamp", "limit": 100}
        events = client.get("/api/v2/assets/events", params=asked).raise_for_status().json()["asset_events"]
    snapshots = [event["extra"] for event in events if event["extra"].get("kind") == "zone"]
    return {job["job"]: job["state"] for job in snapshots[0]["jobs"]}


@pytest.mark.usefixtures("usual_ports_taken")
def test_run_and_up_side_by_side(start: Callable[[str], Demo]) -> None:
    run, up = start("run"), start("up")
    assert run.process.wait(5 * MINUTES) == 0, run.text()
    story = run.text()
    for rank in range(3):
        answered = rf"^worker-{rank}\.demo\.training\.example\.com\. +A +127\.0\.0\.{2 + rank} "
        assert re.search(answered, story, re.MULTILINE)
    assert "name servers: ns-gcp-private.googledomains.com." in story
    assert "IAM binding: roles/dns.reader on zone training: serviceAccount:trainer@" in story
    assert "training: trained: 3 processes, loss " in story
    assert "left behind: 0 records" in story
    assert run.running() == []

    up.wait_for("running, until Ctrl-C", 4 * MINUTES)
    assert "mldns_pretraining: success, mldns_reconcile: success" in up.text()
    assert "left behind: 0 records" in up.text()
    shown = re.search(r"^Airflow +(\S+) +user (\S+) +password (\S+)$", up.text(), re.MULTILINE)
    assert shown is not None
    url, user, password = shown.groups()
    assert httpx.get(url, follow_redirects=True, trust_env=False).status_code == 200
    login = {"username": user, "password": password}
    assert jobs_on_the_page(url, login) == {"waiting": "ready"}
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(MINUTES) == 0
    assert up.running() == []


def test_killed_while_airflow_starts_it_leaves_nothing(start: Callable[[str], Demo]) -> None:
    demo = start("run")
    demo.wait_for("localcloud serves", MINUTES)
    deadline = time.monotonic() + MINUTES
    while not demo.runs("scheduler"):
        assert time.monotonic() < deadline, demo.text()
        time.sleep(0.2)
    demo.process.kill()
    assert demo.process.wait(MINUTES) != 0
    deadline = time.monotonic() + MINUTES
    while left := demo.running():
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
