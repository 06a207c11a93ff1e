"""Whom Airflow tells: a webhook and a StatsD server, both on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.http_server import answering

SECRET = "T0/B0/s3cret"


@dataclass(frozen=True)
class Webhook:
    """What was posted to it, as `(path, JSON)`."""

    url: str
    posts: list[tuple[str, Any]] = field(default_factory=list)

    def connection(self) -> dict[str, object]:
        """As Airflow's Slack connections are: the URL's end is the password."""
        return {"conn_type": "generic", "host": self.url, "password": SECRET}


@contextmanager
def webhook(status: int = 200) -> Iterator[Webhook]:
    """A webhook on a free port that answers with `status`."""
    posts: list[tuple[str, Any]] = []

    def keep(_method: str, path: str, body: bytes) -> tuple[int, object]:
        posts.append((path, json.loads(body)))
        return status, {}

    with answering(keep) as url:
        yield Webhook(f"{url}/services", posts)


@dataclass(frozen=True)
class StatsD:
    """The lines that arrived, of which Airflow was asked to send mldns's only."""

    port: int
    lines: list[str] = field(default_factory=list)

    def settings(self) -> dict[str, str]:
        """What switches it on in Airflow, with tags in the names."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.port),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
            "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "mldns",
        }


@contextmanager
def statsd() -> Iterator[StatsD]:
    """A StatsD server on a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(0.2)
        server = StatsD(receiver.getsockname()[1])
        over = threading.Event()

        def receive() -> None:
            while not over.is_set():
                try:
                    server.lines.extend(receiver.recv(65_535).decode().splitlines())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        yield server
        over.set()
        thread.join()
