"""A real `airflow standalone` of its own: home, database, ports, secrets. The caller's own Airflow is not touched."""

from __future__ import annotations

import json
import os
import secrets
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.ports import free_ports
from demo.processes import Crew, Managed, ProcessDied
from demo.rest import AirflowApi, AirflowRefused

REPOSITORY = Path(__file__).resolve().parent.parent
USER = "admin"
_COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class PortTaken(RuntimeError):
    """Somebody took one of the ports between our look and the server's bind: try again with others."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A running Airflow: its UI and API at `url`, log in as `USER` with `password`.

    :param passwords: of every user, by name.
    """

    url: str
    passwords: Mapping[str, str]
    home: Path
    process: Managed
    api: AirflowApi

    @property
    def password(self) -> str:
        return self.passwords[USER]

    def wait_for_dag(self, dag_id: str, timeout: float = 90) -> None:
        """Return when `dag_id` can be triggered, unpaused; its import error or TimeoutError otherwise."""
        deadline = time.monotonic() + timeout
        while dag_id not in self.api.dag_ids():
            self.process.check()
            for file, trace in self.api.import_errors().items():
                raise ImportError(f"Airflow could not import {file}:\n{trace}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"no DAG {dag_id} after {timeout:.0f} s; Airflow said:\n{self.process.tail()}")
            time.sleep(0.5)
        self.api.unpause(dag_id)


@contextmanager
def airflow_standalone(
    home: Path,
    *,
    connections: Mapping[str, Mapping[str, object]],
    dags: Path = REPOSITORY / "dags",
    settings: Mapping[str, str] | None = None,
    users: Mapping[str, str] | None = None,
    timeout: float = 240,
) -> Iterator[Standalone]:
    """Run `airflow standalone` with its files under `home` for the length of a `with` block.

    Enters when scheduler, DAG processor, triggerer and API answer, and leaves when none of its processes is left.

    :param connections: connection id to its JSON form, as in AIRFLOW_CONN_*
    :param settings: further AIRFLOW__SECTION__KEY variables
    :param users: further users and their roles ("viewer", "user", "op", "admin", or "" for none at all)
    :param timeout: seconds from start to ready
    :raises ProcessDied: Airflow ended, or was not ready in time; with the end of its log
    """
    for attempt in range(3):
        with Crew() as crew:
            try:
                airflow = _start(
                    crew, home / f"airflow-{attempt}", connections, dags, settings=settings or {}, users=users or {}
                )
                _wait_until_ready(airflow, timeout)
            except PortTaken:
                continue
            try:
                yield airflow
            finally:
                airflow.api.close()
            return
    raise ProcessDied("airflow found one of its ports taken by somebody else three times in a row")


def _start(
    crew: Crew,
    home: Path,
    connections: Mapping[str, Mapping[str, object]],
    dags: Path,
    *,
    settings: Mapping[str, str],
    users: Mapping[str, str],
) -> Standalone:
    home.mkdir(parents=True)
    api_port, worker_log_port, trigger_log_port = free_ports(3)
    roles = {**users, USER: "admin"}
    passwords = {user: secrets.token_urlsafe(9) for user in roles}
    password_file = home / "passwords.json"
    password_file.touch(mode=0o600)
    password_file.write_text(json.dumps(passwords))
    url = f"http://127.0.0.1:{api_port}"
    environment = _airflow_environment(url, home, dags) | {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in roles.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file),
        "AIRFLOW__API__PORT": str(api_port),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_log_port),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
        **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in connections.items()},
        **settings,
    }
    process = crew.start(
        "airflow standalone",
        [sys.executable, "-m", "airflow", "standalone"],
        env=environment,
        cwd=home,
        log=home / "standalone.log",
    )
    return Standalone(url, passwords, home, process, AirflowApi(url, USER, passwords[USER]))


def _airflow_environment(url: str, home: Path, dags: Path) -> dict[str, str]:
    """An environment for an Airflow at `url`, with fresh secrets; users, ports and connections are still to come."""
    return _caller_environment() | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": "",  # connections come from the environment: the database holds no secret
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",  # a file that somebody adds is noticed while they still look
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # one run at a time: what counts is when it is noticed
    }


def _wait_until_ready(airflow: Standalone, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    missing = "its API"
    while time.monotonic() < deadline:
        airflow.process.check()
        if "address already in use" in airflow.process.log.read_text(errors="replace").lower():
            raise PortTaken
        try:
            airflow.api.log_in()
            health = airflow.api.health()
        except (httpx.TransportError, AirflowRefused):
            time.sleep(0.5)  # nobody there yet, or somebody else on our port: then our server says so in its log
            continue
        missing = ", ".join(name for name in _COMPONENTS if health.get(name) != "healthy")
        if not missing:
            return
        time.sleep(0.5)
    raise ProcessDied(f"airflow is not ready after {timeout:.0f} s, missing: {missing}\n{airflow.process.tail()}")


def _caller_environment() -> dict[str, str]:
    """The caller's environment without what would steer Airflow or Google's clients, fit for a server on loopback."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "GOOGLE_", "CLOUDSDK_"))
        # without .pyc files each process compiles hundreds of modules anew, and a PYTHONPATH may shadow ours
        and name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME"}
    }
    path = os.pathsep.join([sysconfig.get_path("scripts"), kept.get("PATH", os.defpath)])
    loopback = ",".join(filter(None, [kept.get("NO_PROXY", kept.get("no_proxy")), "127.0.0.1", "localhost"]))
    return kept | {"PATH": path, "NO_PROXY": loopback, "no_proxy": loopback, "PYTHONUNBUFFERED": "1"}
