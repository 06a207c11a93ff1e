"""What operators at work report to Airflow's Stats: to a StatsD server's socket, and to an OpenTelemetry collector."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors

from mldns.exceptions import ResolutionFailed
from mldns.operators.cloud_dns import (
    CloudDNSBindIamOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.operators.reconcile import CloudDNSReconcileOperator
from mldns.sensors.resolution import DNSResolutionSensor
from tests.airflow_versions import set_up_stats
from tests.cloud_fixture import NETWORK, PROJECT, Cloud
from tests.http_server import answering
from tests.mldns.operators.conftest import Execute, a_record

ROOT = Path(__file__).resolve().parents[3]
ZONE: dict[str, Any] = {"zone": "ml", "dns_name": "ml.example.com.", "networks": [NETWORK]}
JOB: dict[str, Any] = {"zone": "ml", "job": "bert"}
WORKERS: dict[str, Any] = {**JOB, "workers": ["10.0.0.7", "10.0.0.8"]}
GATE: dict[str, Any] = {"poke_interval": 0.2, "timeout": 20}
IN_ZONE = f"project={PROJECT},zone=ml"


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`configure(STATSD_ON=True, …)`: set Airflow's `[metrics]` options, and set Stats up as a task's process does."""

    def set_up(**options: object) -> None:
        for name, value in options.items():
            monkeypatch.setenv(f"AIRFLOW__METRICS__{name}", str(value))
        set_up_stats()

    yield set_up
    monkeypatch.undo()
    set_up_stats()


class StatsD:
    """A StatsD server: what arrives at its socket."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    @property
    def options(self) -> dict[str, object]:
        host, port = self.socket.getsockname()
        return {"STATSD_ON": True, "STATSD_HOST": host, "STATSD_PORT": port}

    def lines(self) -> list[str]:
        """All of mldns's lines since the last call, without Airflow's prefix."""
        found = []
        while True:
            try:
                found += self.socket.recv(65_535).decode().splitlines()
            except BlockingIOError:
                return [line.removeprefix("airflow.") for line in found if line.startswith("airflow.mldns.")]


@pytest.fixture
def statsd() -> Iterator[StatsD]:
    server = StatsD()
    with server.socket:
        yield server


def counted(lines: list[str]) -> Counter[str]:
    """The counters by name and tags, added up as the server does."""
    sums: Counter[str] = Counter()
    for line in lines:
        name, _, rest = line.partition(":")
        if rest.endswith("|c"):
            sums[name] += int(rest.removesuffix("|c"))
    return sums


def gauges(lines: list[str]) -> dict[str, float]:
    """The gauges' last values by name and tags."""
    split = [line.partition(":") for line in lines]
    return {name: float(rest.removesuffix("|g")) for name, _, rest in split if rest.endswith("|g")}


def timed(lines: list[str]) -> dict[str, float]:
    """The timings' last values by name and tags, milliseconds."""
    split = [line.partition(":") for line in lines]
    return {name: float(rest.removesuffix("|ms")) for name, _, rest in split if rest.endswith("|ms")}


def test_a_job_from_claim_to_release(connected: Cloud, execute: Execute, statsd: StatsD, configure: Any) -> None:
    configure(**statsd.options, STATSD_INFLUXDB_ENABLED=True)
    execute(CloudDNSEnsureZoneOperator, **ZONE)
    execute(CloudDNSUpsertRecordsOperator, **WORKERS)
    written = statsd.lines()
    execute(DNSResolutionSensor, **WORKERS, **GATE)
    execute(CloudDNSDeleteRecordsOperator, **JOB)
    after = statsd.lines()

    sums = counted(written)
    assert sums[f"mldns.changes,{IN_ZONE}"] == 1
    assert sums[f"mldns.records.created,{IN_ZONE}"] == 4  # two workers, the master, its SRV record
    assert sums["mldns.api.calls,method=changes.create,status=200"] == 1
    times = timed(written)
    assert {"mldns.plan.time", "mldns.apply.time", "mldns.done.time"} <= times.keys()
    assert 0 < times["mldns.plan.time"] < times["mldns.apply.time"]

    sums = counted(after)
    assert sums["mldns.gate.passed"] == 1
    assert sums[f"mldns.records.deleted,{IN_ZONE}"] == 4
    assert timed(after)["mldns.gate.time"] > 0


def test_calls_are_counted_as_the_cloud_counts_them(
    connected: Cloud, execute: Execute, statsd: StatsD, configure: Any
) -> None:
    """Those of the other API, too, and a refused one by its status."""
    configure(**statsd.options, STATSD_INFLUXDB_ENABLED=True)
    execute(CloudDNSEnsureZoneOperator, **ZONE)
    execute(CloudDNSBindIamOperator, **JOB, role="roles/dns.reader", members=["user:a@example.com"], scope="project")
    execute(CloudDNSUpsertRecordsOperator, **WORKERS)
    sums = counted(statsd.lines())
    ours = {
        name.removeprefix("mldns.api.calls,"): number
        for name, number in sums.items()
        if name.startswith("mldns.api.calls,")
    }
    theirs = {
        f"method={method.removeprefix('cloudresourcemanager.')},status={status}": number
        for method, statuses in connected.stats().items()
        for status, number in statuses.items()
    }
    assert ours == theirs
    assert any(name.startswith("method=projects.") for name in ours)
    assert "method=managedZones.get,status=404" in ours


def test_a_gate_that_stays_shut(connected: Cloud, execute: Execute, statsd: StatsD, configure: Any) -> None:
    configure(**statsd.options)
    execute(CloudDNSEnsureZoneOperator, **ZONE)
    with pytest.raises(ResolutionFailed):
        execute(DNSResolutionSensor, **WORKERS, poke_interval=0.2, timeout=0.5)
    assert counted(statsd.lines())["mldns.gate.failed"] == 1


def test_a_check_tells_drift_by_kind_and_zone(
    connected: Cloud, execute: Execute, statsd: StatsD, configure: Any
) -> None:
    configure(**statsd.options, STATSD_INFLUXDB_ENABLED=True)
    execute(CloudDNSEnsureZoneOperator, **ZONE)
    execute(CloudDNSEnsureZoneOperator, **{**ZONE, "zone": "well", "dns_name": "well.example.com."})
    execute(CloudDNSUpsertRecordsOperator, **WORKERS)
    lost = a_record("worker-1.bert.ml.example.com.", "10.0.0.8")
    connected.write(a_record("debug.bert.ml.example.com.", "10.9.9.9"), delete=[lost])
    statsd.lines()
    ti = SimpleNamespace(dag_id="mldns_reconcile", run_id="check", task_id="reconcile", map_index=-1)
    check = CloudDNSReconcileOperator(task_id="reconcile")
    check.execute({"ti": ti, "task": check, "outlet_events": OutletEventAccessors()})  # type: ignore[arg-type]
    found = gauges(statsd.lines())
    in_well = f"project={PROJECT},zone=well"
    assert found[f"mldns.drift.missing,{IN_ZONE}"] == found[f"mldns.drift.extra,{IN_ZONE}"] == 1
    assert found[f"mldns.drift.missing,{in_well}"] == found[f"mldns.drift.changed,{IN_ZONE}"] == 0
    assert found[f"mldns.zones.checked,project={PROJECT}"] == 2
    assert found[f"mldns.zones.attention,project={PROJECT}"] == 1


@pytest.mark.parametrize("options", [{"STATSD_PORT": "x"}, {"STATSD_CUSTOM_CLIENT_PATH": "no.such.module"}])
def test_a_backend_that_cannot_be_set_up_fails_nothing(
    connected: Cloud, execute: Execute, statsd: StatsD, configure: Any, options: dict[str, str]
) -> None:
    configure(**{**statsd.options, **options})
    assert execute(CloudDNSEnsureZoneOperator, **ZONE)["created"]
    assert statsd.lines() == []


def test_outside_airflow_nothing_of_it_is_imported() -> None:
    script = "import sys; from mldns import metrics; metrics.count('mldns.changes'); print('airflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        env={"PYTHONPATH": f"{ROOT / 'plugins'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_docs_list_what_is_told() -> None:
    """Each name in the code, or the beginning of one, stands in the table of docs/metrics.md, and nothing else does."""
    code = "".join(path.read_text() for path in (ROOT / "plugins" / "mldns").rglob("*.py"))
    reported = set(re.findall(r'"(mldns\.(?:api|changes|records|plan|apply|done|gate|zones|drift)\b[a-z.]*)', code))
    listed = re.findall(r"^\| `(mldns[a-z.]+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    listed = [name for name in listed if listed.count(name) == 1]
    found = {
        name: [one for one in reported if name == one or (one.endswith(".") and name.startswith(one))]
        for name in listed
    }
    assert [name for name, sources in found.items() if not sources] == []
    assert reported == {source for sources in found.values() for source in sources}


TASK = """
from tests.airflow_versions import set_up_stats
from mldns.operators.cloud_dns import CloudDNSEnsureZoneOperator, CloudDNSUpsertRecordsOperator

set_up_stats()
CloudDNSEnsureZoneOperator(task_id="zone", zone="ml", dns_name="ml.example.com.", allow_unbound=True).execute({})
CloudDNSUpsertRecordsOperator(
    task_id="upsert", zone="ml", job="bert", workers=["10.0.0.7", "10.0.0.8"], claimant="a/b", lease="c"
).execute({"run_id": "c"})
"""
"""A process that sets Stats up and ends as a task's does: OpenTelemetry sends what was counted at its end."""


def test_the_same_arrives_at_an_opentelemetry_collector(connected: Cloud) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs opentelemetry's OTLP exporter")
    protocol = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    bodies: list[bytes] = []
    with answering(lambda _method, _path, body: (200, bodies.append(body))) as url:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "AIRFLOW__METRICS__OTEL_ON": "True"}
        environment = {**os.environ, **endpoint, "PYTHONPATH": f"{ROOT / 'plugins'}{os.pathsep}{ROOT}"}
        subprocess.run([sys.executable, "-c", TASK], check=True, env=environment)
    found = {}
    for body in bodies:
        request = protocol.ExportMetricsServiceRequest.FromString(body)
        for metric in (m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics):
            for point in metric.sum.data_points:
                tags = ",".join(sorted(f"{tag.key}={tag.value.string_value}" for tag in point.attributes))
                found[f"{metric.name} {tags}"] = point.as_int
            for point in metric.exponential_histogram.data_points:
                found[metric.name] = point.count
    assert found["airflow.mldns.api.calls method=changes.create,status=200"] == 1
    assert found[f"airflow.mldns.records.created {IN_ZONE}"] == 4
    assert found["airflow.mldns.apply.time"] == 1
