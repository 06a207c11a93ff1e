"""How each launcher is started on a host: the command, and the variables that it or the program reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render import jax, tf_config, torchrun
from mldns.handoff.render.environment import environment
from mldns.handoff.render.hostfile import hostfile

HOSTFILE = "{hostfile}"
"""Stands in a command for the path of a file with `Start.hostfile` in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which host this is, and how others reach it: `address` on `interface`."""

    host: JobHost
    address: str
    interface: str


@dataclass(frozen=True, slots=True)
class Start:
    """A command, the variables that are set for it, and what is in the hostfile that it names, if any."""

    command: list[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    hostfile: str | None = None


def shared_variables(handoff: HandOff) -> dict[str, str]:
    """Return what all hosts of a job share: MASTER_ADDR and its like, torchrun's PET_* variables, JAX's coordinator.

    Each host adds which one it is: PET_NODE_RANK for torchrun, RANK for `env://`, the process id for JAX. Where the
    hosts differ in slots, or these are not known, torchrun's variables lack PET_NPROC_PER_NODE.
    """
    found = environment(handoff) | torchrun.variables(torchrun.shared_settings(handoff))
    return found | jax.variables({"coordinator_address": jax.coordinator_address(handoff)})


def interface_variables(interface: str) -> dict[str, str]:
    """Return what tells gloo and NCCL where to listen; gloo takes the name as it is, NCCL only with a "=" exactly."""
    return {"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": f"={interface}"}


def start(launcher: str, handoff: HandOff, place: Place, program: Sequence[str], *, python: str) -> Start:
    """Return how a launcher is started on a host.

    :param launcher: one of `LAUNCHERS`.
    :param handoff: of the job.
    :param place: the host.
    :param program: the training's program with its arguments, a Python one where the launcher starts those.
    :param python: the interpreter.
    :raises InvalidInput: the launcher starts nothing on this host, or the hand-off lacks what it needs.
    """
    return LAUNCHERS[launcher].start(handoff, place, [*program], python)


def _torchrun(backend: torchrun.Backend) -> _Begin:
    def begin(handoff: HandOff, place: Place, program: list[str], python: str) -> Start:
        found = torchrun.settings(handoff, place.host, backend=backend)
        command = [python, "-m", "torch.distributed.run", *torchrun.options(found), *program]
        return Start(command, torchrun.restart_variables(found))

    return begin


def _jax(handoff: HandOff, place: Place, program: list[str], python: str) -> Start:
    told = jax.variables(jax.initialize_arguments(handoff, place.host))
    return Start([python, "-m", "mldns.cli.jax_gloo", place.address, *program], told)


def _tensorflow(handoff: HandOff, place: Place, program: list[str], python: str) -> Start:
    return Start([python, *program], tf_config.variables(tf_config.tf_config(handoff, place.host)))


def _env(handoff: HandOff, place: Place, program: list[str], _python: str) -> Start:
    return Start(program, environment(handoff, place.host))


def _open_mpi(handoff: HandOff, place: Place, program: list[str], _python: str) -> Start:
    _first_alone("openmpi", handoff, place)
    told = environment(handoff)
    exported = [part for name in ("MLDNS_HANDOFF", "MASTER_ADDR", "MASTER_PORT") for part in ("-x", name)]
    # It cuts names at their first dot unless told not to.
    command = ["mpirun", "--mca", "orte_keep_fqdn_hostnames", "1", "--hostfile", HOSTFILE, *exported, *program]
    return Start(command, told, hostfile(handoff))


def _mpich(handoff: HandOff, place: Place, program: list[str], _python: str) -> Start:
    _first_alone("mpich", handoff, place)
    # Its other hosts connect back to the name that this host says it has.
    command = ["mpiexec.hydra", "-localhost", place.host.name, "-f", HOSTFILE, *program]
    return Start(command, environment(handoff), hostfile(handoff, "mpich"))


def _first_alone(launcher: str, handoff: HandOff, place: Place) -> None:
    if place.host.index:
        raise InvalidInput(
            f"{launcher} starts the other hosts itself: run it on {handoff.master} alone, not on {place.host.name}"
        )


_Begin = Callable[[HandOff, Place, list[str], str], Start]


@dataclass(frozen=True, slots=True)
class Launcher:
    """One launcher: what it starts, for the help, and how."""

    help: str
    start: _Begin


LAUNCHERS: Mapping[str, Launcher] = {
    "torchrun": Launcher("on every host; torchrun's own options may stand before the program", _torchrun("static")),
    "torchrun-c10d": Launcher("the same with the c10d rendezvous, for --max-restarts", _torchrun("c10d")),
    "jax": Launcher("on every host; the program passes JAX_NUM_PROCESSES and JAX_PROCESS_ID on", _jax),
    "tensorflow": Launcher("on every host, with TF_CONFIG", _tensorflow),
    "env": Launcher("on every host, any command with MASTER_ADDR, NODE_RANK and, for one slot, RANK", _env),
    "openmpi": Launcher("on the first host: Open MPI's mpirun with all hosts and slots", _open_mpi),
    "mpich": Launcher("on the first host: Hydra, so MPICH, Intel MPI and MVAPICH, too", _mpich),
}
