"""The ceiling without its reads: it is told what the zone holds, which no tool can rely on. The floor of the API."""

from __future__ import annotations

from benchmarks.contenders import Operation
from benchmarks.contenders.wire import Wire, change_bodies
from benchmarks.job import Job


def stage(job: Job) -> None:
    """Nothing to configure."""


def prepare(job: Job) -> Operation:
    wire, bodies = Wire(job), change_bodies(job.held, job.wanted)
    return lambda: wire.write_all(bodies)
