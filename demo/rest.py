"""Airflow's own REST API (v2), as much of it as a person needs to trigger a DAG and follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]
# One server process does everything: on a machine that is busy starting tasks it may keep a reader waiting.
_READ_TRIES = 4
FINAL_RUN_STATES = frozenset({"success", "failed"})


class AirflowRefused(RuntimeError):
    """The API answered with an error; the message has the status and what it said."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task instance now. `state` is None until the scheduler has looked at it; `map_index` is -1 unless mapped.

    :param started: ISO 8601, and `ended`: as far as it has.
    """

    task_id: str
    state: str | None
    try_number: int
    map_index: int
    seconds: float | None
    started: str | None = None
    ended: str | None = None


_LOCKED_TRIES = 5
"""Airflow on SQLite answers 500 when another of its processes holds the database for long; nothing was written."""


class AirflowApi:
    """A logged-in client of one Airflow; logs in again when the token has run out. Not thread-safe."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._login = {"username": user, "password": password}

    def close(self) -> None:
        self._client.close()

    def log_in(self) -> None:
        """Fetch a token; httpx.HTTPError while nobody answers, AirflowRefused when the answer is no."""
        answer = self._client.post("/auth/token", json=self._login)
        _refuse(answer)
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def health(self) -> dict[str, str | None]:
        """Return component name to its status ("healthy" when it beats)."""
        return {name: part["status"] for name, part in self._call("GET", "/api/v2/monitor/health").items()}

    def dag_ids(self) -> list[str]:
        """Return the ids of the DAGs that have been parsed."""
        return [dag["dag_id"] for dag in self._call("GET", "/api/v2/dags", params={"limit": 100})["dags"]]

    def import_errors(self) -> dict[str, str]:
        """Return file name to the traceback of its import."""
        errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None, *, run_id: str | None = None) -> str:
        """Start a run with `conf` over the DAG's Params and return its run id."""
        body: Json = {"logical_date": None, "conf": dict(conf or {})}
        if run_id is not None:
            body["dag_run_id"] = run_id
        run: Json = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self._call("GET", _run(dag_id, run_id))["state"])

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark the run as a person would in the UI: "success" or "failed"."""
        self._call("PATCH", _run(dag_id, run_id), json={"state": state})

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task "success" or "failed", as a person would in the UI."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}"
        self._call("PATCH", path, json={"new_state": state})

    def clear(
        self, dag_id: str, run_id: str, task_ids: Sequence[str | tuple[str, int]], *, downstream: bool = True
    ) -> None:
        """Clear tasks of a run with all that is downstream of them, as the UI does unless told otherwise.

        :param task_ids: or `(task id, map index)` for one instance of a mapped task.
        """
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(task_ids), "include_downstream": downstream}
        self._call("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json={**body, "only_failed": False})

    def clear_run(self, dag_id: str, run_id: str, *, only_failed: bool) -> None:
        """Clear a whole run, or those of its tasks that failed."""
        self._call("POST", f"{_run(dag_id, run_id)}/clear", json={"dry_run": False, "only_failed": only_failed})

    def task_states(self, dag_id: str, run_id: str) -> list[TaskState]:
        found = self._call("GET", f"{_run(dag_id, run_id)}/taskInstances", params={"limit": 200})
        return [
            TaskState(
                one["task_id"],
                one["state"],
                one["try_number"],
                one["map_index"],
                one["duration"],
                one["start_date"],
                one["end_date"],
            )
            for one in found["task_instances"]
        ]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what the task left under `key`; AirflowRefused (404) if nothing."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/{key}"
        return self._call("GET", path, params={"deserialize": True})["value"]

    def task_log(self, dag_id: str, run_id: str, task: TaskState) -> list[str]:
        """Return the events of the task's latest try, a line each, without timestamps and fold markers."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task.task_id)}/logs/{max(task.try_number, 1)}"
        content = self._call("GET", path, params={"map_index": task.map_index, "full_content": True})["content"]
        return [line for entry in content for line in _log_lines(entry) if line and not line.startswith("::")]

    def follow(
        self, dag_id: str, run_id: str, *, timeout: float, poll: float = 0.5, check: Callable[[], None] | None = None
    ) -> Iterator[list[TaskState]]:
        """Yield the run's task states at each poll until the run is final, the last ones included.

        :param check: called at each poll; raises when going on has no sense (a server has died)
        :raises TimeoutError: after `timeout` seconds
        """
        deadline = time.monotonic() + timeout
        while True:
            if check is not None:
                check()
            final = self.run_state(dag_id, run_id) in FINAL_RUN_STATES
            yield self.task_states(dag_id, run_id)
            if final:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {run_id} of {dag_id} is not finished after {timeout:.0f} s")
            time.sleep(poll)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._send(method, path, **arguments)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.log_in()
            answer = self._send(method, path, **arguments)
        for _ in range(_LOCKED_TRIES):
            if not (answer.is_server_error and "Database error" in answer.text):
                break
            time.sleep(1)
            answer = self._send(method, path, **arguments)
        _refuse(answer)
        return answer.json()

    def _send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        tries = _READ_TRIES if method == "GET" else 1
        while True:
            try:
                return self._client.request(method, path, **arguments)
            except httpx.TimeoutException as late:
                tries -= 1
                if not tries:
                    raise TimeoutError(f"Airflow does not answer {method} {path}") from late


def _log_lines(entry: str | Json) -> Iterator[str]:
    """A structured entry holds its traceback apart from its event; of that, the errors' own words are worth a line."""
    if isinstance(entry, str):
        yield entry
        return
    yield str(entry.get("event", ""))
    for error in entry.get("error_detail") or ():
        yield f"{error['exc_type']}: {error['exc_value']}"


def _run(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"


def _refuse(answer: httpx.Response) -> None:
    if answer.is_error:
        raise AirflowRefused(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:2000]}"
        )
