"""A call that never works: one line that says which call, how often and why; nothing of others is touched; and when
the API is well again, the same operation does the rest."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass

import pytest

from mldns.exceptions import ChangeFailed, CloudUnavailable, MldnsError, PermissionMissing, QuotaShort
from mldns.providers.retry import Patience, RetryPolicy
from tests.mldns.under_fire.conftest import connection
from tests.mldns.under_fire.world import FOREIGN, OPERATIONS, Json, World

THREE_TRIES = RetryPolicy(initial=0.01, maximum=0.02, deadline=20.0, attempts=3)
IMPATIENT = Patience(silence=20.0, failures=THREE_TRIES, contention=THREE_TRIES)
WITHIN = 5.0
"""Seconds: three tries and their waits take a tenth of one."""

_ZONE = "zone 'ml-zone' of project 'demo-project'"
_TRIED = "failed 3 time(s) in 0 s, last with"
_AGAIN = "the task can be retried: it reads again what is there and does what is missing"
_SET_PROJECT = "cloudresourcemanager.projects.setIamPolicy"


@dataclass(frozen=True)
class Forever:
    """An operation, the fault that every call of a method meets from the first one on, and how it ends."""

    operation: str
    method: str
    fault: Json
    error: type[MldnsError]
    message: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.method}: {' '.join(str(value) for value in self.fault.values())}"


def status(code: int, **more: object) -> Json:
    return {"kind": "status", "status": code, **more}


ROWS = (
    Forever(
        "create",
        "managedZones.get",
        status(500),
        CloudUnavailable,
        f"managedZones.get of {_ZONE} {_TRIED} HTTP 500 Internal error encountered; {_AGAIN}",
    ),
    Forever(
        "create",
        "resourceRecordSets.list",
        status(503),
        CloudUnavailable,
        f"resourceRecordSets.list of {_ZONE} {_TRIED} HTTP 503 The service is currently unavailable; {_AGAIN}",
    ),
    Forever(
        "create",
        "resourceRecordSets.list",
        {"kind": "reset-before"},
        CloudUnavailable,
        f"resourceRecordSets.list of {_ZONE} {_TRIED} ConnectionError: Connection reset by peer; {_AGAIN}",
    ),
    Forever(
        "create",
        "projects.get",
        status(502),
        CloudUnavailable,
        f"projects.get of project 'demo-project' {_TRIED} HTTP 502 Error 502 (Server Error)!!1; {_AGAIN}",
    ),
    Forever(
        "create",
        "changes.create",
        status(429),
        CloudUnavailable,
        f"changes.create of {_ZONE} {_TRIED} HTTP 429 Resource has been exhausted (e.g. check quota); {_AGAIN}",
    ),
    Forever(
        "create",
        "changes.create",
        status(429, retry_after=60),
        CloudUnavailable,
        f"changes.create of {_ZONE} failed 1 time(s) in 0 s, last with HTTP 429 Resource has been exhausted "
        f"(e.g. check quota), to be tried again after 60 s; {_AGAIN}",
    ),
    Forever(
        "create",
        "changes.create",
        {"kind": "reset-before"},
        CloudUnavailable,
        f"changes.create of zone 'ml-zone' {_TRIED} ConnectionError: Connection reset by peer; {_AGAIN}",
    ),
    Forever(
        "create",
        "changes.create",
        status(403, reason="forbidden"),
        PermissionMissing,
        "permission dns.changes.create (with dns.resourceRecordSets.create, update and delete) is missing on "
        f"{_ZONE}; grant the caller a role that has it",
    ),
    Forever(
        "create",
        "changes.create",
        status(403, reason="quotaExceeded"),
        QuotaShort,
        f"changes.create of {_ZONE}: Quota exceeded; ask Google for more quota, or ask for less at once",
    ),
    Forever(
        "create and wait",
        "changes.get",
        status(504),
        CloudUnavailable,
        f"changes.get of {_ZONE} {_TRIED} HTTP 504 Deadline expired before operation could complete; {_AGAIN}",
    ),
    Forever(
        "bind-zone",
        "managedZones.setIamPolicy",
        status(403, reason="forbidden"),
        PermissionMissing,
        f"permission dns.managedZones.setIamPolicy is missing on {_ZONE}; grant the caller a role that has it",
    ),
    Forever(
        "bind-zone",
        "managedZones.getIamPolicy",
        status(408),
        CloudUnavailable,
        f"managedZones.getIamPolicy of {_ZONE} {_TRIED} HTTP 408 Request timed out; {_AGAIN}",
    ),
    Forever(
        "bind-project",
        _SET_PROJECT,
        status(503),
        CloudUnavailable,
        f"the policy of projects/demo-project {_TRIED} HTTP 503 The service is currently unavailable; {_AGAIN}",
    ),
    Forever(
        "bind-project",
        _SET_PROJECT,
        status(403, reason="forbidden"),
        PermissionMissing,
        "permission resourcemanager.projects.setIamPolicy is missing on project 'demo-project'; "
        "grant the caller a role that has it",
    ),
    Forever(
        "ensure",
        "managedZones.create",
        status(503),
        CloudUnavailable,
        f"managedZones.create of project 'demo-project' {_TRIED} HTTP 503 The service is currently unavailable; "
        f"{_AGAIN}",
    ),
)


def fail(world: World, operation: str, rule: Json) -> MldnsError:
    """The error of an operation that fails within bounded time, in one line, and leaves alone what is not ours."""
    before = world.picture()
    world.break_down(rule)
    started = time.monotonic()
    with pytest.raises(MldnsError) as failed:
        OPERATIONS[operation].act(world.hook(IMPATIENT))
    assert time.monotonic() - started < WITHIN
    assert "\n" not in str(failed.value)
    world.mend()
    after = world.picture()
    assert [record for record in after["records"] if record in before["records"]] == before["records"] or (
        operation in ("change", "delete")
    )
    assert (after["zone policy"], after["project policy"]) == (before["zone policy"], before["project policy"])
    return failed.value


def on_an_idle_machine(error: MldnsError) -> str:
    """The line, with the seconds that three quick tries take there."""
    return re.sub(r"time\(s\) in \d+ s", "time(s) in 0 s", str(error))


def foreign_as_ever(world: World) -> bool:
    found = [{key: record[key] for key in FOREIGN[0]} for record in world.records()]
    return all(record in found for record in FOREIGN)


def made_good(world: World, operation: str) -> None:
    """The same operation, made again by a task that retries, ends where it would have without faults."""
    OPERATIONS[operation].act(world.hook())
    end = without_generation(world)
    world.seed()
    OPERATIONS[operation].before(world.hook())
    OPERATIONS[operation].act(world.hook())
    assert end == without_generation(world)


def without_generation(world: World) -> Json:
    """The picture, but for what counts the writes of a job."""
    picture = world.picture()
    for record in picture["records"]:
        if record["name"] == "_mldns.job.ml.example.com.":
            texts = record["rrdatas"][0].split('" "')
            record["rrdatas"] = [text for text in texts if not text.startswith(("generation=", "digest="))]
    return picture


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_one_line_says_why_and_a_retry_makes_it_good(world: World, row: Forever) -> None:
    OPERATIONS[row.operation].before(world.hook())
    error = fail(world, row.operation, {"method": row.method, **row.fault})
    assert (type(error), on_an_idle_machine(error)) == (row.error, row.message)
    assert foreign_as_ever(world)
    made_good(world, row.operation)


@pytest.mark.parametrize("operation", ["create", "change", "delete"])
@pytest.mark.parametrize(
    "batches", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (status(429), f"changes.create of {_ZONE} {_TRIED} HTTP 429 Resource has been exhausted (e.g. check quota)"),
        (status(500), f"changes.create of zone 'ml-zone' {_TRIED} HTTP 500 Internal error encountered"),
    ],
    ids=["429", "500"],
)
def test_a_failure_in_the_middle_says_what_is_live(
    world: World, operation: str, batches: int, fault: Json, why: str
) -> None:
    """Four changes, fifty records each but the last: so many are through, and the next one never gets there."""
    OPERATIONS[operation].before(world.hook())
    error = fail(world, operation, {"method": "changes.create", "skip": batches, **fault})
    assert isinstance(error, ChangeFailed)
    assert (error.live, error.missing, error.in_doubt) == (50 * batches, 151 - 50 * batches, 0)
    assert why in on_an_idle_machine(error)
    assert str(error).endswith("; a retry does the rest")
    assert foreign_as_ever(world)
    made_good(world, operation)


def test_the_report_of_a_failure_is_one_line_that_a_person_can_act_on(world: World) -> None:
    error = fail(world, "create", {"method": "changes.create", "skip": 1, **status(403, reason="forbidden")})
    assert str(error) == (
        "zone 'ml-zone': 50 record changes are live (such as master.job.ml.example.com., worker-0.job.ml.example.com., "
        "worker-1.job.ml.example.com.), 101 are not (such as worker-49.job.ml.example.com., "
        "worker-50.job.ml.example.com., worker-51.job.ml.example.com.): permission dns.changes.create (with "
        "dns.resourceRecordSets.create, update and delete) is missing on zone 'ml-zone' of project 'demo-project'; "
        "grant the caller a role that has it; a retry does the rest"
    )


def test_what_nobody_knows_is_said_to_be_in_doubt(world: World) -> None:
    """The second change is applied and its answer lost, and from then on the zone cannot be read."""
    world.break_down(
        {"method": "changes.create", "kind": "reset-after", "skip": 1},
        {"method": "resourceRecordSets.list", "skip": 1, **status(503)},
    )
    with pytest.raises(ChangeFailed) as failed:
        OPERATIONS["create"].act(world.hook(IMPATIENT))
    world.mend()
    assert (failed.value.live, failed.value.in_doubt, failed.value.missing) == (50, 50, 51)
    assert "50 may be live or not: resourceRecordSets.list of" in str(failed.value)
    assert "and whether it was applied cannot be read; a retry does the rest" in str(failed.value)
    made_good(world, "create")


def test_the_last_try_is_looked_up_when_there_is_none_left(world: World) -> None:
    """Without retries, a change that was applied and never answered is not reported as missing."""
    once = RetryPolicy(attempts=1)
    world.break_down({"method": "changes.create", "kind": "reset-after", "skip": 1, "count": 1})
    report = OPERATIONS["create"].act(world.hook(Patience(failures=once)))
    assert world.mend() == [1]
    assert (report["created"], report["changes"]) == (151, 4)


def test_what_the_connection_says_bounds_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`call_timeout` and `retry_deadline`: a server that never answers costs no more than they say."""
    said = json.loads(connection(world.cloud))
    said["extra"] |= {"call_timeout": 0.2, "retry_deadline": 0.5}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(said))
    world.break_down({"method": "*", "kind": "hang"})
    started = time.monotonic()
    with pytest.raises(CloudUnavailable, match=r"^managedZones\.get of zone 'ml-zone' .* last with ReadTimeout: "):
        OPERATIONS["create"].act(world.hook(patience=None))
    assert 0.2 <= time.monotonic() - started < 2
    world.mend()
