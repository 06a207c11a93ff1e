"""What the options of a command ask, and of which servers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mldns.cli import inputs
from mldns.cli.options import SYSTEM
from mldns.cli.resolv_conf import SystemResolvers, system_resolvers
from mldns.cli.verification import Task
from mldns.exceptions import InvalidInput
from mldns.gate.expectations import (
    Expectation,
    Inquiry,
    any_address,
    expectations,
    parse_tolerances,
)
from mldns.gate.required import known_addresses, parse_port_of, parse_required
from mldns.gate.servers import Endpoint, Server, ServerRole, parse_server
from mldns.handoff.reader import HandOff
from mldns.inventory.job_records import job_records
from mldns.inventory.workers import Worker


def of_options(options: argparse.Namespace) -> Task:
    """The task that the options of `check` describe.

    :raises InvalidInput: one of them cannot be read, or there is nothing to check.
    """
    exact = [item for text in options.expect for item in _expected(text)]
    by_name = _names(options.names)
    handoff = None
    if options.handoff is not None or not (exact or by_name):
        handoff = inputs.handoff_of(options)
        by_name += _of_job(options, handoff)
    elif options.rank is not None or options.workers is not None:
        raise InvalidInput("--rank and --workers are of a job: give its --handoff, too")
    known = {item.name for item in exact}
    named = [*exact, *(item for item in by_name if item.name not in known)]
    required = [parse_required(text) for text in options.required]
    ports = [one.port for one in required if one.port is not None]
    if (port := _port(options.connect, handoff)) is not None:
        ports.append(port)
        if port.name not in {item.name for item in named}:
            named.append(any_address(port.name))
    outside = tuple(item for one in required for item in one.expectations)
    asked = _servers(options, handoff, outside=bool(outside))
    return Task(
        tuple(named),
        asked.servers,
        asked.alternatives,
        also=(Inquiry(outside, asked.resolvers),) if outside else (),
        handoff=handoff,
        ports=tuple(ports),
        passes=options.passes,
        tolerate=parse_tolerances(options.tolerate),
        warnings=asked.warnings,
    )


def of_handoff(options: argparse.Namespace, handoff: HandOff, names: Iterable[str] | None = None) -> Task:
    """The task to look up all hosts of a job, or those names of it, at the servers that the options name."""
    asked, wanted = _servers(options, handoff), names_of(handoff) if names is None else names
    expectations = tuple(_addresses(handoff, wanted))
    return Task(expectations, asked.servers, asked.alternatives, handoff=handoff, warnings=asked.warnings)


def names_of(handoff: HandOff) -> list[str]:
    """The names of a job that hold one address each."""
    return [*(host.name for host in handoff.hosts), handoff.master_alias]


def _of_job(options: argparse.Namespace, handoff: HandOff) -> list[Expectation]:
    if options.rank is None and options.role is not None:
        raise InvalidInput(f"role {options.role!r} alone says no host: say its rank, too")
    names = names_of(handoff)
    if options.rank is not None:
        names = list(
            dict.fromkeys([handoff.master, handoff.master_alias, handoff.host(options.rank, options.role).name])
        )
    workers = inputs.workers_of(options)
    return _addresses(handoff, names) if workers is None else _exactly(handoff, names, workers)


def _addresses(handoff: HandOff, names: Iterable[str]) -> list[Expectation]:
    """Some address each, the same at every server; which one is right the digest tells."""
    if handoff.record_type is None:
        return [any_address(name, max_ttl=handoff.ttl) for name in names]
    return [Expectation(f"{name}.", handoff.record_type, None, handoff.ttl) for name in names]


def _exactly(handoff: HandOff, names: Iterable[str], workers: Sequence[Worker]) -> list[Expectation]:
    wanted = {f"{name}." for name in names}
    rrsets = job_records(workers, owner=handoff.job, dns_name=f"{handoff.dns_name}.", ttl=handoff.ttl)
    return [item for item in expectations(rrsets) if item.name in wanted]


def _names(arguments: Iterable[str]) -> list[Expectation]:
    texts = [text.strip() for argument in arguments for text in argument.split(",")]
    return [any_address(text) for text in texts if text]


def _expected(argument: str) -> tuple[Expectation, ...]:
    name, equals, addresses = argument.partition("=")
    if not (equals and addresses.strip()):
        raise InvalidInput(
            f"--expect {argument!r}: expected NAME=ADDRESS, such as worker-0.bert.ml.example.com=10.0.0.7"
        )
    return known_addresses(name, addresses)


def _port(argument: str | None, handoff: HandOff | None) -> Endpoint | None:
    if argument is None:
        return None
    if argument:
        return parse_port_of(argument)
    if handoff is None:
        raise InvalidInput("--connect needs NAME:PORT, or a hand-off that has the rendezvous port")
    return Endpoint(f"{handoff.master}.", "", handoff.port)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom to ask.

    :param servers: the name servers that are named, then the resolvers.
    :param resolvers: who is asked for names outside the zone.
    :param alternatives: the resolvers of this machine among the servers.
    """

    servers: tuple[Server, ...]
    resolvers: tuple[Server, ...]
    alternatives: tuple[Server, ...]
    warnings: tuple[str, ...]


def _servers(options: argparse.Namespace, handoff: HandOff | None, *, outside: bool = False) -> _Asked:
    """The name servers that are named, then the resolvers: those named, else the hand-off's, else the system's."""
    authorities = tuple(parse_server(text, ServerRole.AUTHORITATIVE) for text in options.server)
    texts = options.resolver or (handoff.resolvers if handoff else ()) or ([] if authorities else [SYSTEM])
    # Names outside the zone are asked for at resolvers alone, so some are needed where none are named.
    system = system_resolvers() if SYSTEM in texts or (outside and not texts) else SystemResolvers((), ())
    named = {text: parse_server(text, ServerRole.RESOLVER) for text in texts if text != SYSTEM}
    alternatives = tuple(server for server in system.servers if server not in named.values())
    resolvers: list[Server] = []
    for text in texts:
        resolvers += system.servers if text == SYSTEM else [named[text]]
    servers = tuple(dict.fromkeys([*authorities, *resolvers]))
    return _Asked(servers, tuple(dict.fromkeys(resolvers)) or system.servers, alternatives, system.warnings)
