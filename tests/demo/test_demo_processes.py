"""Whatever a run starts is gone at its end, however its end comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import MARK, Crew, ProcessDied, marked_processes

ROOT = Path(__file__).resolve().parents[2]

# A child that escapes as Airflow's tasks do: another session, another parent, a new title, deaf to SIGTERM.
ESCAPING = """
import os, signal, subprocess, sys, time
grandchild = '''
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
'''
child = subprocess.Popen([sys.executable, "-c", grandchild], start_new_session=True, stdout=subprocess.PIPE)
child.stdout.readline()
from setproctitle import setproctitle
setproctitle("airflow worker -- " + "x" * 400)
print("escaped", flush=True)
"""

OWNER = """
import sys, time
from pathlib import Path
from demo.processes import Crew, raise_on_termination
raise_on_termination()
with Crew() as crew:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    crew.start("sleeper", sleep, env={}, cwd=Path.cwd(), log=Path(sys.argv[1]))
    print(crew.mark, flush=True)
    time.sleep(600)
"""


def wait_for_count(mark: str, count: int, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while len(found := marked_processes(mark)) != count:
        assert time.monotonic() < deadline, f"running: {found}"
        time.sleep(0.05)


def test_a_process_that_left_its_parent_its_session_and_its_title_is_found_and_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Crew() as crew:
        started = crew.start("escaping", [sys.executable, "-c", ESCAPING], env=dict(os.environ), cwd=tmp_path, log=log)
        started.popen.wait(30)
        assert started.tail() == "escaped"
        wait_for_count(crew.mark, 1)
    assert marked_processes(crew.mark) == []


def test_a_process_that_died_is_reported_with_its_exit_code_and_last_words(tmp_path: Path) -> None:
    with Crew() as crew:
        argv = [sys.executable, "-c", "print('no such zone'); raise SystemExit(3)"]
        process = crew.start("thing", argv, env={}, cwd=tmp_path, log=tmp_path / "log")
        process.popen.wait(30)
        with pytest.raises(ProcessDied, match=r"thing ended with exit code 3.*\n.*no such zone"):
            process.check()


def test_two_runs_see_only_their_own(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with Crew() as one:
        mine = one.start("one", sleep, env={}, cwd=tmp_path, log=tmp_path / "one")
        with Crew() as two:
            two.start("two", sleep, env={}, cwd=tmp_path, log=tmp_path / "two")
        wait_for_count(one.mark, 1)
        assert mine.popen.poll() is None
        assert [process.pid for process in marked_processes(one.mark)] == [mine.popen.pid]


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that runs a crew, and the crew's mark."""
    argv = [sys.executable, "-c", OWNER, str(tmp_path / "log")]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    with process:
        try:
            mark = process.stdout.readline().strip()
            wait_for_count(mark, 1)
            yield process, mark
        finally:
            process.kill()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_an_owner_that_is_told_to_end_or_killed(
    owner: tuple[subprocess.Popen[str], str], kind: signal.Signals
) -> None:
    process, mark = owner
    process.send_signal(kind)
    process.wait(20)
    wait_for_count(mark, 0)


def test_the_mark_is_in_the_environment_of_children(tmp_path: Path) -> None:
    with Crew() as crew:
        argv = [sys.executable, "-c", f"import os; print(os.environ[{MARK!r}])"]
        process = crew.start("echo", argv, env={}, cwd=tmp_path, log=tmp_path / "log")
        process.popen.wait(30)
        assert process.tail() == crew.mark
