"""Processes of their own that use the real hook, forked from one that has imported it: an import takes seconds."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from tests.mldns.under_fire.world import Json

ROOT = Path(__file__).resolve().parents[3]

Task = tuple[str, Json]
"""A method of the hook and its arguments."""


class Writers:
    """Starts processes that each call the hook once on the same connection."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.mldns.under_fire.warmed_up"])
        self._started: list[BaseProcess] = []

    def start(self, task: Task) -> tuple[BaseProcess, SimpleQueue[Json]]:
        """A process at work, and where it will put its report: `{"report": …}` or `{"error": class, "line": text}`.

        It first puts `{"begun": pid}`, when nothing but the call itself is left to do.
        """
        reports: SimpleQueue[Json] = self._context.SimpleQueue()
        process = self._context.Process(target=_call, args=(self._connection, *task, reports))
        process.start()
        self._started.append(process)
        return process, reports

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.join()


@contextmanager
def writers(connection: str) -> Iterator[Writers]:
    """Writers that leave no process behind."""
    # Python 3.11 gives the fork server no sys.path: it would import nothing, and say nothing.
    former = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT / 'plugins'}{os.pathsep}{ROOT}"
    made = Writers(connection)
    try:
        yield made
    finally:
        made.end()
        if former is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = former


def _call(connection: str, method: str, arguments: Json, reports: SimpleQueue[Json]) -> None:
    from mldns.exceptions import MldnsError
    from mldns.hooks.cloud_dns import CloudDNSHook

    os.environ["AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"] = connection
    hook = CloudDNSHook()
    reports.put({"begun": os.getpid()})
    try:
        reports.put({"report": getattr(hook, method)(**arguments)})
    except MldnsError as error:
        reports.put({"error": type(error).__name__, "line": str(error)})
