"""The plugins folder under Airflow's own loader, in a fresh process, since it fills `sys.modules`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mldns.records.names import job_label
from tests.dags.conftest import ROOT, airflow_environment

PROGRAM = """
import json, sys
import dns, types
from airflow import plugins_manager
try:
    plugins, errors = plugins_manager._get_plugins()
    from airflow.sdk.plugins_manager import integrate_macros_plugins
except AttributeError:  # 3.1
    plugins_manager.ensure_plugins_loaded()
    plugins, errors = plugins_manager.plugins, plugins_manager.import_errors
    from airflow.plugins_manager import integrate_macros_plugins
integrate_macros_plugins()
from airflow.sdk.execution_time import macros
import dns.message, mldns.operators.cloud_dns
print(json.dumps({
    "plugins": [plugin.name for plugin in plugins],
    "errors": errors,
    "label": macros.mldns.job_label("a b"),
    "dns": sys.modules["dns"].__file__,
    "types": sys.modules["types"].__file__,
    "mldns": sys.modules["mldns"].__file__,
    "bare": sorted(name for name in sys.modules if name in {"arguments", "messages", "metrics"}),
    "heavy": sorted(name for name in sys.modules if name.startswith(("google.cloud.", "dns.resolver"))),
}))
"""


def loaded(plugins: Path, home: Path) -> dict[str, Any]:
    environment = airflow_environment(home) | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)}
    # As in a deployment: the folder is on the path because it is the plugins folder, and for no other reason.
    del environment["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return loaded(ROOT / "plugins", tmp_path_factory.mktemp("home"))


def test_it_loads_exactly_one_plugin_without_errors(ours: dict[str, Any]) -> None:
    assert ours["errors"] == {}
    assert ours["plugins"].count("mldns") == 1


def test_a_template_makes_a_job_of_any_text(ours: dict[str, Any]) -> None:
    """`{{ macros.mldns.job_label(run_id) }}`, as a refused job name advises."""
    assert ours["label"] == job_label("a b")


def test_no_module_is_replaced_by_one_of_ours(ours: dict[str, Any]) -> None:
    assert "site-packages/dns/" in ours["dns"]
    assert ours["bare"] == []
    assert ours["mldns"] == str(ROOT / "plugins" / "mldns" / "__init__.py")


def test_the_shim_loads_nothing_heavy(ours: dict[str, Any]) -> None:
    assert ours["heavy"] == []


def test_what_a_build_left_beside_it_does_not_hide_the_plugin(tmp_path: Path) -> None:
    """`pip install .` of the checkout leaves it."""
    folder = tmp_path / "plugins"
    (folder / "mldns.egg-info").mkdir(parents=True)
    (folder / "mldns.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: mldns\nVersion: 0.0.1\n")
    plugin = "[airflow.plugins]\nmldns = mldns.ui.plugin:MldnsPlugin\n"
    (folder / "mldns.egg-info" / "entry_points.txt").write_text(plugin)
    for name in ("mldns", "mldns_plugin.py", ".airflowignore"):
        (folder / name).symlink_to(ROOT / "plugins" / name)
    found = loaded(folder, tmp_path)
    assert (found["plugins"].count("mldns"), found["errors"]) == (1, {})
