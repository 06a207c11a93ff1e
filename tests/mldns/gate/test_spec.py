"""The proof as one value: what follows from it, and how small it is when packed."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Tolerance
from mldns.gate.servers import Server, ServerRole
from mldns.gate.spec import GateSpec
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import Worker
from mldns.records.rrset import RRset
from tests.mldns.surveys import AUTH, NS1, NS2, RES, RESOLVER

ZONE = "ml.test."


def hosts(*addresses: str, role: str = "worker") -> tuple[Worker, ...]:
    return tuple(Worker(rank, address, role=role) for rank, address in enumerate(addresses))


def proof(**given: Any) -> GateSpec:
    wanted: dict[str, Any] = {"workers": hosts("10.0.0.7")}
    wanted |= {key: given.pop(key) for key in ("workers", "records", "port", "reverse_dns_name") if key in given}
    return GateSpec(**{"desired": DesiredRecords("job", ZONE, 30, **wanted), "servers": (NS1,), **given})


def asked(proof: GateSpec, role: ServerRole) -> set[tuple[str, str, str]]:
    due = proof.survey(0).due(role, 0)
    return {(server.host, e.name, e.type) for server, expectations in due.items() for e in expectations}


class TestWhatIsAsked:
    def test_job_records(self) -> None:
        assert asked(proof(port=29500), AUTH) == {
            ("ns1", "worker-0.job.ml.test.", "A"),
            ("ns1", "master.job.ml.test.", "A"),
            ("ns1", "workers.job.ml.test.", "A"),
            ("ns1", "_rdzv._tcp.job.ml.test.", "SRV"),
        }

    def test_reverse_zone_at_its_own_servers(self) -> None:
        found = asked(proof(reverse_dns_name="10.in-addr.arpa.", reverse_servers=(NS2,)), AUTH)
        assert {row for row in found if row[0] == "ns2"} == {("ns2", "7.0.0.10.in-addr.arpa.", "PTR")}
        assert ("ns1", "7.0.0.10.in-addr.arpa.", "PTR") not in found

    def test_required_names_of_the_resolvers_alone(self) -> None:
        value = proof(servers=(NS1, RES), required=("storage.test", "_x._tcp.test SRV"))
        assert {name for _, name, _ in asked(value, AUTH)}.isdisjoint({"storage.test.", "_x._tcp.test."})
        assert asked(value, RESOLVER) == {("10.0.0.2", "storage.test.", "A"), ("10.0.0.2", "_x._tcp.test.", "SRV")}

    def test_srv_targets_that_nobody_asks_for_otherwise(self) -> None:
        def srv(name: str, target: str) -> RRset:
            return RRset(f"{name}.ml.test.", "SRV", 30, (f"0 0 443 {target}",))

        value = proof(
            servers=(NS1, RES),
            records=(
                srv("_a._tcp", "worker-0.job.ml.test."),
                srv("_b._tcp", "hub.ml.test."),
                srv("_c._tcp", "x.test."),
            ),
        )
        at_authority = {(name, kind) for _, name, kind in asked(value, AUTH)}
        assert ("hub.ml.test.", "A") in at_authority
        assert ("x.test.", "A") not in at_authority
        assert asked(value, RESOLVER) == {("10.0.0.2", "x.test.", "A")}

    @pytest.mark.parametrize(
        ("connect", "ports"), [("", []), ("master", ["10.0.0.7:29500"]), ("workers", ["10.0.0.7:29500", "[::1]:29500"])]
    )
    def test_ports(self, connect: str, ports: list[str]) -> None:
        value = proof(workers=hosts("10.0.0.7", "::1"), port=29500, connect=connect)
        assert list(map(str, value.endpoints())) == ports

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"required": ("storage.test",)}, "'storage.test' needs a resolver"),
            ({"connect": "everybody"}, "'everybody' is not one of master, workers"),
            ({"connect": "master"}, "give port"),
            ({"connect": "master", "port": 1, "workers": (), "records": (RRset("a.ml.test.", "A", 1, ("10.0.0.1",)),)},
             "needs workers"),
        ],
    )  # fmt: skip
    def test_what_does_not_go_together(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            proof(**given)


class TestPacked:
    FULL = GateSpec(
        desired=DesiredRecords(
            owner="job",
            dns_name=ZONE,
            ttl=30,
            workers=hosts("10.0.0.7", "10.0.0.8", role="chief") + hosts("10.0.0.9"),
            records=(RRset("a.ml.test.", "TXT", 300, ('"ü"', '"b"')),),
            port=29500,
            reverse_dns_name="10.in-addr.arpa.",
        ),
        servers=(NS1, Server("2001:db8::53", 5353, AUTH), RES),
        reverse_servers=(NS2,),
        required=("storage.test",),
        max_ttl=60,
        passes=3,
        tolerate=(Tolerance.DEAD_SERVER, Tolerance.LONG_TTL),
        connect="master",
    )

    def test_everything_comes_back(self) -> None:
        assert GateSpec.unpack(json.loads(json.dumps(self.FULL.pack()))) == self.FULL

    @pytest.mark.parametrize(
        ("width", "most"),
        [(None, 2_000), (16, 28_000), (24, 40_000)],
    )
    def test_ten_thousand_names_are_small(self, width: int | None, most: int) -> None:
        """Neighbours, and hosts scattered over 10.7.0.0/16 and 10.0.0.0/8: what a trigger's arguments hold."""
        numbers = range(10_000) if width is None else random.Random(1).sample(range(1 << width), 10_000)
        value = proof(workers=hosts(*(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in numbers)))
        assert len(json.dumps(value.pack())) < most

    def test_another_version_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="version 2 cannot be read"):
            GateSpec.unpack({**self.FULL.pack(), "version": 2})
