"""Builds the wheel, installs it into a fresh venv beside Airflow, and looks for everything: `make release-check`.

No plugins folder and no checkout are on the path of that venv: what Airflow finds, the wheel brought.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_NO_SOURCES = ("*.egg-info", "__pycache__", "build", "dist", "logs")

# The API server's own application, without a port: `/mldns/` answers only where a user is logged in.
PAGE = """
import json
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app
client = TestClient(create_app(apps="core"))
print(json.dumps({path: client.get(path).status_code for path in ("/mldns/", "/mldns/run", "/mldns/static/style.css")}))
"""
PLUGINS = """
import json
from airflow import plugins_manager
if hasattr(plugins_manager, "_get_plugins"):
    plugins, errors = plugins_manager._get_plugins()
else:  # 3.1
    plugins_manager.ensure_plugins_loaded()
    plugins, errors = plugins_manager.plugins, plugins_manager.import_errors
print(json.dumps({"plugins": [plugin.name for plugin in plugins], "errors": errors}))
"""


class CheckFailed(Exception):
    """The wheel is not fit for a release; the message says what is wrong."""


def main() -> int:
    """Run every check, a line each; 0 when all hold."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="mldns-release-") as folder:
        try:
            check(Path(folder), constraints=options.constraints, dist=options.dist)
        except CheckFailed as failed:
            print(f"release-check: {failed}", file=sys.stderr)
            return 1
    print("release-check: the wheel is complete")
    return 0


def check(folder: Path, *, constraints: Path, dist: Path) -> None:
    """Build, install and look.

    :param folder: an empty folder for the venv and Airflow's home.
    :param constraints: versions to install, as pip reads them.
    :param dist: where the wheel and the source archive go.
    :raises CheckFailed: at the first thing that is missing.
    """
    look(folder, install(folder, extras="google", constraints=constraints, dist=dist))


def install(
    folder: Path,
    *,
    extras: str,
    constraints: Path,
    dist: Path = ROOT / "dist",
    python: str = sys.executable,
    more: Sequence[str | Path] = (),
) -> Path:
    """Build the wheel and install it into a fresh venv.

    :param folder: where the venv goes.
    :param extras: of the wheel.
    :param constraints: versions to install, as pip reads them.
    :param dist: where the wheel and the source archive go.
    :param python: the interpreter of the venv.
    :param more: what else to install.
    :return: the venv's interpreter.
    :raises CheckFailed: it cannot be built or installed.
    """
    uv = ROOT / ".venv" / "bin" / "uv"
    _step("building the wheel and the source archive")
    for old in dist.glob("mldns-*"):
        old.unlink()
    # Of a copy: a build leaves `plugins/mldns.egg-info`, and Airflow would take the checkout for an installed mldns.
    source = shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(".*", *_NO_SOURCES))
    _run([uv, "build", "--quiet", "--out-dir", dist], cwd=source)
    wheel = next(dist.glob("mldns-*.whl"))
    binaries = folder / "venv" / "bin"
    _step(f"installing {wheel.name}[{extras}] into a fresh venv, versions of {constraints.name}")
    _run([uv, "venv", "--quiet", "--python", python, folder / "venv"])
    asked = [f"{wheel}[{extras}]", *more, "--constraint", constraints]
    _run([uv, "pip", "install", "--quiet", "--python", binaries / "python", *asked])
    _run([uv, "pip", "check", "--quiet", "--python", binaries / "python"])
    return binaries / "python"


def look(folder: Path, python: Path) -> None:
    """Look whether an Airflow with the wheel, and nothing else of mldns, finds all of it.

    :param folder: where Airflow's home goes.
    :param python: of the venv.
    :raises CheckFailed: at the first thing that is missing.
    """
    home = {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    _step("asking Airflow for the provider")
    provider = json.loads(_run([python.parent / "airflow", "providers", "get", "mldns", "-o", "json"], home)[-1])
    if not provider:
        raise CheckFailed("`airflow providers get mldns` lists nothing")
    _step("asking Airflow for the plugin")
    found = json.loads(_run([python, "-c", PLUGINS], home)[-1])
    if found["plugins"].count("mldns") != 1 or found["errors"]:
        raise CheckFailed(f"Airflow's plugins are {found}")
    _step("asking for the page without being logged in")
    _run([python.parent / "airflow", "db", "migrate"], home)
    answers = json.loads(_run([python, "-c", PAGE], home)[-1])
    if set(answers.values()) != {401}:
        raise CheckFailed(f"the page's routes answer {answers} to nobody in particular; 401 is expected")
    _step("asking the program on the hosts for its version")
    version = _run([python.parent / "mldns", "--version"], home)[-1]
    installed = _run([python, "-c", "from importlib.metadata import version; print(version('mldns'))"], home)[-1]
    if version.split()[-1] != installed:
        raise CheckFailed(f"`mldns --version` says {version!r}, the wheel is {installed}")


def _run(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> list[str]:
    """Run a command and return the lines that it printed."""
    left_out = {"PYTHONPATH", "PYTHONHOME"}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    done = subprocess.run(
        [str(part) for part in command],
        env={**inherited, **(environment or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CheckFailed(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if line.strip()] or [""]


def _step(what: str) -> None:
    print(f"release-check: {what}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make release-check", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt", help="versions to install")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where the wheel goes (default: dist)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
