"""Faults that come together."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import requests

from mldns.providers.retry import RetryPolicy
from tests.mldns.under_fire.world import (
    DNS_NAME,
    FOREIGN,
    JOB,
    OPERATIONS,
    QUICK,
    ZONE,
    ZONE_PATH,
    Json,
    World,
    workers,
)

SET, GET = "managedZones.setIamPolicy", "managedZones.getIamPolicy"
CREATE, LIST = "changes.create", "resourceRecordSets.list"
ONCE: Json = {"count": 1}
BRIEF = RetryPolicy(initial=0.02, maximum=0.1, deadline=20.0, attempts=6)


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


@pytest.mark.slow
def test_a_change_that_arrives_long_after_it_was_given_up_does_no_harm(world: World) -> None:
    """The server takes longer than the client waits: the change is looked up, sent again, and then comes twice."""
    hasty = replace(QUICK, silence=0.3)
    world.break_down({"method": CREATE, "kind": "delay", "delay": 0.7, "skip": 1, **ONCE})
    world.hook(hasty).upsert_records(zone=ZONE, records=workers(150, "10.1"), wait=False, **JOB)
    while not (turned_away := {"412", "409"} & world.cloud.stats()[CREATE].keys()):
        time.sleep(0.02)  # until the late one has come
    assert world.mend() == [1]
    assert foreign_and(world, workers(150, "10.1"))
    assert [world.cloud.stats()[CREATE][code] for code in turned_away] == [1]
    assert world.hook().upsert_records(zone=ZONE, records=workers(150, "10.1"), **JOB)["changes"] == 0


@pytest.mark.slow
def test_a_project_that_is_out_of_requests(world: World) -> None:
    """Others have used up the minute: every call is turned away until some tenths of a second have brought another."""
    world.call("POST", "/_localcloud/quota", {"requestsPerMinute": 300})
    while requests.get(world.cloud.api + ZONE_PATH, timeout=10).status_code == 200:
        pass
    OPERATIONS["create"].act(world.hook())
    assert world.cloud.stats()[CREATE].get("429", 0) + world.cloud.stats()["managedZones.get"]["429"] > 1
    world.call("DELETE", "/_localcloud/quota")
    assert foreign_and(world, workers(150, "10.1"))
