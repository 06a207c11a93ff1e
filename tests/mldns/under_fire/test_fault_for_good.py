"""A call that never works: one line that says which call, how often and why; nothing of others is touched; and when
the API is well again, the same operation does the rest."""

from __future__ import annotations

import re

import pytest

from mldns.exceptions import ChangeFailed, CloudUnavailable, MldnsError, PermissionMissing, QuotaShort
from mldns.providers.retry import Patience, RetryPolicy
from tests.mldns.under_fire.world import FOREIGN, OPERATIONS, Json, World

THREE_TRIES = RetryPolicy(initial=0.01, maximum=0.02, deadline=20.0, attempts=3)
IMPATIENT = Patience(silence=20.0, failures=THREE_TRIES, contention=THREE_TRIES)
_SET_PROJECT = "cloudresourcemanager.projects.setIamPolicy"


def status(code: int, **more: object) -> Json:
    return {"kind": "status", "status": code, **more}


RESET: Json = {"kind": "reset-before"}
FORBIDDEN = status(403, reason="forbidden")

# An operation, the method of which every call meets a fault, how that ends, and what its line names.
ROWS: list[tuple[str, str, Json, type[MldnsError], str]] = [
    ("create", "managedZones.get", status(500), CloudUnavailable, "managedZones.get.* 3 time.*HTTP 500"),
    ("create", "resourceRecordSets.list", RESET, CloudUnavailable, "resourceRecordSets.list.* 3 time.*ConnectionError"),
    ("create", "projects.get", status(502), CloudUnavailable, "projects.get.* 3 time.*HTTP 502"),
    ("create", "changes.create", status(429), CloudUnavailable, "changes.create.* 3 time.*HTTP 429"),
    ("create", "changes.create", status(429, retry_after=60), CloudUnavailable, " 1 time.*HTTP 429.* 60 s"),
    ("create", "changes.create", RESET, CloudUnavailable, "'ml-zone'.* 3 time.*ConnectionError"),
    ("create", "changes.create", FORBIDDEN, PermissionMissing, "dns.changes.create"),
    ("create", "changes.create", status(403, reason="quotaExceeded"), QuotaShort, "changes.create"),
    ("create and wait", "changes.get", status(504), CloudUnavailable, "changes.get.* 3 time.*HTTP 504"),
    ("bind-zone", "managedZones.setIamPolicy", FORBIDDEN, PermissionMissing, "dns.managedZones.setIamPolicy"),
    ("bind-zone", "managedZones.getIamPolicy", status(408), CloudUnavailable, "getIamPolicy.* 3 time.*HTTP 408"),
    ("bind-project", _SET_PROJECT, status(503), CloudUnavailable, "projects/demo-project.* 3 time.*HTTP 503"),
    ("bind-project", _SET_PROJECT, FORBIDDEN, PermissionMissing, "resourcemanager.projects.setIamPolicy"),
    ("ensure", "managedZones.create", status(503), CloudUnavailable, "managedZones.create.* 3 time.*HTTP 503"),
]


def fail(world: World, operation: str, rule: Json) -> MldnsError:
    """The error of an operation that fails in one line, and leaves alone what is not ours."""
    before = world.picture()
    world.break_down(rule)
    with pytest.raises(MldnsError) as failed:
        OPERATIONS[operation].act(world.hook(IMPATIENT))
    assert "\n" not in str(failed.value)
    world.mend()
    after = world.picture()
    assert [record for record in after["records"] if record in before["records"]] == before["records"] or (
        operation in ("change", "delete")
    )
    assert (after["zone policy"], after["project policy"]) == (before["zone policy"], before["project policy"])
    return failed.value


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


@pytest.mark.parametrize(("operation", "method", "fault", "error", "line"), ROWS)
def test_one_line_says_why_and_a_retry_makes_it_good(
    world: World, *, operation: str, method: str, fault: Json, error: type[MldnsError], line: str
) -> None:
    OPERATIONS[operation].before(world.hook())
    failed = fail(world, operation, {"method": method, **fault})
    assert type(failed) is error
    assert re.search(line, str(failed))
    assert foreign_as_ever(world)
    made_good(world, operation)


@pytest.mark.parametrize("operation", ["create", "change", "delete"])
@pytest.mark.parametrize("fault", [status(429), status(500)], ids=["429", "500"])
def test_a_failure_in_the_middle_says_what_is_live(world: World, operation: str, fault: Json) -> None:
    """Four changes, fifty records each but the last: two are through, and the next one never gets there."""
    OPERATIONS[operation].before(world.hook())
    error = fail(world, operation, {"method": "changes.create", "skip": 2, **fault})
    assert isinstance(error, ChangeFailed)
    assert (error.live, error.missing, error.in_doubt) == (100, 51, 0)
    assert f"HTTP {fault['status']}" in error.reason
    assert foreign_as_ever(world)
    made_good(world, operation)


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
    said = world.cloud.connection(call_timeout=0.2, retry_deadline=0.5)
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", said)
    world.break_down({"method": "*", "kind": "hang"})
    with pytest.raises(CloudUnavailable, match=r"^managedZones\.get of zone 'ml-zone' .* last with ReadTimeout: "):
        OPERATIONS["create"].act(world.hook(patience=None))
    (tries,) = world.mend()
    assert 1 <= tries <= 3
