"""Measuring one child process: its times, its memory, the API calls that localcloud counted meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

import psutil

from benchmarks.contenders import Contender
from benchmarks.job import Job
from demo.cloud import LocalCloud

_PATIENCE_SECONDS = 1_800
_LOG_LINES = 15


class BenchmarkFailed(RuntimeError):
    """A contender failed, or left something else than was wanted: there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one step took.

    :param wall: seconds of the operation, imports left out; `process_wall` of the process from start to end.
    :param cpu: seconds of CPU of the operation; `process_cpu` of the process.
    :param peak_rss: bytes.
    :param calls: API method to how often it was called.
    :param cloud_cpu: seconds of CPU of localcloud.
    :param load: of the machine when it began, over the last minute.
    :param extrapolated_from: it was measured with so many records and multiplied; None where it was measured.
    """

    contender: str
    records: int
    step: str
    wall: float
    process_wall: float
    cpu: float
    process_cpu: float
    peak_rss: int
    calls: Mapping[str, int]
    cloud_cpu: float
    load: float
    extrapolated_from: int | None = None

    @property
    def call_count(self) -> int:
        return sum(self.calls.values())


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a module costs: seconds of a process that does nothing else, and its bytes."""

    wall: float
    peak_rss: int


def measure(cloud: LocalCloud, contender: Contender, job: Job, environment: Mapping[str, str]) -> Measurement:
    """Run one job in a process of its own and return what it took.

    :raises BenchmarkFailed: it ended with an error; with the end of what it printed.
    """
    contender.load().stage(job)
    path = job.write()
    server = psutil.Process(cloud.process.popen.pid)
    calls, server_cpu, load = _calls(cloud), _cpu(server), os.getloadavg()[0]
    took = _run(str(path), Path(job.scratch), environment, what=f"{contender.title}, {job.step}")
    return Measurement(
        contender=contender.key,
        records=max(len(job.held), len(job.wanted)),
        step=job.step,
        wall=took["wall"],
        process_wall=took["process_wall"],
        cpu=took["cpu"],
        process_cpu=took["process_cpu"],
        peak_rss=took["peak_rss"],
        cloud_cpu=_cpu(server) - server_cpu,
        load=load,
        calls=dict(_calls(cloud) - calls),
    )


def measure_import(module: str, scratch: Path, environment: Mapping[str, str]) -> Imported:
    """Import a module in a process of its own."""
    took = _run(f"--import={module}", scratch, environment, what=f"import of {module}")
    return Imported(took["process_wall"], took["peak_rss"])


def typical(repetitions: Iterable[Measurement]) -> Measurement:
    """The measurement whose wall time is the median; of an even number the faster one of the two in the middle."""
    by_wall = {one.wall: one for one in repetitions}
    return by_wall[median_low(by_wall)]


def _run(work: str, scratch: Path, environment: Mapping[str, str], *, what: str) -> dict[str, Any]:
    report, log = scratch / "report.json", scratch / "output.log"
    command = [sys.executable, "-m", "benchmarks.child", work, str(report)]
    with log.open("wb") as sink:
        began = time.perf_counter()
        ended = subprocess.run(  # noqa: S603 - this program's own module
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        wall = time.perf_counter() - began
    if ended.returncode != 0:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        raise BenchmarkFailed(f"{what}: exit code {ended.returncode}; its last lines:\n{last}")
    return {**json.loads(report.read_text()), "process_wall": wall}


def _calls(cloud: LocalCloud) -> Counter[str]:
    return Counter(
        {method: sum(codes.values()) for method, codes in cloud.calls().items() if not method.startswith("localcloud.")}
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
