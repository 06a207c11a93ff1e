"""What every test of the gate needs: a zone in localcloud, a connection to it, the task's log, a sensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from mldns.sensors.resolution import DNSResolutionSensor
from tests.cloud_fixture import Cloud

WORKERS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
NAMES = {
    "worker-0.job.ml.test.": ["10.0.0.1"],
    "worker-1.job.ml.test.": ["10.0.0.2"],
    "worker-2.job.ml.test.": ["10.0.0.3"],
    "master.job.ml.test.": ["10.0.0.1"],
    "workers.job.ml.test.": WORKERS,
}


class Zone:
    """A zone in localcloud, edited through its API as anybody would."""

    def __init__(self, cloud: Cloud, visibility: str, *, name: str = "ml", dns_name: str = "ml.test.") -> None:
        self._cloud, self._name = cloud, name
        cloud.make_zone(name, dns_name, visibility=visibility)

    def add(self, records: Mapping[str, Sequence[str]], *, ttl: int = 30, kind: str = "A") -> str:
        """Return the id of the change."""
        return self._cloud.write(*_rrsets(records, ttl, kind), zone=self._name)

    def remove(self, records: Mapping[str, Sequence[str]], *, ttl: int = 30) -> None:
        self._cloud.write(delete=_rrsets(records, ttl, "A"), zone=self._name)


def _rrsets(records: Mapping[str, Sequence[str]], ttl: int, kind: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": kind, "ttl": ttl, "rrdatas": [*data]} for name, data in records.items()]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`connect(cloud, …)` makes the default connection point at that localcloud."""

    def set_connection(cloud: Cloud, **extra: object) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", cloud.connection(**extra))

    return set_connection


@pytest.fixture
def public(cloud: Cloud, connect: Callable[..., None]) -> Zone:
    connect(cloud)
    return Zone(cloud, "public")


@pytest.fixture
def private(cloud: Cloud, connect: Callable[..., None]) -> Zone:
    connect(cloud)
    return Zone(cloud, "private")


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """What the task logged until now, a line an item; Airflow writes it to stdout."""

    def lines() -> list[str]:
        return capsys.readouterr().out.splitlines()

    return lines


def gate(**arguments: Any) -> DNSResolutionSensor:
    defaults = {"task_id": "gate", "zone": "ml", "job": "job", "workers": WORKERS, "poke_interval": 0.1, "timeout": 20}
    return DNSResolutionSensor(**{**defaults, **arguments})
