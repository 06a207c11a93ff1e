"""The services of docker-compose.yml, each by its own command, on a real PostgreSQL: healthy, and able to train."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.config import ROOT, resolve

# A process and everything below it, with the network, the mounts and the process numbers of a machine of its own.
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def what_is_missing() -> str:
    """Why the services cannot be run here, or an empty string."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux (namespaces)"
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return "needs util-linux"
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return "needs Debian's postgresql"
    if not [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]:
        return "needs Debian's postgresql"
    probe = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return f"no namespaces here: {probe.stderr.strip()}" if probe.returncode else ""


@pytest.mark.slow
@pytest.mark.e2e
def test_every_service_becomes_healthy_and_the_example_trains(env_file: Path, tmp_path: Path) -> None:
    if missing := what_is_missing():
        pytest.skip(missing)
    resolved, result, log = tmp_path / "resolved.yml", tmp_path / "result.json", tmp_path / "log"
    resolved.write_text(resolve(env_file).stdout)
    with log.open("w") as sink:
        command = [*NAMESPACES, sys.executable, "-m", "tests.compose.container", resolved, result]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        ended = subprocess.run(command, stdout=sink, stderr=sink, env=environment, cwd=ROOT, timeout=900, check=False)
    assert ended.returncode == 0, "\n".join(log.read_text().splitlines()[-60:])
    outcome = json.loads(result.read_text())
    assert set(outcome["healthy"]) == {
        "localcloud",
        "airflow-apiserver",
        "airflow-scheduler",
        "airflow-dag-processor",
        "airflow-triggerer",
    }
    assert outcome["example"]["state"] == "success", "\n".join(log.read_text().splitlines()[-60:])
    assert set(outcome["example"]["tasks"].values()) == {"success"}
