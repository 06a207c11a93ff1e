"""One record is withheld, wrong, old on one of four servers, or late: the gate waits or fails, and names it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from mldns.exceptions import InvalidInput
from mldns.sensors.resolution import ResolutionTimedOut
from tests.cloud_fixture import Cloud
from tests.mldns.gate_fixture import NAMES, Zone, gate
from tests.mldns.scripted_dns import ScriptedDns

WORKER = "worker-1.job.ml.test."
OTHERS = {name: data for name, data in NAMES.items() if name != WORKER}
RIGHT, WRONG = {WORKER: NAMES[WORKER]}, {WORKER: ["10.9.9.9"]}
LAG = 2.0  # seconds, of the fourth name server
REVERSE = {"1.0.0.10.in-addr.arpa.": ["worker-0.job.ml.test."], "2.0.0.10.in-addr.arpa.": [WORKER]}


@pytest.fixture
def four(start_cloud: Callable[..., Cloud], connect: Callable[..., None]) -> Cloud:
    """Four name servers, the last of which lags behind the others."""
    servers = ["--dns", "127.0.0.1:0"] * 3 + ["--dns", f"127.0.0.1:0+{LAG * 1000:.0f}"]
    cloud = start_cloud("--serve-ms", "0", "--done-ms", "0", *servers)
    connect(cloud)
    return cloud


def not_proven(**arguments: Any) -> tuple[str, ...]:
    with pytest.raises(ResolutionTimedOut) as caught:
        gate(**arguments).execute({})
    return caught.value.failures


class TestWorker:
    def test_withheld(self, public: Zone, cloud: Cloud) -> None:
        public.add(OTHERS)
        assert not_proven(timeout=0) == (
            f"{WORKER} A at {cloud.dns[0]}: expected 10.0.0.2, got NXDOMAIN (missing: the server does not have it)",
        )

    def test_wrong(self, public: Zone, cloud: Cloud) -> None:
        public.add({**OTHERS, **WRONG})
        (failure,) = not_proven(timeout=0)
        assert failure.startswith(f"{WORKER} A at {cloud.dns[0]}: expected 10.0.0.2, got 10.9.9.9 (wrong: ")

    @pytest.mark.slow
    def test_old_on_one_of_four_servers_fails_as_set(self, four: Cloud) -> None:
        zone = Zone(four, "public")
        zone.add({**OTHERS, **WRONG}, ttl=1)
        time.sleep(LAG)
        zone.remove(WRONG, ttl=1)
        zone.add(RIGHT, ttl=1)
        (failure,) = not_proven(timeout=0)
        assert failure == (
            f"{WORKER} A at {four.dns[3]}: expected 10.0.0.2, got 10.9.9.9 "
            "(stale: lacks 10.0.0.2, has 10.9.9.9 too much; 3 of 5 servers right)"
        )
        assert gate(timeout=20).execute({})["ok"], "and opens when the fourth has it, too"

    @pytest.mark.slow
    def test_five_seconds_late(self, public: Zone, log: Callable[[], list[str]]) -> None:
        public.add(OTHERS)
        began = time.monotonic()
        timer = threading.Timer(5, lambda: public.add(RIGHT))
        timer.start()
        result = gate(timeout=30, poke_interval=0.5).execute({})
        assert 5 <= time.monotonic() - began < 12
        assert result["ok"]
        waiting = [line for line in log() if f"first {WORKER} A" in line]
        assert waiting, "the log says on whom it waits"
        timer.join()

    def test_five_seconds_late_is_too_late_as_set(self, public: Zone) -> None:
        public.add(OTHERS)
        (failure,) = not_proven(timeout=1)
        assert WORKER in failure


class TestDeadNameServer:
    @pytest.mark.slow
    def test_one_of_four_is_waited_for(self, four: Cloud) -> None:
        Zone(four, "public").add(NAMES)
        with ScriptedDns(lambda query: []) as dead:
            failures = not_proven(timeout=0, name_servers=[*four.dns[:3], dead.address])
        assert len(failures) == 5
        assert all(f"at {dead.address}: " in failure and "(timeout: " in failure for failure in failures)

    def test_one_of_four_is_a_warning_where_tolerated(self, four: Cloud) -> None:
        Zone(four, "public").add(NAMES)
        with ScriptedDns(lambda query: []) as dead:
            result = gate(name_servers=[*four.dns[:3], dead.address], tolerate="dead-server").execute({})
        assert (result["ok"], result["exit"]) == (True, 10)
        assert result["warnings"] == [f"name server {dead.address} does not answer"]
        assert result["answers"] == 20, "three name servers and the resolver"

    def test_long_ttl_is_a_warning_where_tolerated(self, public: Zone) -> None:
        public.add(NAMES, ttl=300)
        result = gate(timeout=0, tolerate=["long-ttl"]).execute({})
        assert (result["exit"], len(result["warnings"])) == (10, 1)


class TestReverseZone:
    def test_address_and_name_agree(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        reverse = Zone(cloud, "public", name="reverse", dns_name="10.in-addr.arpa.")
        reverse.add({**REVERSE, "3.0.0.10.in-addr.arpa.": ["worker-2.job.ml.test."]}, kind="PTR")
        assert gate(reverse_zone="reverse").execute({})["names"] == 8

    def test_an_address_that_says_another_name(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        reverse = Zone(cloud, "public", name="reverse", dns_name="10.in-addr.arpa.")
        reverse.add({**REVERSE, "3.0.0.10.in-addr.arpa.": ["old.ml.test."]}, kind="PTR")
        (failure,) = not_proven(timeout=0, reverse_zone="reverse")
        assert failure.startswith(
            f"3.0.0.10.in-addr.arpa. PTR at {cloud.dns[0]}: expected worker-2.job.ml.test., got old.ml.test. (wrong"
        )

    def test_private_ones_are_asked_of_the_resolver(self, private: Zone, cloud: Cloud) -> None:
        private.add(NAMES)
        reverse = Zone(cloud, "private", name="reverse", dns_name="10.in-addr.arpa.")
        reverse.add({**REVERSE, "3.0.0.10.in-addr.arpa.": ["worker-2.job.ml.test."]}, kind="PTR")
        result = gate(reverse_zone="reverse", deferrable=True).execute({})
        assert (result["names"], result["servers"]) == (8, cloud.resolvers)


class TestRequiredNames:
    def test_through_the_workers_resolver(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        data = Zone(cloud, "public", name="data", dns_name="data.test.")
        data.add({"bucket.data.test.": ["192.0.2.1"]}, ttl=3600)
        data.add({"alias.data.test.": ["bucket.data.test."]}, kind="CNAME")
        data.add({"six.data.test.": ["2001:db8::1"]}, kind="AAAA")
        names = ["bucket.data.test", "alias.data.test", "six.data.test", "six.data.test AAAA"]
        assert gate(required_names=names).execute({})["names"] == 8

    def test_what_nobody_resolves_is_named(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        Zone(cloud, "public", name="data", dns_name="data.test.")
        (failure,) = not_proven(timeout=0, required_names=["gone.data.test"])
        assert failure.startswith(f"gone.data.test. A at {cloud.resolver}: expected an address, got NXDOMAIN (missing")

    def test_needs_a_resolver(self, public: Zone, cloud: Cloud, connect: Callable[..., None]) -> None:
        connect(cloud, resolver_addresses=[])
        with pytest.raises(InvalidInput, match="name the workers' with resolvers"):
            gate(required_names=["bucket.data.test"]).execute({})


class TestSrvTargets:
    def test_a_target_without_an_address_keeps_the_gate_shut(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        public.add({"_x._tcp.ml.test.": ["0 0 443 hub.ml.test."]}, kind="SRV")
        record = {"name": "_x._tcp.ml.test.", "type": "SRV", "ttl": 30, "rrdatas": ["0 0 443 hub.ml.test."]}
        (failure,) = not_proven(timeout=0, records=[record])
        assert failure.startswith(f"hub.ml.test. A at {cloud.dns[0]}: expected an address, got NXDOMAIN")
        public.add({"hub.ml.test.": ["10.0.0.99"]})
        # The resolver has cached that there is none, so another one is asked: the name server itself.
        assert gate(records=[record], resolvers=cloud.dns).execute({})["ok"]


class TestRendezvousPort:
    """Workers on loopback addresses, so that their ports can be real."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {"workers": ["127.0.0.2", "127.0.0.3"], "allow_addresses": ["127.0.0.0/8"]}

    def write(self, zone: Zone, port: int) -> None:
        zone.add({"worker-0.job.ml.test.": ["127.0.0.2"], WORKER: ["127.0.0.3"], "master.job.ml.test.": ["127.0.0.2"]})
        zone.add({"workers.job.ml.test.": ["127.0.0.2", "127.0.0.3"]})
        zone.add({"_rdzv._tcp.job.ml.test.": [f"0 0 {port} worker-0.job.ml.test."]}, kind="SRV")

    def test_accepts(self, public: Zone) -> None:
        async def listening() -> dict[str, Any]:
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.2", 0)
            port = server.sockets[0].getsockname()[1]
            self.write(public, port)
            sensor = gate(**self.ARGUMENTS, port=port, connect="master")
            async with server:
                return dict(await asyncio.to_thread(sensor.execute, {}))

        assert asyncio.run(listening())["ports"] == {"wanted": 1, "open": 1, "failures": []}

    def test_refuses(self, public: Zone) -> None:
        self.write(public, 9)
        with pytest.raises(ResolutionTimedOut, match=r"5 of 5 names on 2 servers, 0 of 2 ports") as caught:
            gate(**self.ARGUMENTS, port=9, connect="workers", timeout=0).execute({})
        assert caught.value.failures == ("worker-0: refused by 127.0.0.2:9", "worker-1: refused by 127.0.0.3:9")
