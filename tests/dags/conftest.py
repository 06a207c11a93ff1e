"""Fixtures for DAGs: an Airflow home with a database, and a process that runs the repository's DAGs in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cloud_fixture import Cloud

ROOT = Path(__file__).resolve().parents[2]
MARK = "dag-runner: "
CONNECTION = "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"


@dataclass(frozen=True)
class Run:
    """How a DAG run went; `errors` are `Class: message` by task, `events` the asset events `{"uri", "extra"}`."""

    run_id: str
    state: str
    tasks: Mapping[str, str | None]
    xcom: Mapping[str, Any]
    errors: Mapping[str, str]
    events: Sequence[Mapping[str, Any]] = ()


class Airflow:
    """Runs DAGs of this repository, one at a time."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log
        self.home = log.parent

    def run(self, dag: str, cloud: Cloud, api: str = "", **conf: Any) -> Run:
        """Run a DAG to its end against a localcloud.

        :param api: another base URL for the API, such as a proxy's.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        request = {"dag": dag, "conf": conf, "env": {CONNECTION: cloud.connection(api)}}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        with self._log.open("a") as log:
            for line in self._process.stdout:
                if line.startswith(MARK):
                    return Run(**json.loads(line.removeprefix(MARK)))
                log.write(line)
        raise AssertionError(f"the DAG runner ended with {self._process.wait()}: see {self._log}")


def airflow_environment(home: Path) -> dict[str, str]:
    """The environment of an Airflow with this repository's DAGs and plugins and nothing of the caller's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__BASE_URL": "http://airflow",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "plugins"), str(ROOT))),
        "NO_PROXY": "*",
    }


@contextmanager
def start_airflow(home: Path, wrapper: Sequence[str] = (), dags: Path = ROOT / "dags") -> Iterator[Airflow]:
    """Make a database in `home` and start a DAG runner on it.

    :param wrapper: a command that runs the runner, such as `ip netns exec NAME`.
    :param dags: the folder of its DAGs.
    """
    environment = airflow_environment(home) | {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    log = home / "runner.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", "tests.dags.dag_runner", MARK],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    try:
        yield Airflow(process, log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    with start_airflow(tmp_path_factory.mktemp("airflow")) as started:
        yield started
