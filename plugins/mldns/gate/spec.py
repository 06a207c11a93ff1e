"""What a gate has to prove, as one value: small enough, once packed, for the arguments of a trigger. Pure.

Ten thousand names follow from one list of addresses, so that is what is packed: rank i is entry i.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.gate.expectations import (
    Expectation,
    Inquiry,
    Tolerance,
    any_address,
    expectations,
    parse_tolerances,
)
from mldns.gate.required import parse_required
from mldns.gate.servers import Endpoint, Server, ServerRole, parse_server
from mldns.gate.survey import Survey
from mldns.inventory.compact import pack_addresses, pack_bytes, unpack_addresses, unpack_bytes
from mldns.inventory.job_records import DesiredRecords, master_of
from mldns.records.names import in_zone
from mldns.records.rrset import RRset, from_api, parse_ttl

CONNECT = ("master", "workers")
"""Whose rendezvous port may be tried: that of rank 0, or every host's."""

_VERSION = 1
_MOST_BYTES = 16 << 20  # of one unpacked field


@dataclass(frozen=True, slots=True)
class GateSpec:
    """Names, what they must answer, and whom to ask.

    :param desired: of its workers only role, rank and address count here.
    :param servers: who must answer for the zone's names (`servers.servers_to_ask`).
    :param reverse_servers: who must answer for the workers' PTR records.
    :param required: names that others keep (`required.parse_required`); asked of the resolvers among `servers`.
    :param max_ttl: seconds; each record's own TTL when None.
    :param connect: whose rendezvous port must accept a connection, one of `CONNECT`; "" for nobody's.
    :raises InvalidInput: they do not go together.
    """

    desired: DesiredRecords
    servers: tuple[Server, ...]
    reverse_servers: tuple[Server, ...] = ()
    required: tuple[str, ...] = ()
    max_ttl: int | None = None
    passes: int = 1
    tolerate: tuple[Tolerance, ...] = ()
    connect: str = ""

    def __post_init__(self) -> None:
        if self.required and not self.resolvers:
            raise InvalidInput(
                f"required name {self.required[0]!r} needs a resolver to look it up: name the workers' with resolvers"
            )
        if self.connect and self.connect not in CONNECT:
            raise InvalidInput(f"connect {self.connect!r} is not one of {', '.join(CONNECT)}")
        if self.connect and (not self.desired.workers or self.desired.port is None):
            raise InvalidInput(f"connect {self.connect!r} needs workers and their rendezvous port: give port")

    @classmethod
    def parse(
        cls,
        desired: DesiredRecords,
        servers: tuple[Server, ...],
        *,
        reverse_servers: tuple[Server, ...] = (),
        required_names: Any = None,
        max_ttl: Any = None,
        passes: Any = 1,
        tolerate: Any = (),
        connect: Any = None,
    ) -> GateSpec:
        """Return the spec of arguments as templates and XCom give them (`mldns.arguments`).

        :param desired: what the zone must hold.
        :param servers: who must answer for the zone's names.
        :param reverse_servers: who must answer for the workers' PTR records.
        :param required_names: as `required.parse_required` takes them.
        :param max_ttl: seconds; None or "" for each record's own TTL.
        :param passes: how many in a row must succeed, 1 to 1000.
        :param tolerate: names of `Tolerance`.
        :param connect: one of `CONNECT`; None or "" for nobody's port.
        :raises InvalidInput: for the first thing that is wrong.
        """
        return cls(
            desired=desired,
            servers=servers,
            reverse_servers=reverse_servers,
            required=tuple(arguments.texts(required_names, "required_names")),
            max_ttl=parse_ttl(max_ttl, where="max_ttl") if arguments.text(max_ttl) else None,
            passes=arguments.whole(passes, "passes", least=1, most=1000),
            tolerate=parse_tolerances(arguments.texts(tolerate, "tolerate")),
            connect=arguments.text(connect),
        )

    @property
    def resolvers(self) -> tuple[Server, ...]:
        return tuple(server for server in self.servers if server.role is ServerRole.RESOLVER)

    def survey(self, now: float) -> Survey:
        """Return a survey that knows nothing yet."""
        desired = self.desired
        rrsets = desired.rrsets
        inside, outside = _srv_targets(rrsets, desired.dns_name)
        wanted = expectations(rrsets, max_ttl=self.max_ttl) + inside
        also: list[Inquiry] = []
        if desired.reverse_dns_name:
            also.append(Inquiry(expectations(desired.pointers, max_ttl=self.max_ttl), self.reverse_servers))
        required = [parse_required(text) for text in self.required]
        looked_up = [*(item for one in required for item in one.expectations), *(outside if self.resolvers else ())]
        if looked_up:
            also.append(Inquiry(tuple(looked_up), self.resolvers))
        return Survey(
            wanted,
            self.servers,
            now=now,
            passes=self.passes,
            also=also,
            tolerate=self.tolerate,
            endpoints=[*self.endpoints(), *(one.port for one in required if one.port is not None)],
        )

    def summary(self) -> str:
        """What is asked of whom, in one line for a log."""
        kinds = {ServerRole.AUTHORITATIVE: "name servers", ServerRole.RESOLVER: "resolvers of the workers"}
        parts = [f"{len(self.desired.rrsets):,} record(s)"]
        for role, what in kinds.items():
            asked = ", ".join(server.label for server in self.servers if server.role is role)
            parts.append(f"{what} {asked or 'none'}")
        if self.desired.reverse_dns_name:
            asked = ", ".join(server.label for server in self.reverse_servers)
            parts.append(f"addresses in {self.desired.reverse_dns_name} at {asked}")
        return "; ".join(parts)

    def endpoints(self) -> list[Endpoint]:
        """The workers' ports that must accept a connection."""
        workers, port = self.desired.workers, self.desired.port
        if not self.connect or port is None:
            return []
        hosts = [master_of(workers)] if self.connect == "master" else workers
        return [Endpoint(f"{host.role}-{host.rank}", host.address, port) for host in hosts]

    def pack(self) -> dict[str, Any]:
        """Return it as small plain JSON."""
        desired = self.desired
        return {
            "version": _VERSION,
            "job": desired.owner,
            "dns_name": desired.dns_name,
            "ttl": desired.ttl,
            "port": desired.port,
            "hosts": pack_addresses(desired.workers),
            "records": pack_bytes(json.dumps([rrset.to_api() for rrset in desired.records]).encode()),
            "servers": [_server_text(server) for server in self.servers],
            "reverse_dns_name": desired.reverse_dns_name,
            "reverse_servers": [_server_text(server) for server in self.reverse_servers],
            "required": list(self.required),
            "max_ttl": self.max_ttl,
            "passes": self.passes,
            "tolerate": [tolerance.value for tolerance in self.tolerate],
            "connect": self.connect,
        }

    @classmethod
    def unpack(cls, value: Mapping[str, Any]) -> GateSpec:
        """Return what was packed.

        :raises InvalidInput: another version of mldns packed it.
        """
        if value.get("version") != _VERSION:
            raise InvalidInput(
                f"a gate's spec of version {value.get('version')!r} cannot be read here, only {_VERSION}"
            )
        records = json.loads(unpack_bytes(value["records"], most=_MOST_BYTES))
        return cls(
            desired=DesiredRecords(
                owner=value["job"],
                dns_name=value["dns_name"],
                ttl=value["ttl"],
                workers=unpack_addresses(value["hosts"]),
                records=tuple(map(from_api, records)),
                port=value["port"],
                reverse_dns_name=value["reverse_dns_name"],
            ),
            servers=tuple(map(_read_server, value["servers"])),
            reverse_servers=tuple(map(_read_server, value["reverse_servers"])),
            required=tuple(value["required"]),
            max_ttl=value["max_ttl"],
            passes=value["passes"],
            tolerate=tuple(map(Tolerance, value["tolerate"])),
            connect=value["connect"],
        )


def _srv_targets(rrsets: Sequence[RRset], dns_name: str) -> tuple[tuple[Expectation, ...], tuple[Expectation, ...]]:
    """The targets of SRV records whose address is not asked for anyway: inside the zone, and outside."""
    known = {rrset.name for rrset in rrsets if rrset.type in ("A", "AAAA")}
    targets = dict.fromkeys(rrdata.split()[3] for rrset in rrsets if rrset.type == "SRV" for rrdata in rrset.rrdatas)
    names = [name for name in targets if name not in known and name != "."]
    inside = tuple(any_address(name) for name in names if in_zone(name, dns_name))
    return inside, tuple(any_address(name, outside=True) for name in names if not in_zone(name, dns_name))


def _server_text(server: Server) -> str:
    return f"{server.role.value} {server.label}"


def _read_server(text: str) -> Server:
    role, _, label = text.partition(" ")
    return parse_server(label, ServerRole(role))
