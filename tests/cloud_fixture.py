"""A real localcloud in a process of its own, for every test that needs an API or a name server.

`cloud` is shared by the whole session and emptied before each test; `start_cloud` starts further ones with other flags,
which are emptied and used again by later tests that ask for the same.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import requests

PROJECT = "demo-project"
NETWORK = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/global/networks/training"

_ROOT = Path(__file__).resolve().parent.parent
_READY = re.compile(r"localcloud ready api=(?P<api>\S+) dns=(?P<dns>\S+)(?: resolver=(?P<resolver>\S+))?\n")
_START_SECONDS = 120
_KEPT = 4
"""Clouds that wait for the next test that asks for their flags. A start takes most of a second, a process 40 MB."""
_DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""Linux: whoever kills the tests leaves no server behind."""


@dataclass(frozen=True)
class Cloud:
    """A running localcloud: base URL of its API, HOST:PORT of its name servers, and the process."""

    api: str
    dns: list[str]
    resolvers: list[str]
    process: subprocess.Popen[str]
    project: str = PROJECT
    network: str = NETWORK

    @property
    def resolver(self) -> str:
        return self.resolvers[0]

    def connection(self, api: str = "", **extra: object) -> str:
        """The Airflow connection that leads here, as AIRFLOW_CONN_* has it; None takes an extra away.

        :param api: another base URL, such as a proxy's.
        """
        services = ("dns", "resource_manager", "compute", "container")
        usual = {
            "project": self.project,
            "is_anonymous": True,
            "name_server_addresses": self.dns,
            "resolver_addresses": self.resolvers,
            **{f"{service}_api_endpoint": api or self.api for service in services},
        }
        said = {key: value for key, value in {**usual, **extra}.items() if value is not None}
        return json.dumps({"conn_type": "google_cloud_platform", "extra": said})

    def call(self, verb: str, path: str, body: object = None) -> Any:
        """What somebody else's call is answered, which has to succeed; a path without a slash is a zone's."""
        url = self.api + (path if path.startswith("/") else f"/dns/v1/projects/{self.project}/managedZones/{path}")
        answer = requests.request(verb, url.rstrip("/"), json=body, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def reset(self) -> None:
        self.call("POST", "/_localcloud/reset")

    def stats(self) -> dict[str, dict[str, int]]:
        """Calls since the last reset: `{"changes.create": {"200": 3}}`."""
        calls: dict[str, dict[str, int]] = self.call("GET", "/_localcloud/stats")["calls"]
        return calls

    def fault(self, *rules: Mapping[str, object]) -> None:
        self.call("POST", "/_localcloud/faults", list(rules))

    def make_zone(self, name: str = "ml", dns_name: str = "ml.example.com.", **fields: object) -> None:
        """A zone of somebody else's, private and bound to `network` unless `fields` say otherwise."""
        zone = {"name": name, "dnsName": dns_name, "description": "", "visibility": "private"} | fields
        if zone["visibility"] == "private":
            zone.setdefault("privateVisibilityConfig", {"networks": [{"networkUrl": self.network}]})
        self.call("POST", "", zone)

    def write(self, *additions: object, delete: Sequence[object] = (), zone: str = "ml") -> str:
        """A change of somebody else's; its id."""
        return str(self.call("POST", f"{zone}/changes", {"additions": additions, "deletions": delete})["id"])

    def records(self, zone: str = "ml") -> dict[str, dict[str, Any]]:
        """What a zone holds beside its SOA and NS, by `NAME TYPE`."""
        listed = self.call("GET", f"{zone}/rrsets")["rrsets"]
        return {f"{one['name']} {one['type']}": one for one in listed if one["type"] not in ("SOA", "NS")}

    def stop(self) -> int:
        """End it as a user would, and return its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def launch(*arguments: str) -> Cloud:
    """Start localcloud with free ports and the given flags, and wait for its ready line."""
    given = " ".join(arguments)
    defaults = ["--api", "127.0.0.1:0"] if "--api" not in given else []
    if "--dns" not in given:
        defaults += ["--dns", "127.0.0.1:0"]
    if "--resolver" not in given:
        defaults += ["--resolver", f"127.0.0.1:0={NETWORK}"]
    process = subprocess.Popen(
        [*_DIES_WITH_US, sys.executable, "-m", "localcloud", *defaults, *arguments],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=None,
        text=True,
    )
    match = _READY.fullmatch(_first_line(process))
    if match is None:
        process.kill()
        raise RuntimeError(f"localcloud did not start (exit code {process.wait()})")
    resolvers = match["resolver"].split(",") if match["resolver"] else []
    return Cloud(api=match["api"], dns=match["dns"].split(","), resolvers=resolvers, process=process)


def _first_line(process: subprocess.Popen[str]) -> str:
    stdout = process.stdout
    assert stdout is not None
    lines: Queue[str] = Queue()
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        return lines.get(timeout=_START_SECONDS)
    except Empty:
        return ""


@pytest.fixture(scope="session")
def _session_cloud() -> Iterator[Cloud]:
    cloud = launch("--done-ms", "50", "--serve-ms", "0")
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(_session_cloud: Cloud) -> Cloud:
    """An empty localcloud: no latency, changes done after 50 ms, name servers without lag."""
    _session_cloud.reset()
    return _session_cloud


Idle = list[tuple[tuple[str, ...], Cloud]]


@pytest.fixture(scope="session")
def _idle_clouds() -> Iterator[Idle]:
    """Running clouds that no test uses, with their flags."""
    idle: Idle = []
    yield idle
    for _, cloud in idle:
        cloud.stop()


@pytest.fixture
def start_cloud(_idle_clouds: Idle) -> Iterator[Callable[..., Cloud]]:
    """`start_cloud("--latency-ms", "50", …)`: another localcloud, empty, for this test alone."""
    used: Idle = []

    def start(*arguments: str) -> Cloud:
        used.append((arguments, _take(_idle_clouds, arguments) or launch(*arguments)))
        return used[-1][1]

    yield start
    for arguments, cloud in used:
        if cloud.process.poll() is None and not {"--api", "--data"} & set(arguments):
            _idle_clouds.append((arguments, cloud))
        else:
            cloud.stop()
    while len(_idle_clouds) > _KEPT:
        _idle_clouds.pop(0)[1].stop()


def _take(idle: Idle, arguments: tuple[str, ...]) -> Cloud | None:
    """One with these flags, emptied; None without one."""
    for position, (flags, cloud) in enumerate(idle):
        if flags == arguments:
            del idle[position]
            cloud.reset()
            return cloud
    return None
