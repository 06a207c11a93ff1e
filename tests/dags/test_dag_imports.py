"""What importing a DAG file loads and costs: the DAG processor does it every half minute, each in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
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

OPERATORS = "import mldns.operators.cloud_dns, mldns.operators.discovery"
STATEMENTS = {
    "mldns.operators.cloud_dns": OPERATORS,
    **{file.name: f"import runpy; runpy.run_path({str(file)!r})" for file in FILES},
}
HOOK = "import mldns.hooks.cloud_dns"
PROGRAM = """
import json, os, sys, time

def size():
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    files = [spec.origin for spec in specs if spec is not None and spec.has_location]
    return sum(os.path.getsize(file) for file in files if file.endswith(".py"))

begin = time.process_time()
import airflow.sdk
airflow = time.process_time() - begin, size()
begin = time.process_time()
{statement}
ours = time.process_time() - begin, size() - airflow[1]
print(json.dumps([*(1 + more / base for base, more in zip(airflow, ours)), sorted(sys.modules)]))
"""


@dataclass(frozen=True)
class Imported:
    """A statement behind `import airflow.sdk` in a fresh interpreter: both over airflow.sdk alone, and what is loaded.

    Both halves are timed in one process, for on a busy machine two processes may run at half each other's pace.
    """

    cpu: float
    size: float
    modules: set[str]


def imported(statement: str, home: Path) -> Imported:
    """Import `statement` as the DAG processor would."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(statement=statement)],
        env=airflow_environment(home),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    cpu, size, modules = json.loads(done.stdout.splitlines()[-1])
    return Imported(cpu, size, set(modules))


@pytest.mark.parametrize("name", STATEMENTS)
def test_nothing_heavy_is_loaded(name: str, tmp_path: Path) -> None:
    """Neither by name, nor in bytes of source, which the load of this machine does not change."""
    found = imported(STATEMENTS[name], tmp_path)
    assert {module for module in found.modules if module.startswith(HEAVY)} == set()
    assert 1 < found.size <= ALLOWED


def test_the_list_of_heavy_modules_is_what_the_hook_loads(tmp_path: Path) -> None:
    """So that a renamed module does not make the test above pass for nothing, nor a size that sees nothing."""
    found = imported(f"{HOOK}, mldns.providers.gcp.client, mldns.gate.exchange", tmp_path)
    assert {"google.cloud.dns", "google.auth", "airflow.providers.google.common.hooks.base_google"} <= found.modules
    assert found.size > ALLOWED


@pytest.mark.slow
def test_it_costs_little_beside_airflow_itself(tmp_path: Path) -> None:
    """In CPU time, the least of some tries; the hook, which costs more than is allowed, shows that this would tell."""
    statements = {**STATEMENTS, "hook": HOOK}
    rounds = [{name: imported(text, tmp_path).cpu for name, text in statements.items()} for _ in range(ROUNDS)]
    least = {name: min(ratios[name] for ratios in rounds) for name in statements}
    assert least.pop("hook") > ALLOWED
    assert max(least.values()) <= ALLOWED, least
