"""The variables from which `torch.distributed`, DeepSpeed, Lightning and most launchers rendezvous (`env://`)."""

from __future__ import annotations

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost


def environment(handoff: HandOff, host: JobHost | None = None, *, local_rank: int | None = None) -> dict[str, str]:
    """Return MASTER_ADDR, MASTER_PORT, WORLD_SIZE and NNODES, and what one host or one of its processes adds.

    A host adds NODE_RANK; LOCAL_WORLD_SIZE is there where it is known. One process adds RANK and LOCAL_RANK; on a host
    of one slot it need not be said which.

    :param handoff: of the job.
    :param host: None for what all hosts share.
    :param local_rank: one process of that host, from 0.
    :raises InvalidInput: the host has no such process, or its slots are not known.
    """
    variables = {
        "MASTER_ADDR": handoff.master,
        "MASTER_PORT": str(handoff.port),
        "WORLD_SIZE": str(handoff.world_size),
        "NNODES": str(handoff.count),
    }
    slots = handoff.common_slots if host is None else host.slots
    if slots is not None:
        variables["LOCAL_WORLD_SIZE"] = str(slots)
    if host is None:
        if local_rank is not None:
            raise InvalidInput(f"local rank {local_rank} of which host? say its rank, too")
        return variables
    variables["NODE_RANK"] = str(host.index)
    if local_rank is None and host.slots == 1:
        local_rank = 0
    if local_rank is not None:
        variables |= {"RANK": str(process_rank(host, local_rank)), "LOCAL_RANK": str(local_rank)}
    return variables


def process_rank(host: JobHost, local_rank: int) -> int:
    """The rank of one of the host's processes among all processes."""
    slots, first = known_slots(host), host.first_process
    if first is None or not 0 <= local_rank < slots:
        raise InvalidInput(f"{host.name} has no local rank {local_rank}: it has {slots} slot(s)")
    return first + local_rank


def known_slots(host: JobHost) -> int:
    """The slots of a host, or InvalidInput where the hand-off does not tell them."""
    if host.slots is None:
        raise InvalidInput(
            f"the hand-off does not tell the slots of {host.name}: they change too often from host to host, or it is "
            "of an older release; give the workers, too (--workers FILE)"
        )
    return host.slots
