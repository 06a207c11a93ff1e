"""One run: each contender at each size, step by step, each round in a zone of its own; every end state is checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import httpx

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.job import STEPS, Job, states
from benchmarks.measure import BenchmarkFailed, Imported, Measurement, measure, measure_import, typical
from benchmarks.planning import Planning
from demo.cloud import NETWORK, PROJECT, LocalCloud, local_cloud
from demo.standalone import REPOSITORY

BASE_HOOK = "airflow.providers.google.common.hooks.base_google"
"""What any task has to import that talks to Google through Airflow."""

_CONNECTION = "bench"
_APEX = {"NS", "SOA"}
_MARKS = {*_APEX, "TXT"}  # while names are claimed, there is a manifest


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure. Quick contenders go `repeat` rounds, the others one; milliseconds are localcloud's."""

    sizes: tuple[int, ...]
    contenders: tuple[str, ...]
    repeat: int
    latency_ms: int
    done_ms: int

    def rounds(self) -> list[tuple[int, int, Contender]]:
        """Size, round and contender, in order: the largest first; those that are compared closely take turns."""
        chosen = [CONTENDERS[key] for key in CONTENDERS if key in self.contenders]
        quick, slow = [one for one in chosen if one.quick], [one for one in chosen if not one.quick]
        return [
            (size, number, contender)
            for size in sorted(self.sizes, reverse=True)
            for number, contender in (*product(range(self.repeat), quick), *product((0,), slow))
            if contender.most is None or size <= contender.most
        ]


@dataclass(frozen=True, slots=True)
class Results:
    """One measurement for each contender, size and step; the import of the base hook; the CPU of plans."""

    settings: Settings
    measurements: tuple[Measurement, ...]
    base: Imported
    planning: tuple[Planning, ...]
    loads: tuple[float, float]

    def of(self, contender: str, size: int, step: str) -> Measurement | None:
        """The measurement, or the extrapolation, of one step; None where there is none."""
        asked = (contender, size, step)
        return next((one for one in self.measurements if (one.contender, one.records, one.step) == asked), None)


def run(settings: Settings, *, begins: Callable[[str], None], ended: Callable[[Measurement], None]) -> Results:
    """Measure everything.

    :param begins: told in words what is measured now.
    :param ended: told every measurement.
    :raises BenchmarkFailed: a contender failed or left something else than was wanted.
    """
    flags = ("--latency-ms", str(settings.latency_ms), "--done-ms", str(settings.done_ms))
    with tempfile.TemporaryDirectory() as home, local_cloud(Path(home), flags) as cloud:
        environment = _environment(home, cloud)
        begins("import of Airflow's Google base hook")
        measure_import(BASE_HOOK, Path(home), environment)  # once unmeasured: it writes Airflow's configuration
        base = measure_import(BASE_HOOK, Path(home), environment)
        bench, measured = _Bench(cloud, environment, begins), []
        for size, number, contender in settings.rounds():
            for one in bench.round(contender, size, number):
                ended(one)
                measured.append(one)
    begins("CPU of planning")
    command = [sys.executable, "-m", "benchmarks.planning"]
    planned = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - ours
    planning = [Planning(**timing) for timing in json.loads(planned)]
    loads = [one.load for one in measured]
    return Results(settings, _summary(settings, measured), base, tuple(planning), (min(loads), max(loads)))


@dataclass(frozen=True, slots=True)
class _Bench:
    """A running localcloud, the environment of the measured processes, and who is told what is measured."""

    cloud: LocalCloud
    environment: dict[str, str]
    begins: Callable[[str], None]

    def round(self, contender: Contender, size: int, number: int) -> Iterator[Measurement]:
        """Every step of one contender in a zone of its own."""
        zone = f"{contender.key}-{size}-{number}"
        dns_name = f"{zone}.test."
        _make_zone(self.cloud, zone, dns_name)
        for step, (held, wanted) in states(dns_name, size).items():
            if step in contender.steps_without:
                continue
            self.begins(f"{size:,} records, {step}, {contender.title}")
            with tempfile.TemporaryDirectory() as scratch:
                job = Job(
                    contender=contender.key,
                    step=step,
                    api=self.cloud.api,
                    project=PROJECT,
                    zone=zone,
                    dns_name=dns_name,
                    connection=_CONNECTION,
                    held=held,
                    wanted=wanted,
                    scratch=scratch,
                )
                measured = measure(self.cloud, contender, job, self.environment)
            _check(self.cloud, job, contender.title)
            yield measured


def _environment(home: str, cloud: LocalCloud) -> dict[str, str]:
    """The environment of the measured processes: an Airflow of its own, and compiled modules as everywhere else."""
    own = {
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "plugins"), str(REPOSITORY))),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AIRFLOW_HOME": home,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        f"AIRFLOW_CONN_{_CONNECTION.upper()}": json.dumps(cloud.connection()),
    }
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | own


def _make_zone(cloud: LocalCloud, zone: str, dns_name: str) -> None:
    body = {
        "name": zone,
        "dnsName": dns_name,
        "description": "benchmark",
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]},
    }
    url = f"{cloud.api}/dns/v1/projects/{PROJECT}/managedZones"
    httpx.post(url, json=body, trust_env=False).raise_for_status()


def _check(cloud: LocalCloud, job: Job, title: str) -> None:
    """A fast wrong answer is not a result: the zone holds what was wanted, its apex, and at most a manifest."""
    records = cloud.records(job.zone)
    held = {row["name"]: (row["ttl"], row["rrdatas"]) for row in records if row["type"] == "A"}
    if held != {row["name"]: (row["ttl"], row["rrdatas"]) for row in job.wanted}:
        raise BenchmarkFailed(
            f"{title}, {job.step}: the zone holds other addresses than the {len(job.wanted):,} wanted"
        )
    others = {row["type"] for row in records} - {"A"}
    if not others <= (_MARKS if job.wanted else _APEX):
        raise BenchmarkFailed(f"{title}, {job.step}: the zone also holds {', '.join(sorted(others - _APEX))}")


def _summary(settings: Settings, measured: list[Measurement]) -> tuple[Measurement, ...]:
    """One measurement a step: the median of the rounds, or what a smaller size says about a larger one."""
    found: dict[tuple[int, str, str], list[Measurement]] = {}
    for one in measured:
        found.setdefault((one.records, one.contender, one.step), []).append(one)
    summary = {key: typical(rounds) for key, rounds in found.items()}
    for key, contender in CONTENDERS.items():
        known = [size for size, name, _ in summary if name == key]
        for size in settings.sizes:
            if key in settings.contenders and contender.most is not None and size > contender.most and known:
                for step in STEPS:
                    summary[size, key, step] = extrapolated(summary[max(known), key, step], size)
    return tuple(summary.values())


def extrapolated(small: Measurement, records: int) -> Measurement:
    """What `records` would take if each of them took what each of the smaller number took."""
    factor = records / small.records
    return replace(
        small,
        records=records,
        wall=small.wall * factor,
        process_wall=small.process_wall + small.wall * (factor - 1),
        cpu=small.cpu * factor,
        process_cpu=small.process_cpu + small.cpu * (factor - 1),
        calls={method: round(count * factor) for method, count in small.calls.items()},
        cloud_cpu=small.cloud_cpu * factor,
        extrapolated_from=small.records,
    )
