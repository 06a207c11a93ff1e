"""torchrun's options and its PET_* variables, with the question settled who hosts the rendezvous.

Left alone, torchrun's c10d backend compares the endpoint with the machine's own host name and addresses: behind an
alias, a second NIC or a container's host name nobody finds himself to be the host and all wait (PyTorch issue 73656),
or two do. And whoever becomes rank 0 tells the others his own FQDN as MASTER_ADDR, which they may not resolve (85300,
150532). So this says it:

    static   the host with node rank 0 hosts, and MASTER_ADDR is the endpoint. Ranks follow the names: worker-3 is node
             rank 3. The number is all that a host must know.
    c10d     `is_host` is true on host 0 and false on the others, and `local_addr` is each host's own name. Hosts and
             processes may be restarted, and take their ranks by the alphabet of their names: worker-10 before worker-2.

With c10d each generation of processes needs a store of its own: left alone, the agent of rank 0 shares one with all of
them, a new generation finds the addresses of the dead one in it, and no restart ever comes together (135712).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render.environment import known_slots

Backend = Literal["static", "c10d"]


def settings(handoff: HandOff, host: JobHost | None = None, *, backend: Backend = "static") -> dict[str, str]:
    """Return torchrun's settings by name, such as `{"rdzv_backend": "static", "nnodes": "2"}`.

    Without a host: what all hosts share, to which each adds its `node_rank`.

    :param handoff: of the job.
    :param host: None for what all hosts share.
    :param backend: of the rendezvous: see above.
    :raises InvalidInput: no host is said, but c10d needs one, or the slots differ from host to host.
    """
    found = shared_settings(handoff) | {"rdzv_backend": backend, "nproc_per_node": str(_slots(handoff, host))}
    if backend == "c10d":
        if host is None:
            raise InvalidInput("with the c10d backend each host needs settings of its own: say the rank")
        return found | {"rdzv_conf": f"is_host={str(host.index == 0).lower()}", "local_addr": host.name}
    return found if host is None else found | {"node_rank": str(host.index)}


def shared_settings(handoff: HandOff) -> dict[str, str]:
    """The settings of the static backend that all hosts share, `nproc_per_node` only where that is one number."""
    found = {
        "rdzv_backend": "static",
        "rdzv_endpoint": f"{handoff.master}:{handoff.port}",
        # Whoever was handed another run does not meet the others; one whose address has changed meanwhile does.
        "rdzv_id": f"{handoff.job}-{handoff.run or handoff.digest}",
        "nnodes": str(handoff.count),
    }
    slots = handoff.common_slots
    return found if slots is None else found | {"nproc_per_node": str(slots)}


def options(found: Mapping[str, str]) -> list[str]:
    """The settings as command line options: `--nnodes=2`. None of them needs quoting."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in found.items()]


def variables(found: Mapping[str, str]) -> dict[str, str]:
    """The settings as the variables that torchrun reads where an option is not given: `PET_NNODES`."""
    return {f"PET_{name.upper()}": value for name, value in found.items()} | restart_variables(found)


def restart_variables(found: Mapping[str, str]) -> dict[str, str]:
    """What `--max-restarts` needs beside the options: a store for each generation of processes."""
    return {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"} if found["rdzv_backend"] == "c10d" else {}


def _slots(handoff: HandOff, host: JobHost | None) -> int:
    if host is not None:
        return known_slots(host)
    if handoff.common_slots is None:
        raise InvalidInput(f"the hosts of job {handoff.job!r} differ in slots: say the rank of the one to start")
    return handoff.common_slots
