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
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from airflow.exceptions import AirflowSkipException, TaskDeferred
from airflow.triggers.base import TriggerEvent

from mldns.gate.exchange import report, run_round
from mldns.gate.report import FAILURES_SHOWN, Report
from mldns.gate.servers import ServerRole, servers_to_ask
from mldns.gate.spec import GateSpec
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import Worker
from mldns.sensors.resolution import DNSResolutionSensor, ResolutionTimedOut
from mldns.triggers.resolution import DNSResolutionTrigger
from tests.cloud_fixture import Cloud
from tests.mldns.canary import Canary
from tests.mldns.gate_fixture import NAMES, Zone, gate
from tests.mldns.scripted_dns import ScriptedDns, response
from tests.mldns.surveys import NS1, RES, denied

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


def begun(spec: GateSpec, *, seconds: float) -> DNSResolutionTrigger:
    return DNSResolutionTrigger.of_survey(spec, spec.survey(time.monotonic()), left=seconds, poke_interval=1)


class TestWaits:
    def test_a_gate_that_is_open_already_is_not_deferred(self, public: Zone) -> None:
        public.add(NAMES)
        assert gate(deferrable=True).execute({})["ok"]

    def test_it_goes_on_where_the_worker_stood(
        self, public: Zone, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
    ) -> None:
        """What passed in the worker is not asked again, and progress stands in the log."""
        monkeypatch.setattr("mldns.gate.exchange.PROGRESS_SECONDS", 0)
        with ScriptedDns(lambda query: response(query, *NAMES[query.question[0].name.to_text()])) as complete:
            public.add(REST)
            sensor = gate(deferrable=True, name_servers=[complete.address, *cloud.dns])
            deferral = deferred(sensor)
            assert timedelta(seconds=60) < deferral.timeout < timedelta(seconds=120), "only where no triggerer runs"
            public.add(LATE)
            log()
            result = end_of(sensor, deferral)
            assert (result["ok"], result["exit"], result["names_right"], result["failures"]) == (True, 0, 5, [])
            assert result["answers"] == 16, "5 names of 3 servers, the late one of one of them twice"
            assert len(complete.queries) == 5
        lines = [line for line in log() if "[mldns.triggers.resolution.DNSResolutionTrigger]" in line]
        assert "4 of 5 names" in lines[0]
        assert "5 of 5 names on 3 servers" in lines[-1]

    def test_it_asks_again_until_the_last_name_is_there(self) -> None:
        asked: list[str] = []

        def late(query: Any) -> Any:
            asked.append(query.question[0].name.to_text())
            missing = len(asked) <= 3  # all three of the first round
            return response(query, *([] if missing else ["10.0.0.1"]), rcode="NXDOMAIN" if missing else "NOERROR")

        with ScriptedDns(late) as server:
            spec = GateSpec(DesiredRecords("job", "ml.test.", 30, (Worker(0, "10.0.0.1"),)), (server.server(),))
            trigger = begun(spec, seconds=60)
            trigger.poke_interval = 0.01
            event = asyncio.run(first_event(trigger))
        assert (event["result"]["ok"], len(asked)) == (True, 6)

    def test_a_round_that_asks_nothing_says_nothing(self, log: Callable[[], list[str]]) -> None:
        """A denial is in a resolver's cache for longer than the gate waits."""
        spec = GateSpec(DesiredRecords("job", "ml.test.", 30, (Worker(0, "10.0.0.1"),)), (RES,))
        survey = spec.survey(time.monotonic())
        for expectation in survey.due(ServerRole.RESOLVER, time.monotonic())[RES]:
            survey.record(RES, expectation, denied(300), time.monotonic())
        event = asyncio.run(first_event(DNSResolutionTrigger.of_survey(spec, survey, left=0, poke_interval=1)))
        assert event["result"]["verdicts"] == {"missing": 3}
        assert log() == []


class TestRestart:
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
            spec = GateSpec(DesiredRecords("job", "ml.test.", 30, (Worker(0, "10.0.0.1"),)), (silent.server(),))
            trigger = begun(spec, seconds=60)
            gc.collect()  # what earlier tests left
            before = sockets()
            running = asyncio.create_task(first_event(trigger))
            while not silent.queries:  # noqa: ASYNC110 - another thread's
                await asyncio.sleep(0.01)
            assert sockets() == before + 1
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            if hasattr(trigger, "on_kill"):  # Airflow 3.3
                await trigger.on_kill()
            await trigger.cleanup()
            await asyncio.sleep(0)
            assert sockets() == before

        with ScriptedDns(lambda query: []) as silent:
            asyncio.run(cancel(silent))


class TestStaysShut:
    @pytest.mark.parametrize("soft_fail", [False, True])
    def test_same_words_as_without_a_triggerer(
        self, public: Zone, soft_fail: bool, log: Callable[[], list[str]]
    ) -> None:
        public.add({**NAMES, "worker-1.job.ml.test.": ["10.9.9.9"]})
        ends = AirflowSkipException if soft_fail else ResolutionTimedOut
        with pytest.raises(ends) as in_worker:
            gate(timeout=0, soft_fail=soft_fail).execute({})
        sensor = gate(deferrable=True, soft_fail=soft_fail)
        deferral = deferred(sensor)
        deferral.trigger.deadline = time.time()
        log()
        with pytest.raises(ends) as in_triggerer:
            end_of(sensor, deferral)
        assert str(in_triggerer.value) == str(in_worker.value)
        assert any("[error" in line and "worker-1.job.ml.test. A" in line for line in log())

    def test_without_time_it_is_not_deferred(self, public: Zone) -> None:
        with pytest.raises(ResolutionTimedOut):
            gate(timeout=0, deferrable=True).execute({})

    def test_no_triggerer(self, public: Zone) -> None:
        """Airflow ends the deferral some time after the deadline."""
        with pytest.raises(ResolutionTimedOut, match="triggerer"):
            gate(deferrable=True).resume_execution("__fail__", {"error": "Trigger timeout"}, {})

    def test_event_is_small_at_many_failures(self) -> None:
        with ScriptedDns(lambda query: response(query, rcode="REFUSED", flags=0)) as server:
            workers = tuple(Worker(rank, f"10.0.0.{rank}") for rank in range(5 * FAILURES_SHOWN))
            spec = GateSpec(DesiredRecords("job", "ml.test.", 30, workers), (server.server(),))
            event = asyncio.run(first_event(begun(spec, seconds=0)))
        assert len(event["lines"]) == FAILURES_SHOWN
        assert len(json.dumps(event)) < 16_000


class TestArguments:
    def test_round_trip(self, public: Zone) -> None:
        account = "trainer@demo-project.iam.gserviceaccount.com"
        trigger = deferred(gate(deferrable=True, impersonation_chain=account)).trigger
        path, arguments = trigger.serialize()
        assert path == TRIGGER
        assert set(arguments) == {"spec", "state", "since", "deadline", "poke_interval"}
        assert DNSResolutionTrigger(**arguments).serialize() == (path, arguments)
        assert repr(trigger) == "<DNSResolutionTrigger of job 'job' in 'ml.test.'>", "not spelled out in logs"
        text = json.dumps(arguments)
        assert "trainer@" not in text, "no credentials"
        assert "google" not in text

    def test_what_the_database_would_cut_off_waits_in_the_worker(
        self, public: Zone, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[str]]
    ) -> None:
        monkeypatch.setattr("mldns.triggers.resolution.TRIGGER_BYTES", 100)
        public.add(REST)
        sensor = gate(deferrable=True)
        assert not sensor.poke({}).is_done
        public.add(LATE)
        assert sensor.poke({}).is_done
        assert sum("Waiting in this worker slot" in line for line in log()) == 1

    def test_ten_thousand_scattered_addresses_fit(self) -> None:
        workers = tuple(Worker(n, f"10.{n * 7919 % 251}.{n * 104729 % 253}.{n % 254}") for n in range(10_000))
        spec = GateSpec(DesiredRecords("job", "ml.test.", 30, workers), (NS1,))
        assert begun(spec, seconds=0).too_large() == ""

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


def round_under_watch(spec: GateSpec) -> Report:
    """One round of asking, whatever it takes, and its report, in a loop that was never held."""
    canary = Canary()

    async def run() -> Report:
        survey = spec.survey(time.monotonic())
        async with canary.watching():
            await run_round(survey)
            return await report(survey)

    found = asyncio.run(run())
    canary.assert_never_held()
    return found


@pytest.mark.slow
def test_event_loop_of_the_triggerer_is_never_held(start_cloud: Callable[..., Cloud]) -> None:
    """5,000 names: asking, judging and reporting, half of them missing, then none."""
    cloud = start_cloud("--serve-ms", "0")
    servers = servers_to_ask(visibility="public", name_servers=cloud.dns, resolvers=cloud.resolvers)
    workers = tuple(Worker(n, f"10.0.{n >> 8}.{n & 255}") for n in range(5_000))
    spec = GateSpec(DesiredRecords("job", "ml.test.", 30, workers), servers=servers)
    zone = Zone(cloud, "public")
    fill(zone, {rrset.name: rrset.rrdatas for rrset in spec.desired.rrsets[::2]})
    assert round_under_watch(spec).verdicts == {"missing": len(workers) // 2}
    fill(zone, {rrset.name: rrset.rrdatas for rrset in spec.desired.rrsets[1::2]})
    assert event_under_watch(begun(spec, seconds=600))["result"]["ok"]


@pytest.mark.slow
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
        spec = GateSpec(
            desired,
            servers=servers,
            reverse_servers=servers,
            required=("data.other.test",),
            connect="workers",
        )
        zone = Zone(cloud, "public")
        fill(zone, {rrset.name: rrset.rrdatas for rrset in spec.desired.rrsets if rrset.type == "A"})
        fill(zone, {rrset.name: rrset.rrdatas for rrset in spec.desired.rrsets if rrset.type == "SRV"}, "SRV")
        reverse = Zone(cloud, "public", name="reverse", dns_name="127.in-addr.arpa.")
        fill(reverse, {rrset.name: rrset.rrdatas for rrset in desired.pointers}, "PTR")
        Zone(cloud, "public", name="other", dns_name="other.test.").add({"data.other.test.": ["192.0.2.1"]})
        found = round_under_watch(spec)
    assert found.names_right == found.names > count
    assert (found.ports.wanted, found.ports.open) == (count, 0)


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
