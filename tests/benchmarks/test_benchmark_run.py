"""`make bench`, small: every contender leaves what was asked for, and mldns needs fewer calls than a plain loop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_small_benchmark_writes_its_report(tmp_path: Path) -> None:
    output = tmp_path / "results.md"
    command = [sys.executable, "-m", "benchmarks", "--sizes", "30", "--output", output]
    environment = {**os.environ, "PYTHONPATH": "plugins"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = re.findall(r"^\| (\w+) \| (.+?) \| [\d.]+ s \| ([\d,]+) \|", output.read_text(), re.MULTILINE)
    calls = {(step, contender): int(count.replace(",", "")) for step, contender, count in rows}
    for step in ("create", "change", "delete"):
        assert calls[step, "mldns hook"] < 15 < calls[step, "google-cloud-dns, a change a record"]
