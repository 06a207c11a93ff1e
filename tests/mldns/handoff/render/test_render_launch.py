"""How each launcher is started on a host: what it must be told, and who may start it."""

from __future__ import annotations

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.launch import HOSTFILE, LAUNCHERS, Place, start


def begin(launcher: str, handoff: HandOff, rank: int) -> tuple[str, dict[str, str], str | None]:
    place = Place(handoff.hosts[rank], f"10.0.0.{rank + 1}", "eth0")
    found = start(launcher, handoff, place, ["train.py", "--epochs", "3"], python="python")
    assert found.command[-3:] == ["train.py", "--epochs", "3"]
    return " ".join(found.command[:-3]), dict(found.variables), found.hostfile


@pytest.mark.parametrize(
    ("launcher", "rank", "told", "variables"),
    [
        ("torchrun", 1, "python -m torch.distributed.run --rdzv-backend=static", {}),
        ("torchrun-c10d", 1, "--local-addr=worker-1", {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}),
        ("jax", 1, "python -m mldns.cli.jax_gloo 10.0.0.2", {"JAX_PROCESS_ID": "1", "JAX_NUM_PROCESSES": "2"}),
        ("env", 1, "", {"NODE_RANK": "1", "LOCAL_WORLD_SIZE": "8", "WORLD_SIZE": "16"}),
        ("openmpi", 0, f"--mca orte_keep_fqdn_hostnames 1 --hostfile {HOSTFILE}", {"MASTER_PORT": "29400"}),
        ("mpich", 0, f"mpiexec.hydra -localhost worker-0.bert.ml.example.com -f {HOSTFILE}", {}),
    ],
)
def test_what_it_is_told(launcher: str, rank: int, told: str, variables: dict[str, str], two: HandOff) -> None:
    command, found, _ = begin(launcher, two, rank)
    assert told in command
    assert variables.items() <= found.items()


@pytest.mark.parametrize("launcher", ["openmpi", "mpich"])
def test_who_starts_the_others_runs_on_the_first_host_alone(launcher: str, two: HandOff) -> None:
    _, _, hosts = begin(launcher, two, 0)
    assert str(hosts).startswith("worker-0.bert.ml.example.com")
    with pytest.raises(InvalidInput, match=r"run it on worker-0\.bert\.ml\.example\.com alone"):
        begin(launcher, two, 1)


def test_slots_that_are_not_told_are_asked_for(untold: HandOff) -> None:
    needed = {"torchrun", "torchrun-c10d", "openmpi", "mpich"}
    for launcher in needed:
        with pytest.raises(InvalidInput, match="--workers FILE"):
            begin(launcher, untold, 0)
    for launcher in LAUNCHERS.keys() - needed:
        begin(launcher, untold, 0)
