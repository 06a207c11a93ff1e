"""`python -m mldns render TARGET`: what a launcher starts from, ready to use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mldns.cli import inputs, outputs, this_host
from mldns.cli import options as shared
from mldns.cli.check import DEFAULT_WAIT
from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff, JobHost
from mldns.handoff.render import environment, forms, hostfile, hosts, jax, kubernetes, launch, tf_config, torchrun

Render = Callable[[argparse.Namespace, HandOff], str]

_VARIABLE_FORMS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "sh": forms.exports,
    "dotenv": forms.dotenv,
    "json": forms.as_json,
}
_SH, _DOTENV = "sh: export lines for eval", "dotenv: NAME=value lines for an env file"


@dataclass(frozen=True, slots=True)
class _Target:
    """One target: its help, its formats with the default first, whether a host can be said, and how it is made."""

    help: str
    example: str
    formats: tuple[str, ...]
    render: Render
    of_a_host: bool = False
    local_rank: bool = False


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `render` and its targets."""
    parser = commands.add_parser(
        "render",
        help="print what a launcher needs: torchrun, JAX, TF_CONFIG, MPI, /etc/hosts, Kubernetes, the environment",
        description="Print what a launcher starts from, made of a job's hand-off alone.",
    )
    targets = parser.add_subparsers(dest="target", metavar="TARGET", required=True)
    for name, target in _TARGETS.items():
        _add_target(targets, name, target)


def _add_target(targets: argparse._SubParsersAction[argparse.ArgumentParser], name: str, target: _Target) -> None:
    parser = targets.add_parser(
        name,
        help=target.help,
        description=f"{target.help[0].upper()}{target.help[1:]}.",
        epilog=f"example: {target.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_handoff(parser)
    shared.add_workers(parser)
    if target.of_a_host:
        shared.add_rank(parser, "the host that this is for: the number in its name")
        parser.add_argument(
            "--on-this-host",
            action="store_true",
            help="for the host that this runs on, once its names answer, and with the interface that gloo and NCCL "
            f"listen on (rank: --rank, else {this_host.SOURCES})",
        )
        shared.add_wait(parser, default=DEFAULT_WAIT)
    if target.local_rank:
        parser.add_argument("--local-rank", type=shared.whole, metavar="K", help="one process of that host, from 0")
    if len(target.formats) > 1:
        meanings = "; ".join(part for part in (_SH, _DOTENV) if part.split(":")[0] in target.formats)
        parser.add_argument(
            "--format",
            choices=target.formats,
            default=target.formats[0],
            help=f"(default: {target.formats[0]}){'; ' + meanings if meanings else ''}",
        )
    _add_own_options(parser, name)
    parser.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    parser.set_defaults(run=run, render=target.render)


def _add_own_options(parser: argparse.ArgumentParser, name: str) -> None:
    if name == "torchrun":
        parser.add_argument(
            "--backend",
            choices=("static", "c10d"),
            default="static",
            help="of the rendezvous (default: static, ranks as in the names; c10d: hosts may be restarted)",
        )
    if name == "hosts":
        parser.add_argument("--resolve", action="store_true", help="take the addresses from DNS, and check them")
        shared.add_servers(parser)
        shared.add_wait(parser, default=0)
    if name == "k8s":
        parser.add_argument("--short-names", action="store_true", help="search the job's domain: worker-0 is enough")
        parser.add_argument(
            "--own-resolvers",
            action="store_true",
            help="ask the hand-off's resolvers instead of the cluster's, whose services are then not found",
        )


def run(options: argparse.Namespace) -> int:
    """Make the text, then write it: after an error nothing is written."""
    outputs.write(options.render(options, inputs.handoff_of(options)), options.output)
    return 0


def _torchrun(options: argparse.Namespace, handoff: HandOff) -> str:
    if options.on_this_host and options.format == "args":
        raise InvalidInput("torchrun has no option for the interface: --on-this-host takes --format sh, dotenv or json")
    host, more = _host(options, handoff)
    found = torchrun.settings(handoff, host, backend=options.backend)
    if options.format == "args":
        return " ".join(torchrun.options(found)) + "\n"
    return _VARIABLE_FORMS[options.format](torchrun.variables(found) | more)


def _jax(options: argparse.Namespace, handoff: HandOff) -> str:
    host, more = _host(options, handoff)
    found = jax.initialize_arguments(handoff, host, local_rank=options.local_rank)
    if options.format == "json":
        return forms.as_json(found)
    return _VARIABLE_FORMS[options.format](jax.variables(found) | more)


def _tf_config(options: argparse.Namespace, handoff: HandOff) -> str:
    host, more = _host(options, handoff)
    found = tf_config.tf_config(handoff, host)
    if options.format == "json":
        return forms.as_json(found)
    return _VARIABLE_FORMS[options.format](tf_config.variables(found) | more)


def _hostfile(options: argparse.Namespace, handoff: HandOff) -> str:
    return hostfile.hostfile(handoff, options.format)


def _hosts(options: argparse.Namespace, handoff: HandOff) -> str:
    workers = inputs.workers_of(options)
    by_name: Mapping[str, tuple[str, ...]]
    if workers is not None:
        by_name = {f"{handoff.name_of(worker.role, worker.rank)}.": (worker.address,) for worker in workers}
    elif options.resolve:
        by_name = _resolved(options, handoff)
    else:
        raise InvalidInput("the hand-off has no addresses: give the inventory (--workers FILE), or ask DNS (--resolve)")
    return hosts.hosts_fragment(handoff, [by_name[f"{host.name}."][0] for host in handoff.hosts])


def _resolved(options: argparse.Namespace, handoff: HandOff) -> Mapping[str, tuple[str, ...]]:
    """The addresses that DNS has, which must be those of the hand-off."""
    from mldns.cli import questions
    from mldns.cli.verification import verify

    if handoff.addresses is None:
        raise InvalidInput("the hand-off is of an older release and cannot prove addresses: give --workers FILE")
    outcome = verify(questions.of_handoff(options, handoff), wait=options.wait)
    if not outcome.addresses_proven:
        raise outputs.NotProven(outcome.report.summary(), outcome.report.exit)
    for warning in outcome.report.warnings:
        print(f"mldns: warning: {warning}", file=sys.stderr)
    return outcome.found


def _k8s(options: argparse.Namespace, handoff: HandOff) -> str:
    found = kubernetes.dns_settings(handoff, short_names=options.short_names, own_resolvers=options.own_resolvers)
    return kubernetes.yaml(found) if options.format == "yaml" else forms.as_json(found)


def _env(options: argparse.Namespace, handoff: HandOff) -> str:
    host, more = _host(options, handoff)
    return _VARIABLE_FORMS[options.format](environment.environment(handoff, host, local_rank=options.local_rank) | more)


def _host(options: argparse.Namespace, handoff: HandOff) -> tuple[JobHost | None, dict[str, str]]:
    """The host that is said, or this one and the variables that tell where it listens."""
    if options.on_this_host:
        from mldns.cli.launch import SERVERS, place_of

        place = place_of(argparse.Namespace(**{**vars(options), **SERVERS}), handoff, check=True)
        return place.host, launch.interface_variables(place.interface)
    if options.rank is None:
        if options.role is not None:
            raise InvalidInput(f"role {options.role!r} alone says no host: say its rank, too")
        return None, {}
    return handoff.host(options.rank, options.role), {}


_TARGETS: Mapping[str, _Target] = {
    "torchrun": _Target(
        "torchrun's options, or its PET_* variables",
        "torchrun $(python -m mldns render torchrun --rank 3) train.py",
        ("args", "sh", "dotenv", "json"),
        _torchrun,
        of_a_host=True,
    ),
    "jax": _Target(
        "the arguments of jax.distributed.initialize",
        "jax.distributed.initialize(**json.loads(text)) of: python -m mldns render jax --rank 3",
        ("json", "sh", "dotenv"),
        _jax,
        of_a_host=True,
        local_rank=True,
    ),
    "tf-config": _Target(
        "TF_CONFIG for TensorFlow",
        'eval "$(python -m mldns render tf-config --rank 3 --format sh)"',
        ("json", "sh", "dotenv"),
        _tf_config,
        of_a_host=True,
    ),
    "hostfile": _Target(
        "a hostfile with slots for MPI or DeepSpeed",
        "mpirun --mca orte_keep_fqdn_hostnames 1 --hostfile hosts.txt …  (Open MPI 4 cuts names at a dot otherwise)",
        ("openmpi", "deepspeed", "mpich"),
        _hostfile,
    ),
    "hosts": _Target(
        "a fragment of /etc/hosts",
        "python -m mldns render hosts --workers workers.json >> /etc/hosts",
        ("hosts",),
        _hosts,
    ),
    "k8s": _Target(
        "dnsConfig for a pod's spec",
        "python -m mldns render k8s --short-names",
        ("yaml", "json"),
        _k8s,
    ),
    "env": _Target(
        "MASTER_ADDR, MASTER_PORT, WORLD_SIZE and, for a host, NODE_RANK, RANK …",
        'eval "$(python -m mldns render env --rank 3)"',
        ("sh", "dotenv", "json"),
        _env,
        of_a_host=True,
        local_rank=True,
    ),
}
