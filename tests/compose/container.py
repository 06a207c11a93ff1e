r"""Runs the services of a resolved docker-compose.yml for real, without a container engine, as the image would.

    unshare --net --mount --pid --fork --kill-child --mount-proc \
        python -m tests.compose.container RESOLVED_YML RESULT_JSON

Inside its own namespaces the compose file's own ports are free, its host names are lines of /etc/hosts, and the image's
folders are mounts: so every command, healthcheck and variable is used as it is written. The end of this process ends
everything in its namespace.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from demo.rest import AirflowApi

ROOT = Path(__file__).resolve().parents[2]
HEALTHY_SECONDS = 240
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40

Service = dict[str, Any]


def image_environment() -> dict[str, str]:
    """The ENV lines of the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    pairs: dict[str, str] = {"PATH": os.environ["PATH"], "HOME": "/opt/airflow", "LANG": "C.UTF-8"}
    for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE):
        for pair in shlex.split(line):
            name, _, value = pair.partition("=")
            pairs[name] = value.replace("$PATH", pairs["PATH"])
    return pairs


def lay_out_image(host_names: list[str]) -> None:
    """Mount what the Dockerfile copies where it copies it, and make the compose file's host names loopback."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "image", "/opt")
    for source in re.findall(r"^COPY (\w+)/ \1/$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        bind(ROOT / source, Path("/opt/mldns") / source)
    bind(Path(sys.prefix), Path("/opt/mldns/venv"))
    for folder in ("airflow/logs", "airflow/auth", "localcloud"):
        (Path("/opt") / folder).mkdir(parents=True)
    hosts = Path(tempfile.mkdtemp()) / "hosts"
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ["localhost", socket.gethostname(), *host_names]))
    run("mount", "--bind", str(hosts), "/etc/hosts")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP | _IFF_RUNNING))


def bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    run("mount", "--bind", str(source), str(target))


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def start_postgres(service: Service) -> None:
    """Debian's PostgreSQL in place of the image's: the same user, password and database."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    user = pwd.getpwnam("postgres")
    home = Path(tempfile.mkdtemp())
    os.chown(home, user.pw_uid, user.pw_gid)
    environment = service["environment"]
    password = home / "password"
    password.write_text(environment["POSTGRES_PASSWORD"])
    os.chown(password, user.pw_uid, user.pw_gid)
    name = environment["POSTGRES_USER"]

    def as_postgres(*command: str) -> list[str]:
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]

    initdb = [str(binaries / "initdb"), f"--pgdata={home}/data", f"--username={name}", f"--pwfile={password}"]
    run(*as_postgres(*initdb, "--auth=scram-sha-256", "--no-sync"))
    server = [str(binaries / "postgres"), "-D", f"{home}/data", "-k", str(home), "-h", "127.0.0.1", "-c", "fsync=off"]
    subprocess.Popen(as_postgres(*server))
    settings = os.environ | {"PGPASSWORD": environment["POSTGRES_PASSWORD"]}
    create = [str(binaries / "createdb"), "-h", "127.0.0.1", "-U", name, environment["POSTGRES_DB"]]
    deadline = time.monotonic() + 30
    while subprocess.run([binaries / "pg_isready", "-q", "-h", "127.0.0.1"], check=False).returncode:
        if time.monotonic() > deadline:
            raise TimeoutError("PostgreSQL is not ready after 30 s")
        time.sleep(0.2)
    if environment["POSTGRES_DB"] != "postgres":
        subprocess.run(create, check=True, env=settings)


class Running:
    """A service's own process, started as its container would be."""

    def __init__(self, name: str, service: Service) -> None:
        self.name, self.service = name, service
        self.environment = image_environment() | service.get("environment", {})
        print(f"--- {name}: {shlex.join(service['command'])}", flush=True)
        self.process = subprocess.Popen(service["command"], env=self.environment, cwd="/opt/mldns")

    def healthy(self) -> bool:
        """Run the service's healthcheck once."""
        kind, *test = self.service["healthcheck"]["test"]
        command = ["/bin/sh", "-c", *test] if kind == "CMD-SHELL" else test
        result = subprocess.run(command, env=self.environment, cwd="/opt/mldns", capture_output=True, check=False)
        return result.returncode == 0

    def wait_until_healthy(self) -> float:
        """Return the seconds until the healthcheck passed."""
        began = time.monotonic()
        while not self.healthy():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
            if time.monotonic() - began > HEALTHY_SECONDS:
                raise TimeoutError(f"{self.name} is not healthy after {HEALTHY_SECONDS} s")
            time.sleep(1)
        return time.monotonic() - began


def start_all(services: dict[str, Service]) -> dict[str, float]:
    """Start what the compose file starts, each after what it depends on; return seconds to healthy by service."""
    start_postgres(services["postgres"])
    waiting = {name: service for name, service in services.items() if name != "postgres"}
    finished = {"postgres"}
    healthy: dict[str, float] = {}
    while waiting:
        ready = [name for name, service in waiting.items() if finished.issuperset(service.get("depends_on", {}))]
        started = [Running(name, waiting.pop(name)) for name in ready]
        for one in started:
            if "healthcheck" in one.service:
                healthy[one.name] = one.wait_until_healthy()
            elif one.process.wait():
                raise RuntimeError(f"{one.name} ended with {one.process.returncode}")
            finished.add(one.name)
    return healthy


def run_example(password: str) -> dict[str, Any]:
    """Log in through the published port and run example_training."""
    api = AirflowApi("http://127.0.0.1:8080", "admin", password)
    api.log_in()
    deadline = time.monotonic() + 90
    while "example_training" not in api.dag_ids():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no example_training after 90 s: {api.import_errors()}")
        time.sleep(1)
    api.unpause("example_training")
    run_id = api.trigger("example_training")
    states = [*api.follow("example_training", run_id, timeout=420)][-1]
    for task in states:
        if task.state == "failed":
            print(f"--- log of {task.task_id}", *api.task_log("example_training", run_id, task), sep="\n", flush=True)
    return {
        "state": api.run_state("example_training", run_id),
        "tasks": {task.task_id: task.state for task in states},
    }


def main(resolved: Path, result: Path) -> None:
    services: dict[str, Service] = yaml.safe_load(resolved.read_text())["services"]
    lay_out_image(list(services))
    healthy = start_all(services)
    example = run_example(services["airflow-init"]["environment"]["AIRFLOW_ADMIN_PASSWORD"])
    result.write_text(json.dumps({"healthy": healthy, "example": example}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
