"""The gate, executed for real: a connection from the environment, localcloud's API and its DNS on sockets."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from mldns.exceptions import CloudUnavailable, InvalidInput, MldnsError, ResolutionFailed, ZoneNotFound
from mldns.sensors.resolution import DNSResolutionSensor, ResolutionTimedOut
from tests.cloud_fixture import Cloud
from tests.mldns.gate_fixture import NAMES, WORKERS, Zone, gate
from tests.mldns.scripted_dns import ScriptedDns, response


class TestOpens:
    def test_public_zone(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        result = gate().execute({})
        seconds = result.pop("seconds")
        assert 0 < seconds < 10
        assert result == {
            "ok": True,
            "exit": 0,
            "names": 5,
            "names_right": 5,
            "servers": [*cloud.dns, *cloud.resolvers],
            "answers": 10,
            "passes": 1,
            "verdicts": {},
            "waiting": 0,
            "warnings": [],
            "failures": [],
            "ports": {"wanted": 0, "open": 0, "failures": []},
        }

    def test_private_zone_is_asked_of_the_resolver_alone(self, private: Zone, cloud: Cloud) -> None:
        private.add(NAMES)
        result = gate().execute({})
        assert result["servers"] == cloud.resolvers
        assert result["answers"] == 5

    def test_several_passes_in_a_row(self, public: Zone) -> None:
        public.add(NAMES)
        result = gate(passes="3").execute({})
        assert (result["passes"], result["answers"]) == (3, 30)

    def test_arguments_as_templates_leave_them(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        sensor = gate(
            workers=json.dumps(WORKERS),
            ttl="60",
            max_ttl="30",
            name_servers=json.dumps(cloud.dns),
            resolvers="",
            port="",
            records="null",
            change_id="None",
            project_id=cloud.project,
        )
        assert sensor.execute({})["ok"]

    def test_service_record_and_explicit_records(self, public: Zone) -> None:
        public.add({**NAMES, "service.ml.test.": ["192.0.2.1"]})
        public.add({"_rdzv._tcp.job.ml.test.": ["0 0 29500 worker-0.job.ml.test."]}, kind="SRV")
        service = {"name": "service.ml.test.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
        assert gate(port=29500, records=[service]).execute({})["names"] == 7

    def test_record_that_is_served_late(self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]) -> None:
        """The API has it at once, the name servers 700 ms later; and one name is not even written at first."""
        cloud = start_cloud("--serve-ms", "700")
        connect(cloud)
        zone = Zone(cloud, "public")
        late = {"worker-2.job.ml.test.": NAMES["worker-2.job.ml.test."]}
        zone.add({name: data for name, data in NAMES.items() if name not in late})
        threading.Timer(1, lambda: zone.add(late)).start()
        began = time.monotonic()
        result = gate().execute({})
        assert result["ok"]
        assert time.monotonic() - began > 1.6
        # Asked of the resolver only once the authority had it: no denial was cached on the way.
        assert result["seconds"] < 10

    def test_what_passed_is_not_asked_again(self, public: Zone, cloud: Cloud) -> None:
        late = {"worker-2.job.ml.test.": NAMES["worker-2.job.ml.test."]}
        public.add({name: data for name, data in NAMES.items() if name not in late})
        with ScriptedDns(lambda query: response(query, *NAMES[query.question[0].name.to_text()])) as complete:
            threading.Timer(0.5, lambda: public.add(late)).start()
            assert gate(name_servers=[complete.address, *cloud.dns]).execute({})["seconds"] > 0.4
        assert len({query.id for query in complete.queries}) == 5

    def test_a_new_try_knows_nothing(self, public: Zone) -> None:
        public.add(NAMES)
        sensor = gate()
        assert sensor.execute({})["ok"]
        public.remove({"worker-1.job.ml.test.": ["10.0.0.2"]})
        sensor.timeout = 0
        with pytest.raises(ResolutionTimedOut):
            sensor.execute({})


class TestNegativeCache:
    def test_resolver_that_denied_is_asked_again_after_the_negative_ttl(
        self, cloud: Cloud, connect: Callable[..., None], log: Callable[[], list[str]]
    ) -> None:
        """A resolver whose denial holds 2 s: 20 pokes in between must not reach it."""
        asked: list[float] = []

        def resolver(query: Any) -> Any:
            name = query.question[0].name.to_text()
            if name == "worker-2.job.ml.test.":
                asked.append(time.monotonic())
                if len(asked) == 1:
                    soa = "ml.test. 2 IN SOA ns.test. h.test. 1 21600 3600 259200 300"
                    return response(query, rcode="NXDOMAIN", authority=soa)
            return response(query, *NAMES[name])

        with ScriptedDns(resolver) as server:
            connect(cloud, resolver_addresses=[server.address])
            Zone(cloud, "private")
            assert gate().execute({})["ok"]
            assert len({query.id for query in server.queries}) == 6
        assert 2 <= asked[1] - asked[0] < 5
        told = [line for line in log() if "first worker-2.job.ml.test. A" in line]
        assert len(told) == 1, "a poke that asks nothing says nothing"
        assert "1 as a resolver may have cached it, asked again in 2 s; giving up in " in told[0]

    def test_private_zone_is_not_asked_before_the_change_is_done(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]
    ) -> None:
        """Changes take a second to be served: without the change's id the resolver caches a denial for 300 s."""
        cloud = start_cloud("--serve-ms", "800", "--done-ms", "1000")
        connect(cloud)
        change = Zone(cloud, "private").add(NAMES)
        assert gate(change_id=change).execute({})["seconds"] < 10

    def test_change_that_never_ends(self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]) -> None:
        cloud = start_cloud("--done-ms", "60000")
        connect(cloud)
        change = Zone(cloud, "private").add(NAMES)
        with pytest.raises(CloudUnavailable, match="still pending"):
            gate(change_id=change, timeout=0.5).execute({})

    def test_a_deferrable_gate_holds_no_slot_while_a_change_is_pending(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It looks for a moment, gives its slot back, and is woken to look again until the change is done."""
        monkeypatch.setattr("mldns.sensors.resolution.LOOK_SECONDS", 0.1)
        monkeypatch.setattr("mldns.sensors.resolution.PAUSE_SECONDS", 0.6)
        cloud = start_cloud("--serve-ms", "800", "--done-ms", "1000")
        connect(cloud)
        change = Zone(cloud, "private").add(NAMES)
        began = time.monotonic()
        with pytest.raises(TaskDeferred) as paused:
            gate(change_id=change, deferrable=True).execute({})
        assert time.monotonic() - began < 0.8
        path, arguments = paused.value.trigger.serialize()
        assert path == "airflow.providers.standard.triggers.temporal.DateTimeTrigger"
        assert set(arguments) == {"moment", "end_from_trigger"}, "no credentials"
        time.sleep(1.2)
        woken = gate(change_id=change, deferrable=True)
        result = woken.resume_execution(paused.value.method_name, {**(paused.value.kwargs or {}), "event": None}, {})
        assert (result["ok"], result["answers"]) == (True, 5), "asked once, when all was there"

    def test_pauses_end_with_the_time_that_the_gate_has(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mldns.sensors.resolution.LOOK_SECONDS", 0.1)
        cloud = start_cloud("--done-ms", "60000")
        connect(cloud)
        change = Zone(cloud, "private").add(NAMES)
        with pytest.raises(TaskDeferred) as paused:
            gate(change_id=change, deferrable=True, timeout=1).execute({})
        again = paused.value.kwargs or {}
        assert again["deadline"] - time.time() < 1
        time.sleep(1)
        began = time.monotonic()
        with pytest.raises(CloudUnavailable, match="still pending"):
            gate(change_id=change, deferrable=True).resume_execution(paused.value.method_name, again, {})
        assert time.monotonic() - began < 2, "and not another 20 s"

    def test_what_is_not_there_after_a_pause_ends_with_the_gates_time(self, private: Zone) -> None:
        change = private.add({"other.ml.test.": ["10.0.0.9"]})
        time.sleep(0.5)  # until it is done
        with pytest.raises(ResolutionTimedOut, match="worker-0"):
            gate(change_id=change, deferrable=True).execute_after_pause({}, time.time() - 1)

    def test_a_gate_that_reschedules_itself_does_so_while_a_change_is_pending(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mldns.sensors.resolution.LOOK_SECONDS", 0.1)
        cloud = start_cloud("--done-ms", "60000")
        connect(cloud)
        change = Zone(cloud, "private").add(NAMES)
        poked = gate(change_id=change, mode="reschedule").poke({})
        assert not poked.is_done


class TestStaysShut:
    def test_time_out_names_name_server_expected_and_got(
        self, public: Zone, cloud: Cloud, log: Callable[[], list[str]]
    ) -> None:
        public.add({**NAMES, "worker-1.job.ml.test.": ["10.9.9.9"]})
        with pytest.raises(ResolutionTimedOut) as caught:
            gate(timeout=0.5).execute({})
        line = (
            f"worker-1.job.ml.test. A at {cloud.dns[0]}: expected 10.0.0.2, got 10.9.9.9 "
            "(wrong: lacks 10.0.0.2, has 10.9.9.9 too much)"
        )
        assert caught.value.failures == (line,)
        assert line in str(caught.value)
        assert "job 'job' in zone 'ml' is not proven: 4 of 5 names on 2 servers (1 wrong): " in str(caught.value)
        assert any("[error" in logged and line in logged for logged in log())

    def test_time_out_is_one_that_airflow_does_not_retry(self, public: Zone) -> None:
        with pytest.raises(AirflowSensorTimeout) as caught:
            gate(timeout=0).execute({})
        assert isinstance(caught.value, ResolutionFailed)

    def test_message_is_bounded_at_many_names(self, public: Zone) -> None:
        with pytest.raises(ResolutionTimedOut) as caught:
            gate(timeout=0, workers=[f"10.0.{rank >> 8}.{rank & 255}" for rank in range(2000)]).execute({})
        assert "0 of 2,001 names" in str(caught.value)
        assert len(str(caught.value)) < 6000
        assert "\n" not in str(caught.value)

    def test_ttl_above_the_bound(self, public: Zone) -> None:
        public.add(NAMES, ttl=3600)
        with pytest.raises(ResolutionTimedOut, match=r"stale: the data is right, but its TTL of 3600 s is above 30 s"):
            gate(timeout=0).execute({})

    def test_one_dead_server_of_two(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        with ScriptedDns(lambda query: []) as dead, pytest.raises(ResolutionTimedOut) as caught:
            gate(name_servers=[*cloud.dns, dead.address], timeout=0).execute({})
        assert "0 of 5 names on 3 servers (5 timeout)" in str(caught.value)
        assert len(caught.value.failures) == 5
        assert all(dead.address in failure and "no answer in 3 tries" in failure for failure in caught.value.failures)
        assert "1 of 3 servers right" in caught.value.failures[0]

    def test_server_that_does_not_have_the_zone(
        self, public: Zone, start_cloud: Callable[..., Cloud], cloud: Cloud
    ) -> None:
        public.add(NAMES)
        other = start_cloud()
        with pytest.raises(ResolutionTimedOut, match="got REFUSED") as caught:
            gate(name_servers=[*cloud.dns, *other.dns], timeout=0).execute({})
        assert all(other.dns[0] in failure for failure in caught.value.failures)

    def test_private_zone_is_invisible_to_a_resolver_of_another_network(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]
    ) -> None:
        cloud = start_cloud("--resolver", "127.0.0.1:0")
        connect(cloud)
        Zone(cloud, "private").add(NAMES)
        with pytest.raises(ResolutionTimedOut, match="0 of 5 names on 1 server"):
            gate(timeout=0).execute({})

    def test_soft_fail_skips_with_the_same_message(self, public: Zone) -> None:
        with pytest.raises(AirflowSkipException, match=r"worker-0\.job\.ml\.test\. A at .*: expected 10\.0\.0\.1"):
            gate(timeout=0, soft_fail=True).execute({})

    def test_reschedule_gives_the_slot_back_and_starts_anew(self, public: Zone) -> None:
        class FirstPoke:
            def get_first_reschedule_date(self, context: object) -> None:
                return None

        sensor = gate(mode="reschedule", passes=2)
        with pytest.raises(AirflowRescheduleException):
            sensor.execute({"ti": FirstPoke()})
        public.add(NAMES)
        assert gate(mode="reschedule", passes=2).execute({"ti": FirstPoke()})["passes"] == 2


class TestInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"workers": []}, "worker"),
            ({"workers": None}, "neither workers nor records"),
            ({"workers": ["999.1.1.1"]}, "999.1.1.1"),
            ({"job": "no.dots"}, "no.dots"),
            ({"ttl": "soon"}, "soon"),
            ({"max_ttl": "0"}, "max_ttl"),
            ({"passes": "many"}, "passes 'many'"),
            ({"passes": 0}, "passes 0"),
            ({"name_servers": "ns:port"}, "'ns:port' is not a DNS server"),
            ({"resolvers": ["a b"]}, "'a b' is not a DNS server"),
            ({"tolerate": "everything"}, "tolerate 'everything' is not one of dead-server, long-ttl"),
            ({"connect": "all", "port": 1}, "connect 'all' is not one of master, workers"),
            ({"connect": "master"}, "needs workers and their rendezvous port"),
            ({"required_names": ["a b c"]}, "'a b c' has type 'B C'"),
            ({"reverse_zone": "nowhere"}, "'nowhere' does not exist"),
        ],
    )
    def test_bad_input_is_named_at_once(self, public: Zone, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(MldnsError, match=re.escape(message)):
            gate(**arguments).execute({})

    def test_zone_that_does_not_exist(self, public: Zone) -> None:
        with pytest.raises(ZoneNotFound, match="'nowhere'"):
            gate(zone="nowhere").execute({})

    def test_record_outside_the_zone(self, public: Zone) -> None:
        record = {"name": "w.other.test.", "type": "A", "ttl": 30, "rrdatas": ["10.0.0.1"]}
        with pytest.raises(InvalidInput, match=r"'w.other.test.' is outside the zone"):
            gate(records=[record]).execute({})

    def test_every_argument_but_the_sensors_own_is_a_template(self) -> None:
        arguments = set(inspect.signature(DNSResolutionSensor.__init__).parameters)
        own = {"self", "poke_interval", "timeout", "deferrable", "retry_policy", "kwargs"}
        assert set(DNSResolutionSensor.template_fields) == arguments - own

    def test_a_dag_file_that_imports_the_gate_loads_nothing_heavy(self) -> None:
        program = "import sys, mldns.sensors.resolution; print(*sys.modules)"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
        )
        loaded = run.stdout.split()
        assert "mldns.sensors.resolution" in loaded
        assert {"dns", "google.cloud.dns", "airflow.providers.google.common.hooks.base_google"}.isdisjoint(loaded)
