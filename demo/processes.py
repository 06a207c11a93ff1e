"""The processes of one run: started, watched and, whatever happens, gone at its end.

Airflow puts every task into a process group of its own, tasks start sessions of their own, and a parent that is killed
leaves its children to init. So neither the process tree nor a process group says what a run has started. Each process
therefore carries the run's mark in its environment, which children inherit, and a run ends when nobody has it any more.
A keeper process does the same when this process dies without a chance to.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import psutil

MARK = "MLDNS_RUN_MARK"
_PATIENCE_SECONDS = 5.0
_EXEC_SECONDS = 0.1


class ProcessDied(RuntimeError):
    """A process that should be serving has ended; the message has its exit code and the end of its log."""


@dataclass(frozen=True, slots=True)
class Managed:
    """One started process and the file that takes what it prints (both streams)."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 25) -> str:
        """Return the last `lines` lines that the process printed."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def check(self) -> None:
        """Raise ProcessDied if the process has ended."""
        code = self.popen.poll()
        if code is not None:
            raise ProcessDied(f"{self.name} ended with exit code {code}; its last lines:\n{self.tail()}")


class Crew:
    """All processes of one run. Use as a context manager: at its end none of them runs, nor any of their children."""

    def __init__(self) -> None:
        self.mark = uuid4().hex
        self._members: list[Managed] = []
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # The keeper sees end-of-file on its standard input when this process dies, however it dies.
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "demo.keeper", self.mark],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with signals_held():
            self.stop()
            if self._keeper is not None and self._keeper.stdin is not None:
                self._keeper.stdin.close()
                self._keeper.wait()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
    ) -> Managed:
        """Start `argv` in a session of its own (a Ctrl-C in the terminal reaches only this process)."""
        log.parent.mkdir(parents=True, exist_ok=True)
        # setproctitle, which Airflow uses, would write its titles over the environment that carries the mark.
        marked = {**env, MARK: self.mark, "SPT_NOENV": "1"}
        with log.open("ab") as sink:
            popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=marked,
                cwd=cwd,
                start_new_session=True,
            )
        managed = Managed(name, popen, log)
        self._members.append(managed)
        return managed

    def stop(self) -> None:
        """End every process of the run, all at once; those that do not listen are killed."""
        sweep(self.mark)
        for member in self._members:
            member.popen.wait()
        self._members.clear()

    def running(self) -> list[psutil.Process]:
        """Return the run's processes that are alive, children of children included."""
        return marked_processes(self.mark)


def marked_processes(mark: str) -> list[psutil.Process]:
    """Return the live processes that carry `mark` in their environment (not zombies, nor who is only just starting)."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # gone meanwhile, or somebody else's
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def sweep(mark: str) -> None:
    """Terminate, then kill, everything that carries `mark`, until two looks in a row find nothing.

    One look is not enough: in the middle of its exec a process has no environment to look at yet.
    """
    told: set[int] = set()
    patience = time.monotonic() + _PATIENCE_SECONDS
    quiet_looks = 0
    while quiet_looks < 2:
        processes = marked_processes(mark)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                if time.monotonic() >= patience:
                    process.kill()
                elif process.pid not in told:
                    process.terminate()
            told.add(process.pid)
        if processes:
            quiet_looks = 0
            psutil.wait_procs(processes, timeout=0.5)
        else:
            quiet_looks += 1
            time.sleep(_EXEC_SECONDS)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Ignore SIGINT, SIGTERM and SIGHUP meanwhile: the end of a run must not be cut short by an impatient Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, signal.SIG_IGN) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def raise_on_termination() -> None:
    """Make SIGTERM, SIGHUP and SIGINT end this process as an exception does, so that every `with` block cleans up.

    A shell starts background jobs deaf to SIGINT, which their children inherit: so SIGINT is set, too.
    """

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends (Linux; elsewhere init stays that).

    In a container the first process is often not an init that buries its dead, and then the killed parts of Airflow
    would stay in the process list for as long as the container lives.
    """
    if sys.platform == "linux":
        set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER in linux/prctl.h
        ctypes.CDLL(None, use_errno=True).prctl(set_child_subreaper, 1, 0, 0, 0)


def bury_orphans() -> None:
    """Reap the dead children of this process. Not for a program that waits for children of its own elsewhere."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
