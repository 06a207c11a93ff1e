"""
### A plain `@task` that trains by name

`dns.handoff` is a value like any other task's output. Here the task runs a program on the Airflow worker's machine with
nothing but the hand-off in its environment; a real one would call its scheduler's API.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from airflow.sdk import DAG, task

from mldns.task_groups import training_dns


@task
def discover() -> list[str]:
    """Whoever knows the workers: a scheduler, a database, mldns.operators.discovery."""
    return ["10.0.0.7", "10.0.0.8"]


@task
def train(env: dict[str, str], handoff: dict[str, Any]) -> str:
    """Start the training and return its last line."""
    program = "import os; print('rendezvous at', os.environ['MASTER_ADDR'], os.environ['MASTER_PORT'])"
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True
    )
    return f"{handoff['count']} workers, {done.stdout.splitlines()[-1]}"


with (
    DAG("example_plain_task", schedule=None, doc_md=__doc__, tags=["mldns", "example"]),
    training_dns(zone="ml", job="bert", workers=discover()) as dns,
):
    train(dns.env, dns.handoff)
