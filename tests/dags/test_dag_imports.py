"""What importing a DAG file loads: the DAG processor does it every half minute, each in a fresh process."""

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
ALLOWED = 1.15

OPERATORS = "import mldns.operators.cloud_dns, mldns.operators.discovery"
STATEMENTS = {
    "mldns.operators.cloud_dns": OPERATORS,
    **{file.name: f"import runpy; runpy.run_path({str(file)!r})" for file in FILES},
}
HOOK = "import mldns.hooks.cloud_dns"
PROGRAM = """
import json, os, sys

def size():
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    files = [spec.origin for spec in specs if spec is not None and spec.has_location]
    return sum(os.path.getsize(file) for file in files if file.endswith(".py"))

import airflow.sdk
alone = size()
{statement}
print(json.dumps([size() / alone, sorted(sys.modules)]))
"""


@dataclass(frozen=True)
class Imported:
    """What a statement behind `import airflow.sdk` loads in a fresh interpreter.

    :param size: octets of source of all modules, over those of airflow.sdk alone: the same on a busy machine.
    """

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
    size, modules = json.loads(done.stdout.splitlines()[-1])
    return Imported(size, set(modules))


@pytest.mark.parametrize("name", STATEMENTS)
def test_nothing_heavy_is_loaded(name: str, tmp_path: Path) -> None:
    found = imported(STATEMENTS[name], tmp_path)
    assert {module for module in found.modules if module.startswith(HEAVY)} == set()
    assert 1 < found.size <= ALLOWED


def test_the_list_of_heavy_modules_is_what_the_hook_loads(tmp_path: Path) -> None:
    """So that a renamed module does not make the test above pass for nothing, nor a size that sees nothing."""
    found = imported(f"{HOOK}, mldns.providers.gcp.client, mldns.gate.exchange", tmp_path)
    assert {"google.cloud.dns", "google.auth", "airflow.providers.google.common.hooks.base_google"} <= found.modules
    assert found.size > ALLOWED
