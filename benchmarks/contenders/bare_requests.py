"""The ceiling: the requests that nobody can do without, one after the other, with no planning between them.

It lists the zone as anything must that does not know what is there, sends full changes that were ready before the clock
started, and asks for the last one until it is `done`. It claims nothing, checks nothing and compares nothing.
"""

from __future__ import annotations

from benchmarks.contenders import Operation
from benchmarks.contenders.wire import Wire, change_bodies
from benchmarks.job import Job


def stage(job: Job) -> None:
    """Nothing to configure."""


def prepare(job: Job) -> Operation:
    wire, bodies = Wire(job), change_bodies(job.held, job.wanted)

    def read_and_write() -> None:
        wire.read_all()
        wire.write_all(bodies)

    return read_and_write
