"""torchrun's options, and torchrun itself, where PyTorch is installed, started from nothing but them."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.hosts import hosts_fragment
from mldns.handoff.render.torchrun import Backend, options, restart_variables, settings, variables
from tests.mldns.handoff.render.conftest import handed_over


def test_static_says_which_node_a_host_is(two: HandOff) -> None:
    assert options(settings(two, two.host(1))) == [
        "--rdzv-backend=static",
        "--rdzv-endpoint=worker-0.bert.ml.example.com:29400",
        f"--rdzv-id=bert-{two.digest}",
        "--nnodes=2",
        "--nproc-per-node=8",
        "--node-rank=1",
    ]
    assert "node_rank" not in settings(two)  # each host adds its own


def test_those_of_one_run_meet_whatever_their_inventory() -> None:
    one, other = (handed_over(rows, lease="manual-1") for rows in (["10.0.0.1"], ["10.0.0.2"]))
    assert settings(one)["rdzv_id"] == settings(other)["rdzv_id"] == f"bert-{one.run}"
    assert settings(handed_over(["10.0.0.1"], lease="manual-2"))["rdzv_id"] != f"bert-{one.run}"


def test_c10d_says_who_hosts_and_under_which_name_each_is_reached(two: HandOff) -> None:
    found = [settings(two, host, backend="c10d") for host in two.hosts]
    assert [(item["rdzv_conf"], item["local_addr"]) for item in found] == [
        ("is_host=true", "worker-0.bert.ml.example.com"),
        ("is_host=false", "worker-1.bert.ml.example.com"),
    ]
    with pytest.raises(InvalidInput, match="each host needs settings of its own: say the rank"):
        settings(two, backend="c10d")


def test_hosts_that_differ_in_slots_are_said_one_by_one(uneven: HandOff, untold: HandOff) -> None:
    assert [settings(uneven, host)["nproc_per_node"] for host in uneven.hosts] == ["2", "8", "4"]
    with pytest.raises(InvalidInput, match="the hosts of job 'bert' differ in slots"):
        settings(uneven)
    with pytest.raises(InvalidInput, match="does not tell the slots of worker-0"):
        settings(untold, untold.host(0))


def test_no_option_needs_quoting(two: HandOff) -> None:
    for backend in ("static", "c10d"):
        line = " ".join(options(settings(two, two.host(0), backend=backend)))
        printed = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
        assert printed.stdout.split() == line.split()


def python_with_torch() -> Path | None:
    """This Python, or that of the torchrun on PATH."""
    if importlib.util.find_spec("torch"):
        return Path(sys.executable)
    found = shutil.which("torchrun")
    return Path(found).with_name("python") if found else None


PYTHON = python_with_torch()
needs_torch = pytest.mark.skipif(
    PYTHON is None, reason="no PyTorch: pip install -r tests/e2e/requirements-torch.txt -c constraints.txt"
)


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["static", "c10d"])
def test_torchrun_understands_them_as_options_and_as_variables(backend: Backend, two: HandOff) -> None:
    found = settings(two, two.host(1), backend=backend)
    program = textwrap.dedent("""
        import json, sys
        from torch.distributed.run import config_from_args, parse_args
        config, _, _ = config_from_args(parse_args(sys.argv[1:]))
        names = ("run_id", "rdzv_endpoint", "rdzv_backend", "rdzv_configs", "nproc_per_node", "local_addr", "max_nodes")
        print(json.dumps({name: getattr(config, name) for name in names}))
    """)

    def understood(*given: str, **environment: str) -> dict[str, object]:
        answer = subprocess.run(
            [str(PYTHON), "-c", program, *given, "train.py"],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return dict(json.loads(answer.stdout))

    config = understood(*options(found))
    assert config == understood(**variables(found))
    assert config["rdzv_endpoint"] == "worker-0.bert.ml.example.com:29400"
    assert (config["nproc_per_node"], config["max_nodes"]) == (8, 2)
    host_question = {"static": {"rank": 1}, "c10d": {"is_host": "false"}}[backend]
    assert host_question.items() <= dict(config["rdzv_configs"]).items()  # type: ignore[call-overload]


TRAINING = """
import os, pathlib, signal, torch, torch.distributed as dist
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
doomed = pathlib.Path(__file__).with_name("doomed")
if doomed.exists() and dist.get_rank() == 2:
    doomed.unlink()
    os.kill(os.getpid(), signal.SIGKILL)
dist.barrier()
print("trained", os.environ["MASTER_ADDR"], dist.get_world_size(), int(total.item()), os.environ["GROUP_RANK"])
dist.destroy_process_group()
"""


@needs_torch
@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for an /etc/hosts of its own")
@pytest.mark.parametrize("backend", ["static", "c10d"])
def test_a_training_of_two_uneven_hosts_starts_from_them(backend: Backend, tmp_path: Path) -> None:
    """Neither host's own name is a worker's name, as in a container: only the options say who is who.

    With c10d one process of the three is killed in the middle: they come together again, on both hosts.
    """
    addresses = ["127.0.0.2", "127.0.0.3"]
    handoff = handed_over(
        [{"address": address, "slots": slots} for address, slots in zip(addresses, (2, 1), strict=True)],
        port=free_port(),
    )
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n" + hosts_fragment(handoff, addresses))
    (tmp_path / "train.py").write_text(TRAINING)
    if backend == "c10d":
        (tmp_path / "doomed").touch()
    nodes = [
        start_node(tmp_path, settings(handoff, host, backend=backend) | {"max_restarts": "3"})
        # The second one first: it must wait for the host of the rendezvous, not become it.
        for host in reversed(handoff.hosts)
    ]
    try:
        told = [node.communicate(timeout=150)[0] for node in nodes]
    finally:
        for node in nodes:
            if node.poll() is None:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()
    lines = sorted(line for text in told for line in text.splitlines() if line.startswith("trained"))
    assert lines == [f"trained {handoff.master} 3 6 {node}" for node in (0, 0, 1)], told
    assert [text.count("trained") for text in told] == [1, 2]  # worker-1 is node 1, and has one slot
    assert not (tmp_path / "doomed").exists()


def start_node(directory: Path, found: dict[str, str]) -> subprocess.Popen[str]:
    """One host with an /etc/hosts of its own; gloo finds the address of the interface that it is told."""
    script = 'mount --bind "$0/hosts" /etc/hosts && exec "$@"'
    command = [str(PYTHON), "-m", "torch.distributed.run", *options(found), str(directory / "train.py")]
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script, str(directory), *command],
        env=os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"} | restart_variables(found),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        return int(probe.getsockname()[1])
