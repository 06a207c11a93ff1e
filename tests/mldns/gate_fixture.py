"""What every test of the gate needs: a zone in localcloud, a connection to it, the task's log, a sensor."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import requests

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
        self._name = name
        self._base = f"{cloud.api}/dns/v1/projects/{cloud.project}/managedZones"
        body: dict[str, Any] = {"name": name, "dnsName": dns_name, "description": "", "visibility": visibility}
        if visibility == "private":
            body["privateVisibilityConfig"] = {"networks": [{"networkUrl": cloud.network}]}
        self._post("", body)

    def add(self, records: Mapping[str, Sequence[str]], *, ttl: int = 30, kind: str = "A") -> str:
        """Return the id of the change."""
        return self._change("additions", records, ttl, kind)

    def remove(self, records: Mapping[str, Sequence[str]], *, ttl: int = 30) -> None:
        self._change("deletions", records, ttl, "A")

    def _change(self, side: str, records: Mapping[str, Sequence[str]], ttl: int, kind: str) -> str:
        rrsets = [{"name": name, "type": kind, "ttl": ttl, "rrdatas": [*data]} for name, data in records.items()]
        return str(self._post(f"/{self._name}/changes", {side: rrsets})["id"])

    def _post(self, path: str, body: object) -> dict[str, Any]:
        answer = requests.post(self._base + path, json=body, timeout=10)
        assert answer.ok, answer.text
        return dict(answer.json())


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`connect(cloud, …)` makes the default connection point at that localcloud."""

    def set_connection(cloud: Cloud, **extra: object) -> None:
        monkeypatch.setenv(
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT",
            json.dumps(
                {
                    "conn_type": "google_cloud_platform",
                    "extra": {
                        "project": cloud.project,
                        "is_anonymous": True,
                        "dns_api_endpoint": cloud.api,
                        "name_server_addresses": cloud.dns,
                        "resolver_addresses": cloud.resolvers,
                        **extra,
                    },
                }
            ),
        )

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
