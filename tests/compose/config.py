"""docker-compose.yml as compose reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import podman_compose

ROOT = Path(__file__).resolve().parents[2]


def resolve(env_file: Path, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What `docker compose --env-file … config` prints (podman-compose asks its engine for nothing but a version)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLDNS", "POSTGRES"))}
    command = [Path(sys.executable).parent / "podman-compose", "--podman-path", sys.executable]
    command += ["--env-file", env_file, "--file", ROOT / "docker-compose.yml", "config"]
    return subprocess.run(command, env=clean | dict(extra or {}), capture_output=True, text=True, check=False, cwd=ROOT)


def values(text: str) -> dict[str, str]:
    """The variables of an .env file's text."""
    lines = (line for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def fill_in(variable: str, variables: Mapping[str, str]) -> list[str]:
    """What compose makes of each place in docker-compose.yml that names a variable. ValueError where it is missing."""
    text = (ROOT / "docker-compose.yml").read_text()
    places = re.findall(rf"\$\{{{variable}\b[^}}]*\}}", text)
    return [podman_compose.var_interpolate(place, dict(variables)) for place in places]
