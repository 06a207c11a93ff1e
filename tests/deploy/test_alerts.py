"""The Prometheus rules: they parse, fire and stay silent as they should, on metrics that are really sent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus"


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: prometheus)")
@pytest.mark.parametrize(
    "command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join
)
def test_the_alerts_fire_when_they_should(command: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *command], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_ask_for_metrics_that_are_documented() -> None:
    """`docs/metrics.md` lists what the code sends, and a test of its own holds that."""
    listed = set(re.findall(r"^\| `(mldns[a-z.]+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    sent = {f"airflow_{name.replace('.', '_')}" for name in listed}
    asked = set(re.findall(r"airflow_mldns_\w+", (RULES / "alerts.yml").read_text()))
    assert {re.sub(r"_seconds_(sum|count)$", "", name) for name in asked} <= sent
    assert len(asked) >= 5
