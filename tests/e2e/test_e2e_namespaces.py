"""Training on real hosts: three network namespaces that find each other by name, started with the hand-off alone.

A fourth, on another network, finds none of the names. Needs root and iproute2; PyTorch for its half.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.cloud import ready_line
from demo.processes import Crew
from tests.cloud_fixture import NETWORK, Cloud
from tests.dags.conftest import ROOT, Airflow, start_airflow
from tests.e2e.hosts import Host, Machine, NoNamespaces, left_behind, machine, run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MINE = {"claimant": "test/e2e", "lease": "run-1"}
OTHER_NETWORK = NETWORK.replace("/training", "/other")
ADDRESSES = ("10.77.0.11", "10.77.0.12", "10.77.0.13")
NAMES = [f"worker-{rank}.bert.ml.example.com" for rank in range(3)]
JOB: dict[str, Any] = {
    "zone": "ml",
    "dns_name": "ml.example.com.",
    "networks": [NETWORK],
    "job": "bert",
    "workers": list(ADDRESSES),
    "port": 29500,
    "reverse_zone": "reverse",
}
TRAINING_SECONDS = 120


@dataclass(frozen=True)
class Field:
    """The hosts of the training, the one on the other network, and what the pre-training step handed over."""

    workers: list[Host]
    stranger: Host
    handoff: str


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Machine, list[Host], Host]]:
    try:
        with machine("training") as made:
            made.network("training", "10.77.0.1")
            made.network("other", "10.78.0.1")
            workers = [made.host(f"w{rank}", "training", address) for rank, address in enumerate(ADDRESSES)]
            yield made, workers, made.host("stranger", "other", "10.78.0.11")
            prefix = made.prefix
    except NoNamespaces as reason:
        pytest.skip(str(reason))
    assert left_behind(prefix) == []


@pytest.fixture(scope="module")
def inside(hosts: tuple[Machine, list[Host], Host], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """localcloud in the middle, a resolver on port 53 of each network; with the zones that a company has already."""
    middle, home = hosts[0].middle, tmp_path_factory.mktemp("cloud")
    listeners = ("--api", "127.0.0.1:8053", "--dns", "127.0.0.1:5354", "--done-ms", "50", "--serve-ms", "0")
    resolvers = ("--resolver", f"10.77.0.1:53={NETWORK}", "--resolver", f"10.78.0.1:53={OTHER_NETWORK}")
    argv = middle.command(sys.executable, "-m", "localcloud", *listeners, *resolvers)
    with Crew() as crew:
        process = crew.start("localcloud", argv, env=dict(os.environ), cwd=ROOT, log=home / "localcloud.log")
        ready = ready_line(process)
        resolver = ready["resolver"].split(",")[0]
        cloud = Cloud(ready["api"], [ready["dns"]], [resolver], process.popen)  # type: ignore[arg-type] # its log is read
        # Whoever does not see the private zone is told by the public one above it that there is no such name.
        make_zone(middle, cloud, name="company", dnsName="example.com.", visibility="public")
        bound = {"networks": [{"networkUrl": NETWORK}]}
        reverse = {"name": JOB["reverse_zone"], "dnsName": "77.10.in-addr.arpa.", "visibility": "private"}
        make_zone(middle, cloud, **reverse, privateVisibilityConfig=bound)
        yield cloud


def make_zone(middle: Host, cloud: Cloud, **zone: Any) -> None:
    url = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones"
    made = run(middle, [sys.executable, "-c", POST, url, json.dumps({**zone, "description": ""})], dict(os.environ))
    assert made.returncode == 0, made.stdout


POST = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)
"""


@pytest.fixture(scope="module")
def field(
    hosts: tuple[Machine, list[Host], Host], inside: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    """The names, written and proved by mldns_pretraining next to the cloud, and released by mldns_release."""
    made, workers, stranger = hosts
    with start_airflow(tmp_path_factory.mktemp("airflow"), made.middle.command()) as airflow:
        written = _succeeded(airflow, "mldns_pretraining", inside, **JOB, **MINE)
        yield Field(workers, stranger, json.dumps(written["handoff"]))
        released = _succeeded(airflow, "mldns_release", inside, zone="ml", job="bert", **MINE, reverse_zone="reverse")
        assert (released["release"]["deleted"], released["release"]["reverse"]["deleted"]) == (6, 3)


def _succeeded(airflow: Airflow, dag: str, cloud: Cloud, **conf: Any) -> dict[str, Any]:
    done = airflow.run(dag, cloud, **conf)
    assert done.state == "success", done
    return dict(done.xcom)


def environment(handoff: str = "") -> dict[str, str]:
    """Of a host: where mldns is installed, and the hand-off."""
    system = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    return {**system, "PYTHONPATH": str(ROOT / "plugins"), "MLDNS_HANDOFF": handoff}


def train(field: Field, crew: Crew, home: Path, *program: str) -> list[list[str]]:
    """Start the program on every host at once and return the lines that each printed; all must end well."""
    launcher = str(ROOT / "dags" / "training" / "on_host.py")
    started = [
        crew.start(
            f"rank {rank}",
            host.command(sys.executable, launcher, *program),
            env=environment(field.handoff),
            cwd=home,
            log=home / f"rank-{rank}.log",
        )
        for rank, host in enumerate(field.workers)
    ]
    for process in started:
        try:
            code = process.popen.wait(timeout=TRAINING_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        assert code == 0, "\n\n".join(f"{one.name}:\n{one.tail()}" for one in started)
    return [process.log.read_text().splitlines() for process in started]


def result_of_all(printed: list[list[str]]) -> str:
    """The line with the result, which every rank prints once; torchrun may say something behind it."""
    (result,) = {line for lines in printed for line in lines if line.startswith("trained: ")}
    assert all(lines.count(result) == 1 for lines in printed)
    return result


def losses(line: str) -> tuple[float, float]:
    before, after = line.partition("loss ")[2].partition(",")[0].split(" -> ")
    return float(before), float(after)


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="no PyTorch: pip install -r tests/e2e/requirements-torch.txt -c constraints.txt",
)
def test_pytorch_ddp_trains_by_name(field: Field, tmp_path: Path) -> None:
    with Crew() as crew:
        lines = train(field, crew, tmp_path, "torchrun", str(ROOT / "dags" / "training" / "torch_worker.py"))
    for rank, (name, address) in enumerate(zip(NAMES, ADDRESSES, strict=True)):
        assert f"this is {name}, {address} on eth0" in lines[rank]
    result = result_of_all(lines)
    assert result.startswith("trained: 3 processes, loss ")
    assert result.endswith("master worker-0.bert.ml.example.com:29500")
    before, after = losses(result)
    assert after < before / 100, "a rank that learned alone would be right about a third of it"


def test_jax_trains_by_name(field: Field, tmp_path: Path) -> None:
    with Crew() as crew:
        lines = train(field, crew, tmp_path, "jax", str(ROOT / "dags" / "training" / "jax_worker.py"))
    result = result_of_all(lines)
    assert result.startswith("trained: 3 processes, loss ")
    assert result.endswith("coordinator worker-0.bert.ml.example.com.=10.77.0.11:29500")
    before, after = losses(result)
    assert after < before / 100


LOOK_UP = """
import json, socket, sys
def look_up(name):
    try:
        return socket.gethostbyname(name)
    except socket.gaierror as error:
        return "no such name" if error.args[0] == socket.EAI_NONAME else str(error)
print(json.dumps({name: look_up(name) for name in sys.argv[1:]}))
"""
POINTERS = """
import dns.resolver, json, sys
print(json.dumps({address: str(dns.resolver.resolve_address(address)[0]) for address in sys.argv[1:]}))
"""


def told(host: Host, program: str, *arguments: str) -> Any:
    """What a program finds on a host with that host's own resolv.conf."""
    done = run(host, [sys.executable, "-c", program, *arguments], environment())
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


def test_names_and_addresses_agree_on_every_host(field: Field) -> None:
    for host in field.workers:
        assert told(host, LOOK_UP, *NAMES) == dict(zip(NAMES, ADDRESSES, strict=True))
        assert told(host, POINTERS, *ADDRESSES) == {
            address: f"{name}." for address, name in zip(ADDRESSES, NAMES, strict=True)
        }


def test_a_host_of_another_network_sees_none_of_the_names(field: Field) -> None:
    assert told(field.stranger, LOOK_UP, *NAMES) == dict.fromkeys(NAMES, "no such name")


def mldns(host: Host, handoff: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `python -m mldns` on a host."""
    done = run(host, [sys.executable, "-m", "mldns", *arguments], environment(handoff))
    return done.returncode, done.stdout


@pytest.mark.parametrize("resolver", ["handed over", "system"])
def test_the_check_agrees_inside_the_network(field: Field, resolver: str) -> None:
    asked = ["--resolver", "system"] if resolver == "system" else []
    code, said = mldns(field.workers[2], field.handoff, "check", "--json", "--quiet", "--wait", "10", *asked)
    assert code == 0, said
    assert json.loads(said)["ok"] is True


def test_the_check_fails_where_the_names_are_not_to_be_seen(field: Field) -> None:
    code, said = mldns(
        field.stranger, field.handoff, "check", "--json", "--quiet", "--wait", "0", "--resolver", "system"
    )
    assert code == 20, said
    assert "worker-0.bert.ml.example.com" in said


def test_a_shell_gets_the_launchers_arguments_from_the_same_handoff(field: Field) -> None:
    code, said = mldns(field.workers[1], field.handoff, "render", "torchrun", "--rank", "1")
    assert code == 0, said
    assert "--node-rank=1" in said.split()
    assert "--rdzv-endpoint=worker-0.bert.ml.example.com:29500" in said.split()


def test_a_host_that_is_not_in_the_inventory_says_so(field: Field, tmp_path: Path) -> None:
    launcher = str(ROOT / "dags" / "training" / "on_host.py")
    done = run(field.stranger, [sys.executable, launcher, "jax", "nothing.py"], environment(field.handoff))
    assert done.returncode == 1
    assert done.stdout.startswith("on_host.py: ")
    assert len(done.stdout.splitlines()) == 1


def test_hosts_are_gone_after_a_failure(hosts: tuple[Machine, list[Host], Host]) -> None:
    """And so is what runs on them, although it was never waited for."""
    prefix = f"{hosts[0].prefix}-failing"
    sleepers = []

    def fail() -> None:
        with machine("training-failing") as made:
            made.network("training", "10.77.0.1")
            host = made.host("w0", "training", ADDRESSES[0])
            sleepers.append(subprocess.Popen(host.command("sleep", "60")))
            assert left_behind(prefix) == [f"{prefix}-middle", f"{prefix}-w0"]
            raise RuntimeError("in the middle of it")

    with pytest.raises(RuntimeError, match="in the middle of it"):
        fail()
    assert left_behind(prefix) == []
    assert [sleeper.wait(timeout=5) for sleeper in sleepers] == [-signal.SIGTERM]
