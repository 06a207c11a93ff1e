"""The gate, executed for real: a connection from the environment, localcloud's API and its DNS on sockets.

What is asked when, and what an answer means, is told in tests/mldns/gate.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from airflow.exceptions import AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException, TaskDeferred

from mldns.exceptions import CloudUnavailable, InvalidInput, MldnsError, ResolutionFailed
from mldns.sensors.resolution import ResolutionTimedOut
from tests.cloud_fixture import Cloud
from tests.mldns.gate_fixture import NAMES, WORKERS, Zone, gate
from tests.mldns.scripted_dns import ScriptedDns

WORKER = "worker-1.job.ml.test."
OTHERS = {name: data for name, data in NAMES.items() if name != WORKER}
REVERSE = {"1.0.0.10.in-addr.arpa.": ["worker-0.job.ml.test."], "2.0.0.10.in-addr.arpa.": [WORKER]}


class TestOpens:
    def test_public_zone(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        result = gate().execute({})
        assert result | {"seconds": 0} == {
            "ok": True,
            "exit": 0,
            "names": 5,
            "names_right": 5,
            "servers": [*cloud.dns, *cloud.resolvers],
            "answers": 10,
            "passes": 1,
            "seconds": 0,
            "verdicts": {},
            "waiting": 0,
            "warnings": [],
            "failures": [],
            "ports": {"wanted": 0, "open": 0, "failures": []},
        }

    def test_private_zone_and_its_reverse_zone_are_asked_of_the_resolver_alone(
        self, private: Zone, cloud: Cloud
    ) -> None:
        private.add(NAMES)
        reverse = Zone(cloud, "private", name="reverse", dns_name="10.in-addr.arpa.")
        reverse.add({**REVERSE, "3.0.0.10.in-addr.arpa.": ["worker-2.job.ml.test."]}, kind="PTR")
        result = gate(reverse_zone="reverse").execute({})
        assert (result["names"], result["servers"]) == (8, cloud.resolvers)

    def test_arguments_as_templates_leave_them(self, public: Zone, cloud: Cloud) -> None:
        public.add({**NAMES, "service.ml.test.": ["192.0.2.1"]})
        service = {"name": "service.ml.test.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
        sensor = gate(
            workers=json.dumps(WORKERS),
            records=json.dumps([service]),
            ttl="60",
            max_ttl="30",
            passes="3",
            name_servers=json.dumps(cloud.dns),
            resolvers="",
            port="",
            change_id="None",
            reverse_zone="",
            project_id=cloud.project,
        )
        result = sensor.execute({})
        assert (result["names"], result["passes"], result["answers"]) == (6, 3, 36)

    def test_a_new_try_knows_nothing(self, public: Zone) -> None:
        public.add(NAMES)
        sensor = gate()
        assert sensor.execute({})["ok"]
        public.remove({WORKER: NAMES[WORKER]})
        sensor.timeout = 0
        with pytest.raises(ResolutionTimedOut):
            sensor.execute({})

    def test_a_name_server_that_lags_behind_is_waited_for(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]
    ) -> None:
        cloud = start_cloud("--serve-ms", "0", "--dns", "127.0.0.1:0", "--dns", "127.0.0.1:0+3000")
        connect(cloud)
        Zone(cloud, "public").add(NAMES)
        assert gate().execute({})["answers"] > 15

    def test_a_dead_name_server_of_three_is_a_warning_where_tolerated(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None]
    ) -> None:
        cloud = start_cloud("--serve-ms", "0", "--dns", "127.0.0.1:0", "--dns", "127.0.0.1:0")
        connect(cloud)
        Zone(cloud, "public").add(NAMES)
        with ScriptedDns(lambda query: []) as dead:
            result = gate(name_servers=[*cloud.dns[:2], dead.address], tolerate="dead-server").execute({})
        assert (result["ok"], result["exit"], len(result["warnings"])) == (True, 10, 1)

    def test_required_names_are_asked_of_the_workers_resolver(self, public: Zone, cloud: Cloud) -> None:
        public.add(NAMES)
        data = Zone(cloud, "public", name="data", dns_name="data.test.")
        data.add({"bucket.data.test.": ["127.0.0.1"]}, ttl=3600)
        data.add({"alias.data.test.": ["bucket.data.test."]}, kind="CNAME")
        data.add({"six.data.test.": ["2001:db8::1"]}, kind="AAAA")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = f"alias.data.test:{listener.getsockname()[1]}"
            names = ["bucket.data.test=127.0.0.1", port, "six.data.test", "six.data.test AAAA"]
            result = gate(required_names=names).execute({})
        assert (result["names"], result["ports"]["open"]) == (8, 1)


class TestRendezvousPort:
    """Workers on loopback addresses, so that their ports can be real."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {"workers": ["127.0.0.2", "127.0.0.3"], "allow_addresses": ["127.0.0.0/8"]}

    def write(self, zone: Zone, port: int) -> None:
        zone.add({"worker-0.job.ml.test.": ["127.0.0.2"], WORKER: ["127.0.0.3"], "master.job.ml.test.": ["127.0.0.2"]})
        zone.add({"workers.job.ml.test.": ["127.0.0.2", "127.0.0.3"]})
        zone.add({"_rdzv._tcp.job.ml.test.": [f"0 0 {port} worker-0.job.ml.test."]}, kind="SRV")

    def test_accepts(self, public: Zone) -> None:
        with socket.create_server(("127.0.0.2", 0)) as listener:
            port = listener.getsockname()[1]
            self.write(public, port)
            result = gate(**self.ARGUMENTS, port=port, connect="master").execute({})
        assert result["ports"] == {"wanted": 1, "open": 1, "failures": []}

    def test_refuses(self, public: Zone) -> None:
        self.write(public, 9)
        with pytest.raises(ResolutionTimedOut) as caught:
            gate(**self.ARGUMENTS, port=9, connect="workers", timeout=0).execute({})
        assert caught.value.failures == ("worker-0: refused by 127.0.0.2:9", "worker-1: refused by 127.0.0.3:9")


class TestPendingChange:
    @pytest.fixture
    def pending(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> str:
        """The id of a change that does not become done."""
        monkeypatch.setattr("mldns.sensors.resolution.LOOK_SECONDS", 0.1)
        cloud = start_cloud("--done-ms", "600000")
        connect(cloud)
        return Zone(cloud, "private").add(NAMES)

    def test_change_that_never_ends(self, pending: str) -> None:
        with pytest.raises(CloudUnavailable, match="still pending"):
            gate(change_id=pending, timeout=0.2).execute({})

    def test_a_deferrable_gate_gives_its_slot_back_and_looks_again(self, pending: str) -> None:
        sensor = gate(change_id=pending, deferrable=True)
        with pytest.raises(TaskDeferred) as paused:
            sensor.execute({})
        path, arguments = paused.value.trigger.serialize()
        assert path == "airflow.providers.standard.triggers.temporal.DateTimeTrigger"
        assert set(arguments) == {"moment", "end_from_trigger"}, "no credentials"
        kwargs = {**(paused.value.kwargs or {}), "event": None}
        with pytest.raises(TaskDeferred):
            sensor.resume_execution(paused.value.method_name, kwargs, {})
        with pytest.raises(CloudUnavailable, match="still pending"):
            sensor.resume_execution(paused.value.method_name, kwargs | {"deadline": time.time()}, {})

    @pytest.mark.parametrize("soft_fail", [False, True])
    def test_what_is_not_there_after_a_pause_ends_with_the_gates_time(
        self, start_cloud: Callable[..., Cloud], connect: Callable[..., None], soft_fail: bool
    ) -> None:
        cloud = start_cloud("--done-ms", "0", "--serve-ms", "0")
        connect(cloud)
        change = Zone(cloud, "private").add(OTHERS)
        sensor = gate(change_id=change, deferrable=True, soft_fail=soft_fail)
        with pytest.raises(AirflowSkipException if soft_fail else ResolutionTimedOut, match=re.escape(WORKER)):
            sensor.execute_after_pause({}, time.time() - 1)

    def test_a_gate_that_reschedules_itself_does_so(self, pending: str) -> None:
        assert not gate(change_id=pending, mode="reschedule").poke({}).is_done


class TestStaysShut:
    def test_time_out_names_name_server_expected_and_got(
        self, public: Zone, cloud: Cloud, log: Callable[[], list[str]]
    ) -> None:
        public.add({**OTHERS, WORKER: ["10.9.9.9"]})
        reverse = Zone(cloud, "public", name="reverse", dns_name="10.in-addr.arpa.")
        reverse.add({**REVERSE, "3.0.0.10.in-addr.arpa.": ["old.ml.test."]}, kind="PTR")
        with pytest.raises(ResolutionTimedOut) as caught:
            gate(timeout=0, reverse_zone="reverse").execute({})
        name, pointer = caught.value.failures
        assert name.startswith(f"{WORKER} A at {cloud.dns[0]}: expected 10.0.0.2, got 10.9.9.9 (wrong")
        assert pointer.startswith(f"3.0.0.10.in-addr.arpa. PTR at {cloud.dns[0]}: expected worker-2.job.ml.test.")
        assert sum("[error" in line and (name in line or pointer in line) for line in log()) == 2
        assert isinstance(caught.value, AirflowSensorTimeout), "Airflow does not retry it"
        assert isinstance(caught.value, ResolutionFailed)

    @pytest.mark.parametrize("never_fail", [False, True])
    def test_an_error_of_its_own_is_no_time_out(self, public: Zone, never_fail: bool) -> None:
        with pytest.raises(AirflowSkipException if never_fail else InvalidInput):
            gate(workers=["999.1.1.1"], never_fail=never_fail).execute({})

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
        ("arguments", "named"),
        [
            ({"workers": []}, "worker"),
            ({"workers": None}, "nothing to name"),
            ({"job": "no.dots"}, "no.dots"),
            ({"zone": "nowhere"}, "nowhere"),
            ({"max_ttl": "0"}, "max_ttl"),
            ({"passes": "many"}, "passes 'many'"),
            ({"passes": 0}, "passes 0"),
            ({"name_servers": "ns:port"}, "ns:port"),
            ({"resolvers": ["a b"]}, "a b"),
            ({"tolerate": "everything"}, "everything"),
            ({"connect": "all", "port": 1}, "connect 'all'"),
            ({"required_names": ["a b c"]}, "a b c"),
            ({"reverse_zone": "nowhere"}, "nowhere"),
        ],
    )
    def test_bad_input_is_named_at_once(self, public: Zone, arguments: dict[str, Any], named: str) -> None:
        with pytest.raises(MldnsError, match=re.escape(named)):
            gate(**arguments).execute({})

    def test_a_dag_file_that_imports_the_gate_loads_nothing_heavy(self) -> None:
        program = "import sys, mldns.sensors.resolution; print(*sys.modules)"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
        )
        loaded = run.stdout.split()
        assert "mldns.sensors.resolution" in loaded
        assert {"dns", "google.cloud.dns", "airflow.providers.google.common.hooks.base_google"}.isdisjoint(loaded)
