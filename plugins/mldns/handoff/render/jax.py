"""The arguments of `jax.distributed.initialize`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render.environment import process_rank


def initialize_arguments(
    handoff: HandOff, host: JobHost | None = None, *, local_rank: int | None = None
) -> dict[str, Any]:
    """Return `coordinator_address`, `num_processes` and, where the host is said, `process_id`.

    One process a host, which JAX gives all the devices of the host; with `local_rank` one a slot, which gets the device
    of that number.

    :param handoff: of the job.
    :param host: None for what all hosts share.
    :param local_rank: one slot of that host, from 0; None for one process a host.
    :raises InvalidInput: the host has no such process, or none is said.
    """
    found: dict[str, Any] = {"coordinator_address": coordinator_address(handoff)}
    if local_rank is None:
        found["num_processes"] = handoff.count
        return found if host is None else found | {"process_id": host.index}
    if host is None:
        raise InvalidInput(f"local rank {local_rank} of which host? say its rank, too")
    return found | {
        "num_processes": handoff.world_size,
        "process_id": process_rank(host, local_rank),
        "local_device_ids": [local_rank],
    }


def coordinator_address(handoff: HandOff) -> str:
    """Where process 0 listens and the others connect to."""
    return f"{handoff.master}:{handoff.port}"


def variables(found: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as variables. JAX itself reads the address and the device ids; a program passes on the others."""
    names = {"local_device_ids": "JAX_LOCAL_DEVICE_IDS"}
    return {
        names.get(key, f"JAX_{key.upper()}"): ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in found.items()
    }
