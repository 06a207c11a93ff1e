"""What a person sees of a run: one line for each step as it happens, then what it proved."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.status import Status

from demo.cloud import LocalCloud
from demo.example import Outcome
from demo.lookups import Answer
from demo.rest import TaskState
from demo.standalone import Standalone

_STYLES = {"success": "green", "failed": "red", "upstream_failed": "red", "up_for_retry": "yellow", "skipped": "dim"}
_WAITING = {None, "scheduled", "queued"}


class Story:
    """Prints to `console`; on a terminal it also shows what is going on right now."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._seen: dict[tuple[str, int], str | None] = {}
        self._status: Status | None = None

    def line(self, text: str) -> None:
        """Print a step of the story with the seconds since its beginning."""
        self._console.print(
            f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {text}", highlight=False, soft_wrap=True
        )

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show `what` as going on while the block runs."""
        with self._console.status(what) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def tasks(self, states: Iterable[TaskState]) -> None:
        """Print each task whose state is another than at the last call."""
        running = []
        for task in states:
            key = (task.task_id, task.map_index)
            if task.state == "running":
                running.append(task.task_id)
            if self._seen.get(key) != task.state and task.state not in _WAITING:
                self._seen[key] = task.state
                style = _STYLES.get(str(task.state), "cyan")
                took = (
                    f" {task.seconds:.1f} s" if task.seconds is not None and task.state in {"success", "failed"} else ""
                )
                tries = f" (try {task.try_number})" if task.try_number > 1 else ""
                self.line(f"{task.task_id:<28} [{style}]{task.state}[/{style}]{took}{tries}")
        if self._status is not None:
            self._status.update(f"running: {', '.join(running)}" if running else "waiting for the scheduler")

    def names(self, answers: Sequence[Answer]) -> None:
        """Print what DNS answered, a name a line."""
        width = max((len(answer.name) for answer in answers), default=0)
        for answer in answers:
            found = " ".join(answer.rrdatas) or answer.problem
            ttl = "" if answer.ttl is None else f"  (ttl {answer.ttl})"
            text = f"{answer.name:<{width}}  {answer.type:<4}  {found}{ttl}"
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def outcome(self, outcome: Outcome, cloud: LocalCloud, zone: str) -> None:
        """Print names, name servers, bindings, the training's own result and what is left, once a run has succeeded."""
        console = self._console
        asked = " ".join(sorted({answer.server for answer in outcome.answers}))
        console.rule(f"what the resolver {asked} answered while the training ran", align="left")
        self.names(outcome.answers)
        console.rule("in the cloud", align="left")
        servers = [server for one in cloud.zones() if one["name"] == zone for server in one["nameServers"]]
        self._fact("name servers", " ".join(servers) or "none: the zone is private")
        scopes: dict[str, list[dict[str, Any]]] = {
            "project": cloud.project_bindings(),
            f"zone {zone}": cloud.zone_bindings(zone),
        }
        for scope, bindings in scopes.items():
            for binding in bindings:
                self._fact("IAM binding", f"{binding['role']} on {scope}: {' '.join(binding['members'])}")
        self._fact("training", outcome.training_result)
        self._fact("left behind", left_behind(outcome.left_behind))

    def failure(self, outcome: Outcome, airflow: Standalone, dag_id: str) -> None:
        """Print which task failed and the end of its log."""
        self.line(f"[red]run {outcome.run_id} ended as {outcome.state}[/red]")
        task = outcome.failed
        if task is None:
            self._console.print(airflow.process.tail(), markup=False, highlight=False)
            return
        self._console.rule(f"the last lines of {task.task_id}", align="left")
        for line in airflow.api.task_log(dag_id, outcome.run_id, task)[-30:]:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _fact(self, what: str, text: str) -> None:
        self._console.print(f"{what}: {text}", markup=False, highlight=False, soft_wrap=True)


def left_behind(records: list[dict[str, Any]]) -> str:
    """Return `0 records`, or the count and the names."""
    count = f"{len(records)} record{'' if len(records) == 1 else 's'}"
    by_name: dict[str, list[str]] = defaultdict(list)
    for record in records:
        by_name[record["name"]].append(record["type"])
    return ", ".join([count, *(f"{name} {'/'.join(types)}" for name, types in by_name.items())])
