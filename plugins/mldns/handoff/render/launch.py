"""The variables that all hosts of a job share, whatever launches it: one set for every pod of a job."""

from __future__ import annotations

from mldns.handoff.reader import HandOff
from mldns.handoff.render import jax, torchrun
from mldns.handoff.render.environment import environment


def variables(handoff: HandOff) -> dict[str, str]:
    """Return MASTER_ADDR and its like, torchrun's PET_* variables and JAX's coordinator.

    Each host adds which one it is: PET_NODE_RANK for torchrun, RANK for `env://`, the process id for JAX. Where the
    hosts differ in slots, or these are not known, torchrun's variables lack PET_NPROC_PER_NODE.
    """
    found = environment(handoff) | torchrun.variables(torchrun.shared_settings(handoff))
    return found | jax.variables({"coordinator_address": jax.coordinator_address(handoff)})
