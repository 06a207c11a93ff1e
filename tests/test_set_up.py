"""What stands before the first command: the Makefile's own messages, and a lock that fits what it locks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.matrix.__main__ import LOCKS

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ("setup", "test", "test-all", "lint", "lock", "demo", "up", "bench", "verify-google", "env")


def pins(file: str) -> dict[str, set[str]]:
    """Package name to the versions that a requirements file pins (a lock may pin one for each Python)."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / file).read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line):
            found.setdefault(match[1].lower().replace("_", "-"), set()).add(match[2])
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned_and_locked_at_that_version(file: str) -> None:
    direct = [line for line in (ROOT / file).read_text().splitlines() if line and line[0] not in "#-"]
    asked = pins(file)
    assert len(asked) == len(direct), "each line pins one version"
    locked = pins("constraints.txt")
    assert {name: locked.get(name) for name in asked} == asked


def test_the_lock_names_no_index_and_no_place_on_a_disk() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 200
    assert [line for line in lines if "://" in line or "@" in line or line.startswith(("-", "/", "."))] == []


def test_the_image_holds_what_the_services_need() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source.rstrip("/") for line in copied for source in line.split()]
    assert {"plugins", "dags", "localcloud", "deploy", "requirements.txt", "constraints.txt"} == set(sources)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == set(sources), "what .dockerignore lets through is what is copied"
    assert [source for source in sources if not (ROOT / source).exists()] == []


def make(*arguments: str, path: str | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make with nothing but `path` in its environment."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("needs make")
    environment = {"PATH": path if path is not None else "/usr/bin:/bin"}
    command = [program, "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_make_alone_lists_the_commands() -> None:
    result = make()
    assert result.returncode == 0, result.stderr
    listed = [line.split()[1] for line in result.stdout.splitlines()]
    assert set(COMMANDS) <= set(listed)


def test_without_a_fitting_python_the_first_line_says_what_to_do(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "awk"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    old = tools / "python3"  # one that is there, but too old
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make("demo", path=str(tools), cwd=tmp_path)
    assert result.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13" in result.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_verify_google_asks_for_the_project(tmp_path: Path) -> None:
    # Newer than any requirement, so nothing is installed. The Makefile itself must not stand in: make would remake it.
    stamp = tmp_path / "installed"
    stamp.touch()
    result = make("verify-google", f"STAMP={stamp}")
    assert result.returncode != 0
    assert "PROJECT=" in result.stderr.splitlines()[0]


def test_the_workflow_runs_every_version_and_only_commands_that_there_are() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    cells = workflow["jobs"]["matrix"]["strategy"]["matrix"]
    assert cells["airflow"] == list(LOCKS)
    assert f"3.{sys.version_info.minor}" in cells["python"]
    listed = {line.split()[1] for line in make().stdout.splitlines()}
    asked = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert {words[1] for words in map(str.split, asked) if words[0] == "make"} <= listed


@pytest.mark.parametrize("version", ["3.1", "3.2"])
def test_the_floors_are_what_the_oldest_lock_holds(version: str) -> None:
    """No floor above what the matrix installs: uv would refuse it there, a user with it at home."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    floors = [Requirement(text) for text in [*project["dependencies"], *extras["google"], *extras["amazon"]]]
    locked = pins(str(LOCKS[version].relative_to(ROOT)))
    assert [str(floor) for floor in floors if not any(floor.specifier.contains(v) for v in locked[floor.name])] == []
