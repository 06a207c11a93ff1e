"""Run the ranks of a training as processes of this machine, and leave none behind.

On a cluster each rank runs on its own host and a launcher such as JobSet or torchrun does this.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from types import FrameType

import mldns

WORKER = Path(__file__).with_name("jax_worker.py")
GRACE = 2.0  # seconds between asking a rank to end and killing it: Airflow itself waits 5 before it kills the task


class TrainingFailed(RuntimeError):
    """A rank failed, or the ranks do not agree on the result."""


class Stopped(BaseException):
    """The task was told to end. Not an Exception: nothing between here and Airflow should take it for an error."""


def run_workers(
    *, count: int, environment: Mapping[str, str], options: Sequence[str] = (), timeout: float = 600.0
) -> str:
    """Run ranks 0 to `count - 1`, print what they print, and return the last line, which all ranks must share.

    :param environment: the whole environment of each rank.
    :param options: more arguments for the worker program.
    :param timeout: seconds for all of them together.
    :raises TrainingFailed: naming the first rank that failed; the others are ended at once, since they would wait for
        it in a collective.
    """
    with _stop_on_sigterm():
        processes: list[subprocess.Popen[str]] = []
        readers: list[_Reader] = []
        # The workers find mldns where this process did, installed or not.
        paths = [str(Path(mldns.__file__).parents[1]), *filter(None, [environment.get("PYTHONPATH")])]
        try:
            for rank in range(count):
                command = [sys.executable, str(WORKER), "--rank", str(rank), "--until-stdin-closes", *options]
                # The pipe to its input closes with this process, even if that is killed: no rank outlives it.
                process = subprocess.Popen(  # noqa: S603 - this very interpreter, our own program
                    command,
                    env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
                processes.append(process)
                readers.append(_Reader(rank, process))
            _wait(processes, readers, time.monotonic() + timeout)
        finally:
            _end(processes)
    lines = [reader.last_line() for reader in readers]
    if len(set(lines)) != 1:
        raise TrainingFailed(f"the ranks do not agree on the result: {lines}")
    return lines[0]


def _wait(processes: Sequence[subprocess.Popen[str]], readers: Sequence[_Reader], deadline: float) -> None:
    while True:
        codes = [process.poll() for process in processes]
        for rank, code in enumerate(codes):
            if code:
                raise TrainingFailed(f"rank {rank} ended with {code}: {readers[rank].last_line()}")
        if None not in codes:
            return
        if time.monotonic() > deadline:
            late = [rank for rank, code in enumerate(codes) if code is None]
            raise TrainingFailed(f"time is up, rank(s) {late} still running")
        time.sleep(0.05)


def _end(processes: Sequence[subprocess.Popen[str]]) -> None:
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exception for a while.

    Airflow's own handler only calls the operator's `on_kill`, so a Python task would run on until SIGKILL, which it
    could not clean up after.
    """

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise Stopped(f"signal {signum}")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Reader:
    """Prints a rank's lines as they come and keeps the last one."""

    def __init__(self, rank: int, process: subprocess.Popen[str]) -> None:
        self._last = ""
        self._thread = Thread(target=self._read, args=(rank, process.stdout or ()), daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """The last line, once the process has ended; what there is of it after a second otherwise."""
        self._thread.join(1.0)
        return self._last

    def _read(self, rank: int, stream: Iterable[str]) -> None:
        for line in stream:
            text = line.rstrip()
            print(f"[rank {rank}] {text}", flush=True)
            self._last = text or self._last
