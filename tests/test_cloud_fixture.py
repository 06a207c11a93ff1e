"""The tests' own stand-in: whoever kills the tests leaves none behind."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PROGRAM = """
import time
from tests.cloud_fixture import launch

print(launch().process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (Debian: util-linux)")
def test_it_ends_with_tests_that_are_killed() -> None:
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=root, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        cloud = int(tests.stdout.readline())
        tests.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(cloud).wait(60)
