"""One measured run: wall time, CPU of this process, and API calls as localcloud counted them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.cloud import LocalCloud


@dataclass(frozen=True, slots=True)
class Target:
    """Where a contender works: a zone of its own at a localcloud, and the Airflow connection that leads there."""

    api: str
    project: str
    zone: str
    dns_name: str
    connection: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """`wall` and `cpu` in seconds; `calls` is the number of API requests."""

    contender: str
    records: int
    step: str
    wall: float
    cpu: float
    calls: int


def measure(cloud: LocalCloud, contender: str, records: int, step: str, work: Callable[[], None]) -> Measurement:
    """Run `work` once and return what it took."""
    calls = _count(cloud)
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measurement(contender, records, step, wall, cpu, _count(cloud) - calls)


def _count(cloud: LocalCloud) -> int:
    return sum(
        count
        for method, codes in cloud.calls().items()
        if not method.startswith("localcloud.")
        for count in codes.values()
    )
