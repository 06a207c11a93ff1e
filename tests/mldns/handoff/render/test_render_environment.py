"""The variables of `env://`: what all hosts share, what a host adds, what a process adds."""

from __future__ import annotations

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render import launch
from mldns.handoff.render.environment import environment

SHARED = {
    "MASTER_ADDR": "worker-0.bert.ml.example.com",
    "MASTER_PORT": "29400",
    "WORLD_SIZE": "16",
    "NNODES": "2",
    "LOCAL_WORLD_SIZE": "8",
}


def test_what_all_hosts_share(two: HandOff) -> None:
    assert environment(two) == SHARED


def test_a_host_and_one_of_its_processes(two: HandOff) -> None:
    host = two.host(1)
    assert environment(two, host) == SHARED | {"NODE_RANK": "1"}
    assert environment(two, host, local_rank=3) == SHARED | {"NODE_RANK": "1", "RANK": "11", "LOCAL_RANK": "3"}


def test_hosts_that_differ_have_the_processes_of_those_before_them(uneven: HandOff) -> None:
    assert "LOCAL_WORLD_SIZE" not in environment(uneven)
    last = environment(uneven, uneven.host(1, "worker"), local_rank=3)
    assert last["WORLD_SIZE"] == "14"
    assert (last["NODE_RANK"], last["LOCAL_WORLD_SIZE"], last["RANK"]) == ("2", "4", "13")


def test_the_ranks_of_all_processes_are_the_whole_world(uneven: HandOff) -> None:
    ranks = [
        int(environment(uneven, host, local_rank=local)["RANK"])
        for host in uneven.hosts
        for local in range(host.slots or 0)
    ]
    assert ranks == list(range(uneven.world_size))


def test_a_process_that_is_not_there_is_refused(two: HandOff, untold: HandOff) -> None:
    with pytest.raises(InvalidInput, match=r"worker-1.bert.ml.example.com has no local rank 8: it has 8 slot\(s\)"):
        environment(two, two.host(1), local_rank=8)
    with pytest.raises(InvalidInput, match="local rank 0 of which host"):
        environment(two, local_rank=0)
    with pytest.raises(InvalidInput, match=r"does not tell the slots of worker-7\..*--workers FILE"):
        environment(untold, untold.host(7), local_rank=0)


def test_one_set_of_variables_serves_every_launcher(two: HandOff, uneven: HandOff) -> None:
    assert launch.shared_variables(two) == SHARED | {
        "PET_RDZV_BACKEND": "static",
        "PET_RDZV_ENDPOINT": "worker-0.bert.ml.example.com:29400",
        "PET_RDZV_ID": f"bert-{two.digest}",
        "PET_NNODES": "2",
        "PET_NPROC_PER_NODE": "8",
        "JAX_COORDINATOR_ADDRESS": "worker-0.bert.ml.example.com:29400",
    }
    assert "PET_NPROC_PER_NODE" not in launch.shared_variables(uneven)
