"""Faults that come together, and other writers in the very moment that matters.

A moment is made by a fault that delays one call: while it waits in the server, somebody else writes.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import requests

from mldns.exceptions import CloudUnavailable
from mldns.iam.policy import IamPolicy, add_members
from mldns.providers.gcp.iam.zone_policy import ZonePolicy
from mldns.providers.iam.policy_store import edit_policy
from mldns.providers.retry import RetryPolicy
from tests.mldns.under_fire.world import (
    DNS_NAME,
    FOREIGN,
    JOB,
    MEMBERS,
    OPERATIONS,
    PROJECT_POLICY,
    QUICK,
    ROLE,
    ZONE,
    ZONE_PATH,
    ZONE_POLICY,
    Json,
    World,
    workers,
)

SET, GET = "managedZones.setIamPolicy", "managedZones.getIamPolicy"
CREATE, LIST = "changes.create", "resourceRecordSets.list"
ONCE: Json = {"count": 1}
BRIEF = RetryPolicy(initial=0.02, maximum=0.1, deadline=20.0, attempts=6)
STRANGER = "user:stranger@example.com"


def status(code: int, **more: object) -> Json:
    return {"kind": "status", "status": code, **more}


def foreign_and(world: World, records: list[Json]) -> bool:
    """Whether the zone holds these, what is not ours, and nothing else beside its apex and the job's manifest."""
    found = {(r["name"], r["type"]): [r["ttl"], r["rrdatas"]] for r in world.records()}
    for key in ((DNS_NAME, "NS"), (DNS_NAME, "SOA"), (f"_mldns.job.{DNS_NAME}", "TXT")):
        found.pop(key, None)
    return found == {(r["name"], r["type"]): [r["ttl"], r["rrdatas"]] for r in (*FOREIGN, *records)}


@pytest.mark.parametrize(
    ("operation", "rules"),
    [
        pytest.param(
            "create",
            [
                {"method": CREATE, "kind": "reset-after", "skip": 1, **ONCE},
                {"method": LIST, "skip": 1, "count": 2, **status(503)},
            ],
            id="a change is applied unanswered, and the zone cannot be read for a while",
        ),
        pytest.param(
            "change",
            [{"method": CREATE, "kind": "reset-after", "count": 2}, {"method": "changes.list", **status(500)}],
            id="two changes are applied unanswered, and the list of changes cannot be read at all",
        ),
        pytest.param(
            "delete",
            [{"method": CREATE, "kind": "reset-after"}],
            id="no change is ever answered",
        ),
        pytest.param(
            "change",
            [{"method": CREATE, "kind": "reset-before", **ONCE}, {"method": CREATE, **status(429), "count": 2}],
            id="the first try is cut off, the second and third are turned away",
        ),
        pytest.param(
            "bind-zone",
            [{"method": SET, "kind": "reset-after", **ONCE}, {"method": GET, **status(503), "skip": 3, "count": 2}],
            id="a policy is set unanswered, and cannot be read for a while",
        ),
        pytest.param(
            "unbind",
            [{"method": SET, "kind": "reset-after", **ONCE}, {"method": CREATE, "kind": "reset-after", **ONCE}],
            id="neither the policy nor the record of the grant is answered",
        ),
    ],
)
def test_faults_in_a_row(world: World, operation: str, rules: list[Json]) -> None:
    OPERATIONS[operation].before(world.hook())
    OPERATIONS[operation].act(world.hook())
    as_ever = world.picture()
    world.seed()
    OPERATIONS[operation].before(world.hook())
    world.break_down(*rules)
    OPERATIONS[operation].act(world.hook(replace(QUICK, failures=BRIEF)))
    assert all(world.mend())
    assert world.picture() == as_ever


class Meanwhile:
    """Does something as soon as a fault has struck a call, which is then still waiting in the server."""

    def __init__(self, world: World, rule: int, act: Callable[[], object]) -> None:
        self._world, self._rule, self._act = World(world.cloud, requests.Session()), rule, act
        self._thread = threading.Thread(target=self._run)
        self.error: BaseException | None = None

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive(), "the fault never struck"
        if self.error:
            raise self.error

    def _run(self) -> None:
        try:
            deadline = time.monotonic() + 8
            while not self._world.struck()[self._rule]:
                assert time.monotonic() < deadline, "the fault never struck"
                time.sleep(0.005)
            self._act()
        except BaseException as error:  # noqa: BLE001 - it is raised where the test waits for it
            self.error = error


WAITING: Json = {"kind": "delay", "delay": 0.4, **ONCE}


def other(world: World) -> World:
    """Somebody else, with a connection of their own."""
    return World(world.cloud, requests.Session())


@pytest.mark.parametrize(
    ("scope", "path", "service"),
    [
        pytest.param("zone", ZONE_POLICY, "managedZones", id="zone"),
        pytest.param("project", PROJECT_POLICY, "cloudresourcemanager.projects", id="project", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("theirs", ["adds a member", "writes over ours"])
def test_a_grant_set_unanswered_while_another_writer_changes_the_policy(
    world: World, theirs: str, *, scope: str, path: str, service: str
) -> None:
    """Ours is applied, its answer is lost, and before we can look somebody else has written."""
    before = world.policy(path)["bindings"]

    def write() -> None:
        them = other(world)
        base = them.policy(path)["bindings"] if theirs == "adds a member" else before
        them.set_policy(path, {"bindings": [*base, {"role": "roles/dns.admin", "members": [STRANGER]}], "version": 3})

    world.break_down(
        {"method": f"{service}.setIamPolicy", "kind": "reset-after", **ONCE},
        {"method": f"{service}.getIamPolicy", "skip": 1, **WAITING},
    )
    with Meanwhile(world, 1, write):
        report = world.hook().bind_iam(role=ROLE, members=MEMBERS, scope=scope, zone=ZONE)
    assert all(world.mend())
    assert report["added"] == MEMBERS
    after = world.policy(path)["bindings"]
    plain = [b for b in after if b["role"] == ROLE and "condition" not in b]
    assert plain == [{"role": ROLE, "members": ["user:carol@example.com", *MEMBERS]}]
    assert STRANGER in str(after)
    untouched = [b for b in before if b["role"] == ROLE and "condition" in b]
    assert [b for b in after if b in untouched] == untouched


@pytest.mark.slow
def test_a_change_that_arrives_long_after_it_was_given_up_does_no_harm(world: World) -> None:
    """The server takes longer than the client waits: the change is looked up, sent again, and then comes twice."""
    hasty = replace(QUICK, silence=0.3)
    world.break_down({"method": CREATE, "kind": "delay", "delay": 0.7, "skip": 1, **ONCE})
    world.hook(hasty).upsert_records(zone=ZONE, records=workers(150, "10.1"), wait=False, **JOB)
    time.sleep(0.6)  # until the late one has come
    assert world.mend() == [1]
    assert foreign_and(world, workers(150, "10.1"))
    assert world.cloud.stats()[CREATE].get("412", 0) + world.cloud.stats()[CREATE].get("409", 0) == 1
    assert world.hook().upsert_records(zone=ZONE, records=workers(150, "10.1"), **JOB)["changes"] == 0


class AlwaysLate:
    """A zone's policy that somebody else writes between each of our readings and our writings."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ours = ZonePolicy(world.hook().dns_client(world.cloud.project), ZONE)
        self.resource, self.read, self.test = self._ours.resource, self._ours.read, self._ours.test
        self.written = 0

    def write(self, policy: IamPolicy) -> None:
        self.written += 1
        theirs = {"role": "roles/viewer", "members": [f"user:u{self.written}@example.com"]}
        self._world.set_policy(ZONE_POLICY, {"bindings": [*_without_viewers(self._world), theirs]})
        self._ours.write(policy)


def _without_viewers(world: World) -> list[Json]:
    return [binding for binding in world.policy(ZONE_POLICY)["bindings"] if binding["role"] != "roles/viewer"]


def test_a_policy_that_never_holds_still_ends_in_one_line(world: World) -> None:
    before = _without_viewers(world)
    late = AlwaysLate(world)
    add = functools.partial(add_members, role=ROLE, members=MEMBERS, condition=None)
    with pytest.raises(CloudUnavailable) as failed:
        edit_policy(late, add, contention=RetryPolicy(initial=0.01, maximum=0.02, deadline=20.0, attempts=5))
    line = str(failed.value)
    assert re.match(
        r"the policy of projects/demo-project/managedZones/ml-zone failed 5 time\(s\) in \d+ s, last with ", line
    )
    assert "was refused with 409 aborted" in line
    assert "\n" not in line
    assert late.written == 5
    assert _without_viewers(world) == before
    assert {"role": "roles/viewer", "members": ["user:u5@example.com"]} in world.policy(ZONE_POLICY)["bindings"]


@pytest.mark.slow
def test_a_project_that_is_out_of_requests(world: World) -> None:
    """Others have used up the minute: every call is turned away until some tenths of a second have brought another."""
    world.call("POST", "/_localcloud/quota", {"requestsPerMinute": 300})
    while world.http.get(world.cloud.api + ZONE_PATH, timeout=10).status_code == 200:
        pass
    OPERATIONS["create"].act(world.hook())
    assert world.cloud.stats()[CREATE].get("429", 0) + world.cloud.stats()["managedZones.get"]["429"] > 1
    world.call("DELETE", "/_localcloud/quota")
    assert foreign_and(world, workers(150, "10.1"))
