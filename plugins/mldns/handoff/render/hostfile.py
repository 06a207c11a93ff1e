"""Hostfiles: the hosts of a job with their slots, rank 0 first."""

from __future__ import annotations

from typing import Literal

from mldns.handoff.reader import HandOff
from mldns.handoff.render.environment import known_slots

Style = Literal["openmpi", "deepspeed", "mpich"]

_LINES = {
    "openmpi": "{name} slots={slots}\n",
    "deepspeed": "{name} slots={slots}\n",
    "mpich": "{name}:{slots}\n",  # Hydra's, so Intel MPI's and MVAPICH's, too
}


def hostfile(handoff: HandOff, style: Style = "openmpi") -> str:
    """Return one line a host.

    :raises InvalidInput: the hand-off does not tell the slots.
    """
    return "".join(_LINES[style].format(name=host.name, slots=known_slots(host)) for host in handoff.hosts)
