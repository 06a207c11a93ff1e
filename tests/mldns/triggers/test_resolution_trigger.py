"""The gate in the triggerer: from the task that defers, over the database's JSON, to the task that goes on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralTimeout, TaskDeferred
from airflow.triggers.base import TriggerEvent

from mldns.gate.report import FAILURES_SHOWN
from mldns.gate.servers import servers_to_ask
from mldns.gate.spec import GateSpec
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import Worker
from mldns.sensors.resolution import DNSResolutionSensor, ResolutionTimedOut
from mldns.triggers.resolution import TRIGGER_BYTES, DNSResolutionTrigger
from tests.cloud_fixture import Cloud
from tests.mldns.canary import Canary
from tests.mldns.gate_fixture import NAMES, Zone, gate
from tests.mldns.scripted_dns import ScriptedDns, response
from tests.mldns.surveys import NS1

LATE = {"worker-2.job.ml.test.": NAMES["worker-2.job.ml.test."]}
REST = {name: data for name, data in NAMES.items() if name not in LATE}
TRIGGER = "mldns.triggers.resolution.DNSResolutionTrigger"


def deferred(sensor: DNSResolutionSensor) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute({})
    return caught.value


def stored(deferral: TaskDeferred) -> DNSResolutionTrigger:
    """The trigger as a triggerer makes it: from what the database keeps of it."""
    path, arguments = deferral.trigger.serialize()
    module, _, name = path.rpartition(".")
    made = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert isinstance(made, DNSResolutionTrigger)
    return made


async def first_event(trigger: DNSResolutionTrigger) -> dict[str, Any]:
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    assert isinstance(events[0], TriggerEvent)
    payload: dict[str, Any] = json.loads(json.dumps(events[0].payload))
    return payload


def end_of(sensor: DNSResolutionSensor, deferral: TaskDeferred) -> Any:
    """What the task ends with: the triggerer's event, handed to the task as Airflow does."""
    event = asyncio.run(first_event(stored(deferral)))
    return sensor.resume_execution(deferral.method_name, {"event": event}, {})


def sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for entry in os.scandir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of scandir itself
            found += os.readlink(entry.path).startswith("socket:")
    return found


class TestWaits:
    def test_a_gate_that_is_open_already_is_not_deferred(self, public: Zone) -> None:
        public.add(NAMES)
        assert gate(deferrable=True).execute({})["ok"]

    def test_until_the_last_name_is_there(self, public: Zone) -> None:
        public.add(REST)
        sensor = gate(deferrable=True)
        deferral = deferred(sensor)
        assert timedelta(seconds=60) < deferral.timeout < timedelta(seconds=120), "only where no triggerer runs"
        threading.Timer(0.5, lambda: public.add(LATE)).start()
        result = end_of(sensor, deferral)
        assert (result["ok"], result["exit"], result["names_right"], result["failures"]) == (True, 0, 5, [])
        assert 0.4 < result["seconds"] < 10, "counted from the first question in the worker on"

    def test_what_passed_in_the_worker_is_not_asked_again(self, public: Zone, cloud: Cloud) -> None:
        with ScriptedDns(lambda query: response(query, *NAMES[query.question[0].name.to_text()])) as complete:
            public.add(REST)
            sensor = gate(deferrable=True, name_servers=[complete.address, *cloud.dns])
            deferral = deferred(sensor)
            public.add(LATE)
            assert end_of(sensor, deferral)["answers"] == 16, "5 names of 3 servers, the late one of one of them twice"
            assert len(complete.queries) == 5

    def test_negative_cache_is_waited_out(self, private: Zone, cloud: Cloud, connect: Callable[..., None]) -> None:
        asked: list[float] = []

        def resolver(query: Any) -> Any:
            name = query.question[0].name.to_text()
            if name not in LATE:
                return response(query, *NAMES[name])
            asked.append(time.monotonic())
            soa = "ml.test. 2 IN SOA ns.test. h.test. 1 21600 3600 259200 300"
            return response(query, rcode="NXDOMAIN", authority=soa) if len(asked) == 1 else response(query, *LATE[name])

        with ScriptedDns(resolver) as server:
            connect(cloud, resolver_addresses=[server.address])
            sensor = gate(deferrable=True)
            assert end_of(sensor, deferred(sensor))["ok"]
        assert len(asked) == 2
        assert 2 <= asked[1] - asked[0] < 6

    def test_progress_stands_in_the_log(
        self, public: Zone, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
    ) -> None:
        monkeypatch.setattr("mldns.gate.exchange.PROGRESS_SECONDS", 0.2)
        public.add(REST)
        with ScriptedDns(lambda query: []) as silent:
            deferral = deferred(gate(deferrable=True))
            trigger = stored(deferral)
            trigger.spec["servers"] = [f"authoritative {silent.address}", f"resolver {silent.address}"]
            trigger.deadline = time.time() + 0.1
            asyncio.run(first_event(trigger))
        lines = [line for line in log() if "[mldns.triggers.resolution.DNSResolutionTrigger]" in line]
        assert f"4 of 5 names, slowest {silent.address} " in lines[0]
        assert "4 of 5 names on 2 servers (1 timeout); slowest" in lines[-1]


class TestRestart:
    def test_a_triggerer_that_starts_anew_goes_on_until_the_same_deadline(self, public: Zone) -> None:
        public.add(REST)
        sensor = gate(deferrable=True, timeout=2)
        deferral = deferred(sensor)

        async def killed() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(first_event(stored(deferral)), 1)

        asyncio.run(killed())
        began = time.monotonic()
        with pytest.raises(ResolutionTimedOut):
            end_of(sensor, deferral)
        assert time.monotonic() - began < 1.5, "the first triggerer's second counts"

    def test_running_twice_does_no_harm(self, public: Zone) -> None:
        public.add(REST)
        sensor = gate(deferrable=True)
        deferral = deferred(sensor)
        public.add(LATE)
        first, second = (end_of(sensor, deferral) for _ in range(2))
        assert first | {"seconds": 0} == second | {"seconds": 0}

    def test_a_trigger_that_is_cancelled_leaves_no_socket(self) -> None:
        """As on a user's kill, a clear, or the triggerer's own end."""

        async def cancel(silent: ScriptedDns) -> None:
            desired = DesiredRecords("job", "ml.test.", 30, (Worker(0, "10.0.0.1"),))
            proof = GateSpec(desired, servers=(silent.server(),))
            now, state = time.time(), proof.survey(0).checkpoint(0)
            trigger = DNSResolutionTrigger(
                spec=proof.pack(), state=state, since=now, deadline=now + 60, poke_interval=1
            )
            gc.collect()  # what earlier tests left
            before = sockets()
            running = asyncio.create_task(first_event(trigger))
            while not silent.queries:  # noqa: ASYNC110 - another thread's
                await asyncio.sleep(0.05)
            assert sockets() == before + 1
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await trigger.on_kill()
            await trigger.cleanup()
            await asyncio.sleep(0)
            assert sockets() == before

        with ScriptedDns(lambda query: []) as silent:
            asyncio.run(cancel(silent))


class TestStaysShut:
    def test_same_words_as_without_a_triggerer(self, public: Zone, log: Callable[[], list[str]]) -> None:
        public.add({**NAMES, "worker-1.job.ml.test.": ["10.9.9.9"]})
        with pytest.raises(ResolutionTimedOut) as in_worker:
            gate(timeout=0.3).execute({})
        sensor = gate(timeout=0.5, deferrable=True)
        with pytest.raises(ResolutionTimedOut) as in_triggerer:
            end_of(sensor, deferred(sensor))
        assert str(in_triggerer.value) == str(in_worker.value)
        assert in_triggerer.value.failures == in_worker.value.failures
        assert any("[error" in line and "worker-1.job.ml.test. A" in line for line in log())

    def test_soft_fail_skips_with_the_same_words(self, public: Zone) -> None:
        sensor = gate(timeout=0.3, deferrable=True, soft_fail=True)
        with pytest.raises(AirflowSkipException, match=r"worker-0\.job\.ml\.test\. A at .*: expected 10\.0\.0\.1"):
            end_of(sensor, deferred(sensor))

    def test_without_time_it_is_not_deferred(self, public: Zone) -> None:
        with pytest.raises(ResolutionTimedOut):
            gate(timeout=0, deferrable=True).execute({})

    def test_no_triggerer(self, public: Zone) -> None:
        """Airflow ends the deferral some time after the deadline."""
        sensor = gate(deferrable=True)

        def overdue(context: object, event: object) -> None:
            raise TaskDeferralTimeout("Trigger timeout")

        sensor.execute_complete = overdue  # type: ignore[method-assign, assignment]
        with pytest.raises(ResolutionTimedOut, match="is one running"):
            sensor.resume_execution("execute_complete", {"event": {}}, {})

    def test_event_is_small_at_many_failures(self, public: Zone) -> None:
        sensor = gate(timeout=8, deferrable=True, workers=[f"10.0.{rank >> 8}.{rank & 255}" for rank in range(2000)])
        event = asyncio.run(first_event(stored(deferred(sensor))))
        assert len(json.dumps(event)) < 16_000

    def test_event_is_small_at_many_shut_ports(self, public: Zone, log: Callable[[], list[str]]) -> None:
        """Every name is right and no port is open: counts tell how many, lines the first of them."""
        hosts = [f"127.1.{rank >> 8}.{rank & 255}" for rank in range(900)]
        sensor = gate(
            timeout=4,
            deferrable=True,
            workers=hosts,
            allow_addresses=["127.0.0.0/8"],
            records=[{"name": "late.ml.test.", "type": "A", "ttl": 30, "rrdatas": ["127.0.0.1"]}],
            port=9,
            connect="workers",
        )
        deferral = deferred(sensor)
        names = {f"worker-{rank}.job.ml.test.": [host] for rank, host in enumerate(hosts)}
        public.add({**names, "master.job.ml.test.": hosts[:1]})
        public.add({"_rdzv._tcp.job.ml.test.": ["0 0 9 worker-0.job.ml.test."]}, kind="SRV")
        public.add({"late.ml.test.": ["127.0.0.1"]})
        event = asyncio.run(first_event(stored(deferral)))
        assert "0 of 900 ports" in event["counts"]
        assert len(event["lines"]) == FAILURES_SHOWN
        assert len(json.dumps(event)) < 16_000
        log()
        with pytest.raises(ResolutionTimedOut):
            sensor.resume_execution(deferral.method_name, {"event": event}, {})
        assert sum("refused by" in line and "[error" in line for line in log()) == FAILURES_SHOWN


class TestArguments:
    def test_round_trip(self, public: Zone) -> None:
        trigger = deferred(gate(deferrable=True, reverse_zone=None)).trigger
        path, arguments = trigger.serialize()
        assert path == TRIGGER
        assert stored(deferred(gate(deferrable=True))).serialize()[1].keys() == arguments.keys()
        assert DNSResolutionTrigger(**arguments).serialize() == (path, arguments)

    def test_hold_no_credentials(self, public: Zone) -> None:
        sensor = gate(deferrable=True, impersonation_chain="trainer@demo-project.iam.gserviceaccount.com")
        text = json.dumps(deferred(sensor).trigger.serialize())
        assert "trainer@" not in text
        assert "google" not in text

    def test_are_not_spelled_out_in_logs(self, public: Zone) -> None:
        assert repr(deferred(gate(deferrable=True)).trigger) == "<DNSResolutionTrigger of job 'job' in 'ml.test.'>"

    def test_what_the_database_would_cut_off_waits_in_the_worker(
        self, public: Zone, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
    ) -> None:
        monkeypatch.setattr("mldns.triggers.resolution.TRIGGER_BYTES", 100)
        public.add(REST)
        threading.Timer(0.5, lambda: public.add(LATE)).start()
        assert gate(deferrable=True).execute({})["ok"]
        assert sum("Waiting in this worker slot: the arguments of its trigger take" in line for line in log()) == 1

    def test_ten_thousand_scattered_addresses_fit(self) -> None:
        workers = tuple(Worker(n, f"10.{n * 7919 % 251}.{n * 104729 % 253}.{n % 254}") for n in range(10_000))
        proof = GateSpec(DesiredRecords("job", "ml.test.", 30, workers), servers=(NS1,))
        state = proof.survey(0).checkpoint(0)
        trigger = DNSResolutionTrigger(spec=proof.pack(), state=state, since=0, deadline=0, poke_interval=2)
        assert len(json.dumps(trigger.serialize()[1])) < TRIGGER_BYTES

    def test_the_triggerer_loads_nothing_of_google(self) -> None:
        program = "import sys, mldns.triggers.resolution, mldns.gate.exchange; print(*sys.modules)"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
        )
        assert [
            name for name in run.stdout.split() if name.startswith(("google.auth", "google.cloud.", "requests"))
        ] == []


def event_under_watch(trigger: DNSResolutionTrigger) -> dict[str, Any]:
    """The trigger's event, of a loop that was never held."""
    canary = Canary()

    async def run() -> dict[str, Any]:
        async with canary.watching():
            return await first_event(trigger)

    event = asyncio.run(run())
    canary.assert_never_held()
    return event


def fill(zone: Zone, records: Mapping[str, Sequence[str]], kind: str = "A") -> None:
    rest = iter(records.items())
    while part := dict(itertools.islice(rest, 1000)):
        zone.add(part, kind=kind)


def begun(proof: GateSpec, *, seconds: float) -> DNSResolutionTrigger:
    now = time.time()
    return DNSResolutionTrigger(
        spec=proof.pack(), state=proof.survey(0).checkpoint(0), since=now, deadline=now + seconds, poke_interval=1
    )


@pytest.mark.slow
def test_event_loop_of_the_triggerer_is_never_held(start_cloud: Callable[..., Cloud]) -> None:
    """10,000 names at four name servers and a resolver, every other one missing: asking, judging and reporting."""
    cloud = start_cloud("--serve-ms", "0", *(["--dns", "127.0.0.1:0"] * 4))
    servers = servers_to_ask(visibility="public", name_servers=cloud.dns, resolvers=cloud.resolvers)
    workers = tuple(Worker(n, f"10.0.{n >> 8}.{n & 255}") for n in range(10_000))
    proof = GateSpec(DesiredRecords("job", "ml.test.", 30, workers), servers=servers)
    fill(Zone(cloud, "public"), {rrset.name: rrset.rrdatas for rrset in proof.desired.rrsets[::2]})
    event = event_under_watch(begun(proof, seconds=30))  # a busy machine's time for one round
    assert event["result"]["verdicts"] == {"missing": 4 * len(workers) // 2}


@pytest.mark.parametrize("count", [500, pytest.param(4_000, marks=pytest.mark.exhaustive)])
def test_event_loop_is_never_held_by_ports_addresses_and_required_names(
    start_cloud: Callable[..., Cloud], count: int
) -> None:
    """All names right, PTR records and a name of somebody else, too; and no port says anything."""
    cloud = start_cloud("--serve-ms", "0")
    servers = servers_to_ask(visibility="public", name_servers=cloud.dns, resolvers=cloud.resolvers)
    workers = tuple(Worker(n, f"127.1.{n >> 8}.{n & 255}") for n in range(count))
    with silent_port() as port:
        desired = DesiredRecords("job", "ml.test.", 30, workers, port=port, reverse_dns_name="127.in-addr.arpa.")
        proof = GateSpec(
            desired,
            servers=servers,
            reverse_servers=servers,
            required=("data.other.test",),
            connect="workers",
        )
        zone = Zone(cloud, "public")
        fill(zone, {rrset.name: rrset.rrdatas for rrset in proof.desired.rrsets if rrset.type == "A"})
        fill(zone, {rrset.name: rrset.rrdatas for rrset in proof.desired.rrsets if rrset.type == "SRV"}, "SRV")
        reverse = Zone(cloud, "public", name="reverse", dns_name="127.in-addr.arpa.")
        fill(reverse, {rrset.name: rrset.rrdatas for rrset in desired.pointers}, "PTR")
        Zone(cloud, "public", name="other", dns_name="other.test.").add({"data.other.test.": ["192.0.2.1"]})
        event = event_under_watch(begun(proof, seconds=0.1))
    assert event["result"]["names_right"] == event["result"]["names"] > count
    assert (event["result"]["ports"]["wanted"], event["result"]["ports"]["open"]) == (count, 0)


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port of every address of loopback whose queue is full: further attempts are dropped, as a firewall would."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("0.0.0.0", 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.getsockname()[1]))
        time.sleep(0.05)
        yield int(server.getsockname()[1])
