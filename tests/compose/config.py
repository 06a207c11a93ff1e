"""docker-compose.yml as compose reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def resolve(env_file: Path, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What `docker compose --env-file … config` prints (podman-compose asks its engine for nothing but a version)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLDNS", "POSTGRES"))}
    command = [Path(sys.executable).parent / "podman-compose", "--podman-path", sys.executable]
    command += ["--env-file", env_file, "--file", ROOT / "docker-compose.yml", "config"]
    return subprocess.run(command, env=clean | dict(extra or {}), capture_output=True, text=True, check=False, cwd=ROOT)
