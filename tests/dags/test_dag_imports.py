"""What importing a DAG file loads and costs: the DAG processor does it every half minute, each in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dags.conftest import ROOT, airflow_environment

FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = (
    "google.cloud.",
    "googleapiclient",
    "google.auth",
    "google.api_core",
    "dns.resolver",
    "dns.asyncresolver",
    "airflow.providers.google.common",
    "airflow.providers.google.cloud",
    "airflow.providers.cncf.kubernetes.hooks",
    "kubernetes",
    "jax",
    "numpy",
)
ROUNDS = 3
ALLOWED = 1.15

SDK = "import airflow.sdk"
OPERATORS = f"{SDK}, mldns.operators.cloud_dns, mldns.operators.discovery"
STATEMENTS = {
    "mldns.operators.cloud_dns": OPERATORS,
    **{file.name: f"{SDK}, runpy; runpy.run_path({str(file)!r})" for file in FILES},
}
PROGRAM = """
import time
begin = time.process_time()
{statement}
spent = time.process_time() - begin
import json, sys
print(json.dumps([spent, sorted(sys.modules)]))
"""


def imported(statement: str, home: Path) -> tuple[float, set[str]]:
    """CPU seconds of a statement in a fresh interpreter, and the modules that it leaves loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(statement=statement)],
        env=airflow_environment(home),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    spent, modules = json.loads(done.stdout.splitlines()[-1])
    return spent, set(modules)


@pytest.mark.parametrize("name", STATEMENTS)
def test_nothing_heavy_is_loaded(name: str, tmp_path: Path) -> None:
    _, modules = imported(STATEMENTS[name], tmp_path)
    assert {module for module in modules if module.startswith(HEAVY)} == set()


def test_the_list_of_heavy_modules_is_what_the_hook_loads(tmp_path: Path) -> None:
    """So that a renamed module does not make the test above pass for nothing."""
    _, modules = imported("import mldns.hooks.cloud_dns, mldns.gcp.dns, mldns.dns_exchange", tmp_path)
    assert {"google.cloud.dns", "google.auth", "airflow.providers.google.common.hooks.base_google"} <= modules


@pytest.mark.slow
def test_it_costs_little_beside_airflow_itself(tmp_path: Path) -> None:
    """In CPU time and interleaved, since other processes share this machine."""
    statements = {"airflow.sdk": SDK, **STATEMENTS}
    rounds = [{name: imported(text, tmp_path)[0] for name, text in statements.items()} for _ in range(ROUNDS)]
    least = {name: min(times[name] for times in rounds) for name in statements}
    ratios = {name: seconds / least["airflow.sdk"] for name, seconds in least.items()}
    assert max(ratios.values()) <= ALLOWED, ratios
