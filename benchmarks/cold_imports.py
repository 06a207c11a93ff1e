"""What a task's process imports that no process before it has, in CPU seconds, beside the Google base hook alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from demo.standalone import REPOSITORY

ROUNDS = 3

# What the scheduler has loaded, from which LocalExecutor forks its tasks.
_FORKED_FROM = (
    "airflow.jobs.scheduler_job_runner, airflow.executors.local_executor, airflow.sdk.execution_time.task_runner"
)
_HOOK = "mldns.operators.cloud_dns, mldns.hooks.cloud_dns"
STATEMENTS: Mapping[str, str] = {
    "the Google base hook alone": "airflow.providers.google.common.hooks.base_google",
    "mldns's operators alone": "mldns.operators.cloud_dns",
    "an operator and its hook: all but those below": _HOOK,
    "a binding on the project": f"{_HOOK}, mldns.providers.gcp.iam.project_policy",
    "the gate": f"{_HOOK}, mldns.sensors.resolution, mldns.gate.exchange",
    "the gate, deferred": f"{_HOOK}, mldns.sensors.resolution, mldns.gate.exchange, mldns.triggers.resolution",
}
_PROGRAM = """
import {before}
import gc, sys, time
gc.freeze()  # as the scheduler does before it forks
modules, begin = len(sys.modules), time.process_time()
import {statement}
print(time.process_time() - begin, len(sys.modules) - modules)
"""


def cold_imports(rounds: int = ROUNDS) -> dict[str, tuple[float, int]]:
    """Least CPU seconds and modules by what is imported, in turns, each in a fresh interpreter."""
    with tempfile.TemporaryDirectory() as home:
        found = [{name: _one(statement, home) for name, statement in STATEMENTS.items()} for _ in range(rounds)]
    return {name: min(one[name] for one in found) for name in STATEMENTS}


def _one(statement: str, home: str) -> tuple[float, int]:
    done = subprocess.run(  # noqa: S603 - this program's own text
        [sys.executable, "-c", _PROGRAM.format(before=_FORKED_FROM, statement=statement)],
        env={**os.environ, "AIRFLOW_HOME": home, "PYTHONPATH": str(REPOSITORY / "plugins")},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, modules = done.stdout.splitlines()[-1].split()
    return float(seconds), int(modules)


def table(found: Mapping[str, tuple[float, int]]) -> str:
    """The rows of the report."""
    lines = [f"| {name} | {seconds:.2f} | {modules} |" for name, (seconds, modules) in found.items()]
    return "\n".join(["| a task imports | CPU s | modules |", "|---|---|---|", *lines])
