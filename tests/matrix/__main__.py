"""Run mldns on each Airflow that it is meant for, each in a venv of its own: `make matrix`.

    python -m tests.matrix                       # every version, all of it
    python -m tests.matrix 3.1 --quick           # one, what takes a minute: `.ci/run`
    python -m tests.matrix 3.3 --python python3.13
    python -m tests.matrix --lock                # write the locks of the older versions anew

Each version is resolved as of its own weeks: what came out later was never tried with it, and may break it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy import release_check

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "matrix"
UV = ROOT / ".venv" / "bin" / "uv"

LOCKED_AS_OF = {"3.1": ("3.1.7", "2026-02-20"), "3.2": ("3.2.2", "2026-06-20")}
"""Release and last day of what it is resolved with. 3.1.7 is what Google's managed Airflow runs."""
LOCKS = {**{version: HERE / f"airflow-{version}.txt" for version in LOCKED_AS_OF}, "3.3": ROOT / "constraints.txt"}

QUICK = (
    "tests/plugins",
    "tests/dags/test_dag_structure.py",
    "tests/mldns/operators/test_operators_templates.py",
    "tests/mldns/operators/test_operators_events.py",
    "tests/mldns/tasks",
    "tests/mldns/test_links.py",
)
"""Import, DagBag, the plugin, retries and events: where the versions differ."""
FULL = (
    "tests/plugins",
    "tests/dags/test_dag_structure.py",
    "tests/dags/test_dag_runs.py",
    "tests/mldns/operators",
    "tests/mldns/sensors",
    "tests/mldns/triggers",
    "tests/mldns/tasks",
    "tests/mldns/notifiers",
    "tests/mldns/test_links.py",
    "tests/mldns/test_task_groups.py",
    "tests/e2e/test_e2e_gate.py",
    "tests/ui/test_page_security.py",
)
"""Every operator, sensor and trigger, `dag.test()` of the DAGs, a standalone that defers, and the page."""


NOT_HERE = ("--deselect", "tests/plugins/test_plugin_loader.py::test_no_module_is_replaced_by_one_of_ours")
"""It asks for the checkout's `mldns`: here the wheel's is loaded, beside the plugins folder, and registered once."""


def main() -> int:
    """Run what was asked for, a line each; 0 when all of it passes."""
    options = _parser().parse_args()
    if options.lock:
        return lock()
    failed = []
    for version in options.versions or LOCKS:
        began = time.monotonic()
        try:
            passed = run(version, quick=options.quick, python=options.python)
        except release_check.CheckFailed as refused:
            print(f"matrix: {refused}", file=sys.stderr)
            passed = False
        print(f"matrix: Airflow {version} {'passed' if passed else 'FAILED'}, {time.monotonic() - began:.0f} s")
        failed += [] if passed else [version]
    return 1 if failed else 0


def run(version: str, *, quick: bool, python: str) -> bool:
    """Install one version with mldns's wheel, look whether Airflow finds it, and run the tests there.

    :param version: of Airflow, a key of `LOCKS`.
    :param quick: only what takes a minute.
    :param python: the interpreter.
    :return: whether all passed.
    :raises CheckFailed: at the first thing that cannot be installed or is not found.
    """
    with tempfile.TemporaryDirectory(prefix=f"mldns-matrix-{version}-") as temporary:
        folder = Path(temporary)
        extras = "google,amazon,kubernetes"
        tested = release_check.install(
            folder, extras=extras, constraints=LOCKS[version], python=python, more=["-r", HERE / "requirements.in"]
        )
        if not quick:
            release_check.look(folder, tested)
        chosen = QUICK if quick else ("-m", "not exhaustive", *FULL)
        command = [tested, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *NOT_HERE, *chosen]
        path = f"{tested.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "AIRFLOW_HOME": str(folder / "tests")}
        environment |= {"AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        return not subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def lock() -> int:
    """Resolve the older versions anew, as of their own weeks."""
    for version, (release, day) in LOCKED_AS_OF.items():
        form = ["--universal", "--python-version", "3.11", "--strip-extras", "--no-annotate", "--no-emit-index-url"]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as pin:
            pin.write(f"apache-airflow=={release}\n")
            pin.flush()
            asked = [HERE / "requirements.in", "--constraint", pin.name, "--exclude-newer", day]
            command = [UV, "pip", "compile", "--quiet", *form, "--custom-compile-command", "make matrix ARGS=--lock"]
            subprocess.run([*command, *asked, "--output-file", LOCKS[version]], check=True, cwd=ROOT)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(LOCKS)}")
    parser.add_argument("--quick", action="store_true", help="what takes a minute")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the venv")
    parser.add_argument("--lock", action="store_true", help="write the locks anew, and nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
