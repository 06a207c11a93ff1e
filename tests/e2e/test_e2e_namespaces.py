"""Training on real hosts: three network namespaces that find each other by name, started with the hand-off alone.

To the first its own name is 127.0.1.1, to the second its address, to the third nothing. A fourth, on another network,
finds none of the names. Needs root and iproute2; PyTorch, Open MPI and MPICH for their parts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
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
            workers = [
                made.host(f"w{rank}", "training", address, own_name=own)
                for rank, (address, own) in enumerate(zip(ADDRESSES, ("127.0.1.1", ADDRESSES[1], None), strict=True))
            ]
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
    """Launch on every host at once and return the lines that each printed; all must end well."""
    started = [
        crew.start(
            f"rank {rank}",
            host.command(sys.executable, "-m", "mldns", "launch", *program),
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


needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="no PyTorch: pip install -r tests/e2e/requirements-torch.txt -c constraints.txt",
)


@needs_torch
@pytest.mark.parametrize("launcher", ["torchrun", pytest.param("torchrun-c10d", marks=pytest.mark.exhaustive)])
def test_pytorch_ddp_trains_by_name(launcher: str, field: Field, tmp_path: Path) -> None:
    with Crew() as crew:
        lines = train(field, crew, tmp_path, launcher, "--", str(ROOT / "dags" / "training" / "torch_worker.py"))
    for rank, (name, address) in enumerate(zip(NAMES, ADDRESSES, strict=True)):
        assert f"mldns: this is {name}, {address} on eth0" in lines[rank]
    result = result_of_all(lines)
    assert result.startswith("trained: 3 processes, loss ")
    # With c10d whoever is rank 0 opens a port of its own, and says under which name.
    assert re.search(r"master worker-\d\.bert\.ml\.example\.com:\d+$", result)
    before, after = losses(result)
    assert after < before / 100, "a rank that learned alone would be right about a third of it"


KILLED = """
import os, signal, sys, torch, torch.distributed as dist
dist.init_process_group("gloo")
checkpoint, rank = sys.argv[1], dist.get_rank()
first = int(open(checkpoint).read()) if os.path.exists(checkpoint) else 0
for step in range(first, 12):
    total = torch.ones(1)
    dist.all_reduce(total)
    if rank == 0:
        open(checkpoint, "w").write(str(step + 1))
    dist.barrier()
    if rank == 1 and (first, step) == (0, 5):
        os.kill(os.getpid(), signal.SIGKILL)
print("trained:", int(total), "processes, again from step", first, flush=True)
dist.destroy_process_group()
"""


@needs_torch
@pytest.mark.exhaustive
def test_a_killed_process_brings_all_back_to_the_checkpoint(field: Field, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(KILLED)
    with Crew() as crew:
        program = ("--max-restarts=2", "train.py", str(tmp_path / "checkpoint"))
        lines = train(field, crew, tmp_path, "torchrun-c10d", "--", *program)
    assert result_of_all(lines) == "trained: 3 processes, again from step 6"


JAX_SUM = """
import os, jax
jax.config.update("jax_platforms", "cpu")
jax.distributed.initialize(
    num_processes=int(os.environ["JAX_NUM_PROCESSES"]), process_id=int(os.environ["JAX_PROCESS_ID"])
)
from jax.experimental import multihost_utils
print("trained:", multihost_utils.process_allgather(jax.numpy.array(jax.process_index() + 1)).sum(), flush=True)
"""


@pytest.mark.exhaustive
def test_jax_gathers_by_name(field: Field, tmp_path: Path) -> None:
    """A program that knows no more than JAX's own variables."""
    (tmp_path / "train.py").write_text(JAX_SUM)
    with Crew() as crew:
        assert result_of_all(train(field, crew, tmp_path, "jax", "--", "train.py")) == "trained: 6"


MPI_SUM = """
import ctypes, sys
library, *handles = sys.argv[1:]
mpi = ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
def handle(text):
    return ctypes.c_int(int(text, 16)) if text.startswith("0x") else ctypes.byref(ctypes.c_byte.in_dll(mpi, text))
world, whole, add = map(handle, handles)
mpi.MPI_Init(None, None)
rank, total = ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mine = ctypes.c_int(rank.value + 1)
mpi.MPI_Allreduce(ctypes.byref(mine), ctypes.byref(total), 1, whole, add, world)
mpi.MPI_Finalize()
print("rank", rank.value, "sum", total.value, flush=True)
"""
MPI = {
    "openmpi": ("mpirun.openmpi", ("libmpi.so.40", "ompi_mpi_comm_world", "ompi_mpi_int", "ompi_mpi_op_sum")),
    "mpich": ("mpiexec.hydra", ("libmpich.so.12", "0x44000000", "0x4c000405", "0x58000003")),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("launcher", MPI)
def test_mpi_adds_up_by_name(launcher: str, field: Field, tmp_path: Path) -> None:
    """Both libraries' ABIs, called without a compiler; a host is reached as over ssh, by its name."""
    program, library = MPI[launcher]
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: apt-get install {launcher.replace('openmpi', 'openmpi-bin')}")
    (tmp_path / "sum.py").write_text(MPI_SUM)
    hosts = "".join(f"{name}) host={host.namespace};;" for name, host in zip(NAMES, field.workers, strict=True))
    remote = tmp_path / "remote"
    remote.write_text(f'#!/bin/sh\ncase $1 in {hosts} *) exit 9;; esac\nshift\nexec ip netns exec $host sh -c "$*"\n')
    remote.chmod(0o755)
    env = {
        **environment(field.handoff),
        **{"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
        **{"OMPI_MCA_plm_rsh_agent": str(remote), "HYDRA_LAUNCHER": "rsh", "HYDRA_LAUNCHER_EXEC": str(remote)},
    }
    command = [sys.executable, "-m", "mldns", "launch", launcher, "--", sys.executable, str(tmp_path / "sum.py")]
    done = run(field.workers[0], [*command, *library], env)
    assert done.returncode == 0, done.stdout
    assert sorted(re.findall(r"^rank \d sum \d+$", done.stdout, re.MULTILINE)) == [f"rank {n} sum 6" for n in range(3)]
    refused = run(field.workers[1], [*command, *library], env)
    assert refused.returncode == 2
    assert "run it on worker-0.bert.ml.example.com alone" in refused.stdout


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


def test_a_shell_gets_the_same_as_text(field: Field) -> None:
    code, said = mldns(field.workers[1], field.handoff, "render", "torchrun", "--on-this-host", "--format", "json")
    assert code == 0, said
    told = json.loads(said)
    assert (told["PET_NODE_RANK"], told["GLOO_SOCKET_IFNAME"]) == ("1", "eth0")
    assert told["PET_RDZV_ENDPOINT"] == "worker-0.bert.ml.example.com:29500"


def test_a_number_that_means_another_host_is_found_out(field: Field) -> None:
    code, said = mldns(field.workers[1], field.handoff, "launch", "env", "--rank", "2", "--", "true")
    assert code == 2
    assert said.startswith("mldns: --rank 2 means worker-2.bert.ml.example.com, 10.77.0.13, which no network interface")


def test_a_host_that_does_not_see_the_names_starts_nothing(field: Field) -> None:
    code, said = mldns(field.stranger, field.handoff, "launch", "env", "--wait", "0", "--", "echo", "started")
    assert (code, len(said.splitlines())) == (20, 1), said
    assert "worker-0.bert.ml.example.com" in said


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
