"""What may happen to a call, to which call, of which operation: the end is always as if nothing had happened.

One row is one schedule of faults. After each the whole project is, byte for byte, what the same operation leaves behind
without faults, the report of the operation is the same, and no more calls were made than `ALLOWANCE` says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mldns.providers.retry import Patience
from tests.mldns.under_fire.world import DNS_NAME, FOREIGN, MEMBERS, OPERATIONS, QUICK, ROLE, Json, World, workers

SILENCE = 0.6

# What happens to a call, as a fault of localcloud. Turned away: nothing was done, and the server says so. Unanswered:
# it was done or not, and nobody says which.
TURNED_AWAY: dict[str, Json] = {
    "429": {"kind": "status", "status": 429},
    "429, come back in 1 s": {"kind": "status", "status": 429, "retry_after": 1},
    "403 rateLimitExceeded": {"kind": "status", "status": 403},
}
UNANSWERED: dict[str, Json] = {
    "500": {"kind": "status", "status": 500},
    "502 in HTML": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "503, come back in 1 s": {"kind": "status", "status": 503, "retry_after": 1},
    "504": {"kind": "status", "status": 504},
    "reset before": {"kind": "reset-before"},
    "reset after": {"kind": "reset-after"},
    "hang": {"kind": "hang"},
}
LATE: dict[str, Json] = {"late": {"kind": "delay", "delay": 0.1}}
KINDS = {**TURNED_AWAY, **UNANSWERED, **LATE}
ALL = tuple(KINDS)
SHORT = tuple(kind for kind in KINDS if "1 s" not in kind and kind != "hang")
READS = ("429", "503", "reset before", "reset after", "hang", "late")

# operation, method, which of its calls, what happens to that call
TABLE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("create", "changes.create", "first", ALL),
    ("create", "changes.create", "middle last", SHORT),
    ("change", "changes.create", "first", ALL),
    ("change", "changes.create", "middle last", SHORT),
    ("delete", "changes.create", "first", SHORT),
    ("delete", "changes.create", "middle last", SHORT),
    ("bind-zone", "changes.create", "first", SHORT),
    ("unbind", "changes.create", "first", SHORT),
    ("bind-zone", "managedZones.setIamPolicy", "first", ALL),
    ("bind-several", "managedZones.setIamPolicy", "middle last", SHORT),
    ("bind-project", "cloudresourcemanager.projects.setIamPolicy", "first", ALL),
    ("unbind", "managedZones.setIamPolicy", "first", SHORT),
    ("ensure", "managedZones.create", "first", ALL),
    ("create", "resourceRecordSets.list", "first", READS),
    ("change", "resourceRecordSets.list", "first middle last", READS),
    ("delete", "resourceRecordSets.list", "first middle last", READS),
    ("bind-zone", "resourceRecordSets.list", "first", READS),
    ("unbind", "resourceRecordSets.list", "first", READS),
    ("bind-zone", "managedZones.getIamPolicy", "first last", READS),
    ("bind-project", "cloudresourcemanager.projects.getIamPolicy", "first last", READS),
    ("unbind", "managedZones.getIamPolicy", "first", READS),
    ("create and wait", "changes.get", "first", READS),
    ("create", "managedZones.get", "first", READS),
    ("bind-project", "managedZones.get", "first", READS),
    ("ensure", "managedZones.get", "first", READS),
    ("ensure", "managedZones.list", "first", READS),
    ("create", "projects.get", "first", READS),
    ("delete", "projects.get", "first", READS),
)

# What AWS calls the methods; what has no name there is no operation there.
AT_AWS = {
    "changes.create": "route53.ChangeResourceRecordSets",
    "changes.get": "route53.GetChange",
    "resourceRecordSets.list": "route53.ListResourceRecordSets",
    "managedZones.create": "route53.CreateHostedZone",
    "managedZones.get": "route53.GetHostedZone",
    "managedZones.list": "route53.ListHostedZonesByName",
    "projects.get": "route53.GetHostedZoneLimit",
}

# A call that was turned away, or that may be made twice, is made once more. Where an unanswered call may not, the zone
# or the policy is read, and then either the change is sent again, or its id is looked for. A zone that is made twice is
# there the second time, and read. Who takes a grant back reads the jobs' notes after each reading of the policy.
NOT_TO_BE_MADE_TWICE = ("changes.create", "setIamPolicy", "managedZones.create", "RecordSets", "CreateHostedZone")
ONCE_MORE, LOOKED_UP, LOOKED_UP_WITH_NOTES = 1, 2, 3
UNBIND = ("unbind", "managedZones.setIamPolicy")


@dataclass(frozen=True)
class Schedule:
    """One row: at a cloud the first, middle or last call of `method` in `operation` meets `kind`."""

    cloud: str
    operation: str
    method: str
    position: str
    kind: str

    def __str__(self) -> str:
        return f"{self.cloud}, {self.operation}: {self.position} {self.method}: {self.kind}"

    def rule(self, calls: int) -> Json:
        """The fault of localcloud, for an operation that usually makes so many calls of the method."""
        skip = {"first": 0, "middle": calls // 2, "last": calls - 1}[self.position]
        return {"method": self.method, "count": 1, "skip": skip, **KINDS[self.kind]}

    @property
    def allowance(self) -> int:
        """How many calls more than usual the operation may make."""
        if self.kind in LATE:
            return 0
        if self.kind not in UNANSWERED or not self.method.endswith(NOT_TO_BE_MADE_TWICE):
            return ONCE_MORE
        return LOOKED_UP_WITH_NOTES if (self.operation, self.method) == UNBIND else LOOKED_UP


def rows() -> Iterator[Schedule]:
    for operation, method, positions, kinds in TABLE:
        for position in positions.split():
            yield from (Schedule("gcp", operation, method, position, kind) for kind in kinds)
            if method in AT_AWS and "bind" not in operation:
                yield from (Schedule("aws", operation, AT_AWS[method], position, kind) for kind in kinds)


SCHEDULES = tuple(rows())


def _every(cloud: str, *, short: int, long: int) -> list[Schedule]:
    """Every so many of a cloud's short rows, and of those that have to wait."""
    ours = [schedule for schedule in SCHEDULES if schedule.cloud == cloud]
    return [*[s for s in ours if s.kind in SHORT][::short], *[s for s in ours if s.kind not in SHORT][::long]]


# A part of them runs always.
ALWAYS = frozenset((*_every("gcp", short=5, long=13), *_every("aws", short=9, long=37)))
SEEDS = range(1, 9)


@dataclass(frozen=True)
class Usual:
    """What an operation does to the world without faults: its report, its calls, and the picture afterwards."""

    report: Json
    calls: dict[str, int]
    picture: Json


@pytest.fixture(scope="module")
def _known() -> dict[tuple[type[World], str], Usual]:
    return {}


@pytest.fixture
def usual(_known: dict[tuple[type[World], str], Usual]) -> Any:
    """The `Usual` of an operation, seen once; the world is untouched again afterwards."""

    def look(world: World, name: str) -> Usual:
        key = type(world), name
        if key not in _known:
            report, calls = perform(world, name)
            _known[key] = Usual(report, calls, world.picture())
            world.seed()
        return _known[key]

    return look


def perform(world: World, name: str, *rules: Json, patience: Patience = QUICK) -> tuple[Json, dict[str, int]]:
    """The report of an operation under these faults, and its calls by method."""
    OPERATIONS[name].before(world.hook())
    before = world.calls()
    world.break_down(*rules)
    report = OPERATIONS[name].act(world.hook(patience))
    return report, dict(world.calls() - before)


@pytest.fixture
def at(request: pytest.FixtureRequest) -> Any:
    """`at("aws")`: the untouched world of that cloud."""
    return lambda cloud: request.getfixturevalue({"gcp": "world", "aws": "aws_world"}[cloud])


WITHOUT_FAULTS = [("gcp", name) for name in OPERATIONS] + [("aws", name) for name in OPERATIONS if "bind" not in name]


@pytest.mark.parametrize(("cloud", "name"), WITHOUT_FAULTS)
def test_without_faults(at: Any, usual: Any, cloud: str, name: str) -> None:
    """What the rows below are held to is itself what was asked for."""
    end = usual(at(cloud), name).picture
    held = {"create": workers(150, "10.1"), "change": workers(140, "10.2")}.get(name.removesuffix(" and wait"), [])
    names = {(record["name"], record["type"]) for record in (*FOREIGN, *held)}
    found = [record for record in end["records"] if (record["name"], record["type"]) in names]
    key = ("name", "type", "ttl", "rrdatas")
    assert sorted([r[k] for k in key] for r in found) == sorted([r[k] for k in key] for r in (*FOREIGN, *held))
    if cloud == "gcp":
        bound = MEMBERS if name.startswith("bind") else []
        policy = end["project policy" if name == "bind-project" else "zone policy"]
        plain = next(b for b in policy["bindings"] if b["role"] == ROLE and "condition" not in b)
        assert plain["members"] == ["user:carol@example.com", *bound]
    ours = ["_mldns.job.ml.example.com."] * (held != [] or name.startswith("bind"))
    others = [r["name"] for r in end["records"] if (r["name"], r["type"]) not in names and r["name"] != DNS_NAME]
    assert others == ours


@pytest.mark.parametrize(
    "schedule", [pytest.param(s, id=str(s), marks=() if s in ALWAYS else pytest.mark.exhaustive) for s in SCHEDULES]
)
def test_a_fault_changes_nothing_but_the_time(at: Any, usual: Any, schedule: Schedule) -> None:
    world: World = at(schedule.cloud)
    as_ever = usual(world, schedule.operation)
    patience = replace(QUICK, silence=SILENCE) if schedule.kind == "hang" else QUICK
    rule = schedule.rule(as_ever.calls[schedule.method])
    started = time.monotonic()
    report, calls = perform(world, schedule.operation, rule, patience=patience)
    assert time.monotonic() - started >= KINDS[schedule.kind].get("retry_after", 0), "asked again no sooner than told"
    assert world.mend() == [1], "the fault of this row has happened"
    assert world.picture() == as_ever.picture
    assert report == as_ever.report
    assert sum(calls.values()) - sum(as_ever.calls.values()) <= schedule.allowance, (calls, as_ever.calls)


@pytest.mark.parametrize("seed", [pytest.param(s, marks=() if s == 1 else pytest.mark.exhaustive) for s in SEEDS])
@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_five_percent_of_all_calls_fail(at: Any, usual: Any, cloud: str, seed: int) -> None:
    """A whole life: zone, records, grant, other addresses, grant taken back, release; 5 % a kind."""
    kinds = ("429", "503", "reset before", "reset after", "late")
    rules = [
        {"method": "*", "probability": 0.05, "seed": 100 * seed + n, **KINDS[kind]} for n, kind in enumerate(kinds)
    ]
    world: World = at(cloud)
    as_ever = usual(world, "life")
    report, calls = perform(world, "life", *rules)
    struck = sum(world.mend())
    assert struck > 0
    assert world.picture() == as_ever.picture
    assert report == as_ever.report
    assert sum(calls.values()) - sum(as_ever.calls.values()) <= struck * LOOKED_UP


def test_the_table_is_broad_and_so_is_the_part_that_runs_always() -> None:
    assert len(SCHEDULES) >= 150
    assert len(set(SCHEDULES)) == len(SCHEDULES)
    for part in ("cloud", "operation", "method", "position", "kind"):
        assert {getattr(s, part) for s in ALWAYS} == {getattr(s, part) for s in SCHEDULES}, part
