"""`make bench-airflow`: seconds from a run's trigger to its open gate, on a real Airflow, beside tasks that do nothing.

One `airflow standalone` runs mldns_pretraining against localcloud, a chain of as many tasks in the same shape that
import the Google base hook and do nothing, and one of tasks that do nothing at all: in turns, so that the machine's
pace is the same for all. What Google takes to serve a change is no cost of ours: localcloud serves at once, and once
more late, by which the gate is deferred.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import cold_imports
from demo.cloud import NETWORK, LocalCloud, local_cloud
from demo.processes import raise_on_termination
from demo.rest import AirflowApi, TaskState
from demo.standalone import REPOSITORY, Standalone, airflow_standalone

RESULTS = Path(__file__).with_name("airflow.md")
GOAL = 1.3
ROUNDS, WORKERS = 7, 64
OURS, LATE, GOOGLE, IDLE = "mldns_pretraining", "mldns_pretraining, served late", "idle_google", "idle"
GATE = "gate"
LATE_DONE_MS, LATE_SERVE_MS = 1_000, 5_000

_DAGS = (REPOSITORY / "dags" / "mldns_pretraining.py", Path(__file__).parent / "dags" / "idle_chains.py")
_LATE_CONNECTION = "google_late"
_RUN_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Timed:
    """One task of a run: seconds that it ran, and that it waited behind the last of those before it."""

    task_id: str
    ran: float
    waited: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run up to its gate.

    :param wall: seconds from the trigger to the end of the gate's task.
    :param deferred: whether the gate was started twice.
    """

    wall: float
    tasks: tuple[Timed, ...]
    deferred: bool = False


Runs = dict[str, list[Run]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the table; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench-airflow", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the table goes")
    options = parser.parse_args(arguments)
    raise_on_termination()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        dags = home / "dags"
        dags.mkdir()
        for file in _DAGS:
            shutil.copy(file, dags)
        clouds = {name: stack.enter_context(local_cloud(home / name, flags)) for name, flags in _clouds().items()}
        connections = {name: cloud.connection() for name, cloud in clouds.items()}
        airflow = stack.enter_context(airflow_standalone(home, connections=connections, dags=dags))
        runs = measured(airflow, clouds, rounds=options.rounds, workers=options.workers)
    cold = cold_imports.table(cold_imports.cold_imports())
    text = f"{table(runs, workers=options.workers)}\n\n{_COLD}\n\n{cold}"
    print(text)
    options.output.write_text(text + "\n")
    return 0 if ratio(runs, GOOGLE) <= GOAL else 1


def _clouds() -> dict[str, tuple[str, ...]]:
    """Connection to the options of the localcloud behind it."""
    return {
        "google_cloud_default": ("--done-ms", "0", "--serve-ms", "0"),
        _LATE_CONNECTION: ("--done-ms", str(LATE_DONE_MS), "--serve-ms", str(LATE_SERVE_MS)),
    }


def measured(airflow: Standalone, clouds: dict[str, LocalCloud], *, rounds: int, workers: int) -> Runs:
    """`rounds` rounds of every chain after one to warm up, each round beginning with another chain."""
    for dag_id in (OURS, GOOGLE, IDLE):
        airflow.wait_for_dag(dag_id)

    def check() -> None:
        airflow.process.check()
        for cloud in clouds.values():
            cloud.process.check()

    kinds = [OURS, GOOGLE, IDLE, LATE]
    runs: Runs = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind in kinds[number % len(kinds) :] + kinds[: number % len(kinds)]:
            conf = {} if kind in (GOOGLE, IDLE) else job(f"r{number}", workers=workers, late=kind == LATE)
            run = one_run(airflow.api, kind.partition(",")[0], conf, check=check)
            print(f"round {number} {kind}: {run.wall:.1f} s", flush=True)
            if number:
                runs[kind].append(run)
    return runs


def job(name: str, *, workers: int, late: bool) -> dict[str, Any]:
    """Params of a run that does all that the DAG can: a new zone, workers, shared records and a binding."""
    dns_name = f"{name}.bench.test."
    return {
        "zone": name,
        "dns_name": dns_name,
        # Late only in public: there the gate asks the name servers again and again, while a private zone's resolver
        # would keep a denial for minutes.
        **({"visibility": "public"} if late else {"networks": [NETWORK.partition("/compute/v1/")[2]]}),
        "job": "bert",
        "workers": [f"10.0.{rank >> 8}.{rank & 255}" for rank in range(1, workers + 1)],
        "port": 29500,
        "ttl": 2,  # also of a denial: how long the resolver keeps that is not what is measured
        "records": [{"name": f"store.{dns_name}", "type": "A", "ttl": 300, "rrdatas": ["10.9.0.1"]}],
        "iam_role": "roles/dns.reader",
        "iam_members": ["serviceAccount:trainer@demo-project.iam.gserviceaccount.com"],
        **({"gcp_conn_id": _LATE_CONNECTION} if late else {}),
    }


def one_run(api: AirflowApi, dag_id: str, conf: dict[str, Any], *, check: Callable[[], None]) -> Run:
    """Trigger a DAG and time it up to its gate; SystemExit where the run fails."""
    triggered = time.time()
    run_id = api.trigger(dag_id, conf)
    *_, states = api.follow(dag_id, run_id, timeout=_RUN_SECONDS, poll=1.0, check=check)
    if (ended := api.run_state(dag_id, run_id)) != "success":
        told = [line for task in states if task.state == "failed" for line in api.task_log(dag_id, run_id, task)]
        raise SystemExit("\n".join([f"{dag_id} {run_id}: {ended}", *told]))
    gate = next(task for task in states if task.task_id == GATE)
    deferred = any("Waiting in the triggerer" in line for line in api.task_log(dag_id, run_id, gate))
    return timed(states, triggered, deferred=deferred)


def timed(states: Sequence[TaskState], triggered: float, *, deferred: bool) -> Run:
    """The run's times from what Airflow tells of its tasks; those behind the gate are left out."""
    spans = sorted(
        (_unix(task.started), _unix(task.ended), task.task_id) for task in states if task.started and task.ended
    )
    end_of_gate = next(end for _, end, task_id in spans if task_id == GATE)
    tasks = []
    for start, end, task_id in spans:
        if end <= end_of_gate:
            before = max((other for _, other, _ in spans if other <= start), default=triggered)
            tasks.append(Timed(task_id, ran=end - start, waited=start - before))
    return Run(end_of_gate - triggered, tuple(tasks), deferred)


def _unix(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


def wall(runs: Runs, kind: str) -> float:
    """Median seconds from trigger to open gate."""
    return statistics.median(run.wall for run in runs[kind])


def ratio(runs: Runs, kind: str) -> float:
    """Of our median to that of another chain."""
    return wall(runs, OURS) / wall(runs, kind)


def of_task(runs: Runs, kind: str, task_id: str, field: str) -> float:
    """Median seconds that a task `ran` or `waited`."""
    tasks = (task for run in runs[kind] for task in run.tasks if task.task_id == task_id)
    return statistics.median(float(getattr(task, field)) for task in tasks)


def table(runs: Runs, *, workers: int) -> str:
    """The report on the chains."""
    load = " ".join(f"{value:.1f}" for value in os.getloadavg()[:2])
    tasks = [task.task_id for task in runs[OURS][0].tasks]
    twice = sum(run.deferred for run in runs[OURS])
    late = sum(run.deferred for run in runs[LATE])
    google, late_by = ratio(runs, GOOGLE), LATE_SERVE_MS / 1000
    met = "met" if google <= GOAL else "missed"
    return "\n".join(
        [
            "# From trigger to open gate on a real Airflow",
            "",
            f"`make bench-airflow`: {len(runs[OURS])} rounds, in turns, after one to warm up; `airflow standalone` "
            f"(SQLite, LocalExecutor, scheduler idle sleep 0.2 s) and localcloud on {os.cpu_count()} cores, "
            f"Python {sys.version.split()[0]}, load {load}. {workers} workers, a shared record and a binding in a new "
            f"zone each time: {len(tasks)} tasks up to the gate. localcloud serves at once, except where it says late.",
            "",
            "| chain | median s | least | most | ours over it |",
            "|---|---|---|---|---|",
            *(_chain(runs, kind, what) for kind, what in _CHAINS.items()),
            "",
            f"Goal: {GOAL} x tasks that import the Google base hook: {google:.2f} x, {met}. "
            f"The gate was deferred, which starts it twice, in {twice} of {len(runs[OURS])} runs served at once and in "
            f"{late} of {len(runs[LATE])} served late; that row has the {late_by:.0f} s in it for which localcloud kept"
            " each change back.",
            "",
            "Median seconds that each task ran, from its process's start to its end:",
            "",
            "| task | ours | base hook | nothing | ours - base hook |",
            "|---|---|---|---|---|",
            *(_task(runs, task_id) for task_id in tasks),
        ]
    )


_COLD = "CPU seconds of what a task imports beside what the scheduler has loaded, from which LocalExecutor forks it:"

_CHAINS = {
    OURS: "mldns_pretraining",
    GOOGLE: "as many tasks that import the Google base hook",
    IDLE: "as many tasks that do nothing",
    LATE: "mldns_pretraining, served late",
}


def _chain(runs: Runs, kind: str, what: str) -> str:
    walls = [run.wall for run in runs[kind]]
    over = "" if kind in (OURS, LATE) else f"{ratio(runs, kind):.2f} x"
    return f"| {what} | {statistics.median(walls):.1f} | {min(walls):.1f} | {max(walls):.1f} | {over} |"


def _task(runs: Runs, task_id: str) -> str:
    ours, google, idle = (of_task(runs, kind, task_id, "ran") for kind in (OURS, GOOGLE, IDLE))
    return f"| {task_id} | {ours:.2f} | {google:.2f} | {idle:.2f} | {ours - google:+.2f} |"


if __name__ == "__main__":
    sys.exit(main())
