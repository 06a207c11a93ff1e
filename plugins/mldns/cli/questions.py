"""What the options of a command ask, and of which servers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mldns.cli import inputs
from mldns.cli.options import RESOLV_CONF, SYSTEM
from mldns.cli.verification import Task
from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Expectation, Inquiry, any_address, expectations, parse_required, parse_tolerances
from mldns.gate.servers import Role, Server, parse_server
from mldns.handoff.reader import HandOff
from mldns.inventory.job_records import job_records
from mldns.inventory.workers import Worker, parse_port
from mldns.records.addresses import parse_address
from mldns.records.names import absolute

_MAX_SYSTEM_RESOLVERS = 3  # the C library asks no more (MAXNS)
_ANY_ADDRESS = ("0.0.0.0/0", "::/0")  # who names an address here knows why


def of_options(options: argparse.Namespace) -> Task:
    """The task that the options of `check` describe.

    :raises InvalidInput: one of them cannot be read, or there is nothing to check.
    """
    named = [*_names(options.names), *_expected(options.expect)]
    handoff = None
    if options.handoff is not None or not named:
        handoff = inputs.handoff_of(options)
        exact = {item.name for item in named if item.rrdatas is not None}
        named += [item for item in _of_job(options, handoff) if item.name not in exact]
    elif options.rank is not None or options.workers is not None:
        raise InvalidInput("--rank and --workers are of a job: give its --handoff, too")
    port = _port(options.connect, handoff)
    if port is not None and port[0] not in {item.name for item in named}:
        named.append(any_address(port[0]))
    required = tuple(parse_required(text) for text in options.require)
    servers = _servers(options, handoff)
    resolvers = tuple(server for server in servers if server.role is Role.RESOLVER) or system_resolvers()
    return Task(
        tuple(named),
        servers,
        also=(Inquiry(required, resolvers),) if required else (),
        handoff=handoff,
        port=port,
        passes=options.passes,
        tolerate=parse_tolerances(options.tolerate),
    )


def of_handoff(options: argparse.Namespace, handoff: HandOff) -> Task:
    """The task to look up all hosts of a job, at the servers that the options name."""
    return Task(tuple(_addresses(handoff, names_of(handoff))), _servers(options, handoff), handoff=handoff)


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


def _expected(arguments: Iterable[str]) -> Iterator[Expectation]:
    for argument in arguments:
        name, equals, texts = argument.partition("=")
        if not (equals and texts.strip()):
            raise InvalidInput(
                f"--expect {argument!r}: expected NAME=ADDRESS, such as worker-0.bert.ml.example.com=10.0.0.7"
            )
        name = absolute(name.strip())
        parsed = [parse_address(text, allow_addresses=_ANY_ADDRESS, where=name) for text in texts.split(",")]
        for kind in ("A", "AAAA"):
            if rrdatas := tuple(dict.fromkeys(text for text in parsed if (":" in text) == (kind == "AAAA"))):
                yield Expectation(name, kind, rrdatas, None)


def _port(argument: str | None, handoff: HandOff | None) -> tuple[str, int] | None:
    if argument is None:
        return None
    if argument == "":
        if handoff is None:
            raise InvalidInput("--connect needs NAME:PORT, or a hand-off that has the rendezvous port")
        return f"{handoff.master}.", handoff.port
    name, colon, port = argument.rpartition(":")
    if not colon:
        raise InvalidInput(f"--connect {argument!r}: expected NAME:PORT, such as worker-0.bert.ml.example.com:29500")
    return absolute(name), parse_port(port)


def _servers(options: argparse.Namespace, handoff: HandOff | None) -> tuple[Server, ...]:
    """The name servers that are named, then the resolvers: those named, else the hand-off's, else the system's."""
    authorities = [parse_server(text, Role.AUTHORITATIVE) for text in options.server]
    texts = options.resolver or (handoff.resolvers if handoff else ()) or ([] if authorities else [SYSTEM])
    resolvers: list[Server] = []
    for text in texts:
        resolvers += system_resolvers() if text == SYSTEM else [parse_server(text, Role.RESOLVER)]
    return tuple(dict.fromkeys([*authorities, *resolvers]))


def system_resolvers() -> tuple[Server, ...]:
    """The resolvers of this machine or pod."""
    try:
        text = Path(RESOLV_CONF).read_text(errors="replace")
    except OSError as error:
        raise InvalidInput(f"{RESOLV_CONF}: {error.strerror}; name a resolver with --resolver") from None
    fields = [line.split() for line in text.splitlines()]
    hosts = [field[1] for field in fields if len(field) > 1 and field[0] == "nameserver"]
    if not hosts:
        raise InvalidInput(f"{RESOLV_CONF} names no server: name a resolver with --resolver")
    return tuple(parse_server(host, Role.RESOLVER) for host in hosts[:_MAX_SYSTEM_RESOLVERS])
