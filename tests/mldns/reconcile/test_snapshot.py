"""What a check reports of a zone, and what it leaves out where there is too much."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from mldns.events.written_records import WrittenRecords
from mldns.gate.expectations import Expectation, Judgement, Verdict
from mldns.gate.servers import Server, ServerRole
from mldns.iam.grants import Standing
from mldns.inventory.job_records import job_records
from mldns.inventory.workers import parse_workers
from mldns.ownership.leases import Holding, RunState
from mldns.ownership.manifest import Manifest
from mldns.reconcile.answers import Answers, Asked, Unanswered
from mldns.reconcile.drift import ZoneReport, compare
from mldns.reconcile.findings import Actions, Findings
from mldns.reconcile.snapshot import EXCEPTIONS, ROOM, zone_event
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
NOW = 1_800_000_000
APEX = (RRset(ZONE, "NS", 21600, ("ns.example.",)), RRset(ZONE, "SOA", 21600, ("ns.example. a. 1 1 1 1 300",)))
CLAIM = {"claimant": "airflow/train", "lease": "run-1", "generation": 3}
RESOURCE = {
    "name": "ml",
    "dnsName": ZONE,
    "visibility": "private",
    "nameServers": ["ns-gcp-private.googledomains.com."],
    "privateVisibilityConfig": {
        "networks": [{"networkUrl": "https://www.googleapis.com/compute/v1/projects/p/global/networks/training"}]
    },
}
RESOLVER = Server("10.0.0.2", 53, ServerRole.RESOLVER)


def job(owner: str = "bert", count: int = 3, **manifest: Any) -> tuple[list[RRset], Manifest]:
    """A job's records, and its manifest."""
    workers = parse_workers([f"10.0.{rank // 250}.{rank % 250}" for rank in range(count)])
    rrsets = list(job_records(workers, owner=owner, dns_name=ZONE, ttl=30))
    return rrsets, Manifest(owner, names=frozenset(rrset.key for rrset in rrsets), **{**CLAIM, **manifest})


def written(owner: str, rrsets: Iterable[RRset], generation: int = 3) -> WrittenRecords:
    return WrittenRecords(owner, CLAIM["claimant"], CLAIM["lease"], generation, tuple(rrsets))  # type: ignore[arg-type]


def report(*rrsets: RRset, **arguments: Any) -> ZoneReport:
    return compare([*APEX, *rrsets], dns_name=ZONE, now=NOW, **arguments)


def event(found: Findings | str, room: int = ROOM) -> dict[str, Any]:
    made = zone_event(RESOURCE, found, project="p", now=NOW, dag_id="mldns_reconcile", run_id="r", room=room)
    assert len(json.dumps(made).encode()) <= room
    return made


def whats(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["name"].partition(".")[0], one["what"], one["do"].partition(" ")[0]) for one in row["exceptions"]]


def test_a_zone_as_it_should_be() -> None:
    rrsets, manifest = job(expires=NOW + 60)
    asked = Answers(4, 4, 0.4, (Asked(RESOLVER, 4, 0),))
    made = event(Findings(report(*rrsets, manifest.to_rrset(ZONE)), asked, 10_000, "", Standing(1, ())))
    assert {key: made[key] for key in ("schema", "kind", "project", "zone", "dns_name", "taken", "error")} == {
        "schema": 1,
        "kind": "zone",
        "project": "p",
        "zone": "ml",
        "dns_name": ZONE,
        "taken": "2027-01-15T08:00:00Z",
        "error": None,
    }
    assert made["networks"] == ["projects/p/global/networks/training"]
    assert made["quota"] == {"rrsets": 8, "limit": 10_000}
    assert made["resolution"]["servers"] == [{"server": "10.0.0.2", "role": "resolver", "ok": 4, "failed": 0}]
    assert made["iam"] == {"recorded": 1, "standing": 1, "lost": []}
    (row,) = made["jobs"]
    assert (row["state"], row["records"], row["expires"]) == ("ready", 5, "2027-01-15T08:01:00Z")
    assert row["drift"] == {"changed": 0, "missing": 0, "extra": 0, "unresolved": 0}
    assert "quota_reason" not in made


def test_what_cannot_be_known_says_why() -> None:
    made = event(Findings(report(), Answers(reason="no way there"), None, "no permission", None, "not allowed"))
    assert (made["quota"], made["quota_reason"]) == (None, "no permission")
    assert (made["resolution"], made["resolution_reason"]) == (None, "no way there")
    assert (made["iam"], made["iam_reason"]) == (None, "not allowed")


def test_a_zone_that_was_not_read() -> None:
    made = event("permission dns.resourceRecordSets.list is missing")
    assert made["error"].startswith("permission dns")
    assert (made["jobs"], made["jobs_total"], made["quota"], made["actions"]) == ([], 0, None, None)


def test_drift_says_what_was_expected_what_is_there_and_what_to_do() -> None:
    rrsets, manifest = job()
    _, turned, *rest = rrsets
    other = replace(turned, rrdatas=("10.9.9.9",))
    stranger = RRset(f"debug.bert.{ZONE}", "TXT", 5, ('"x"',))
    found = report(*rest, other, stranger, manifest.to_rrset(ZONE), written=[written("bert", rrsets)])
    (row,) = event(Findings(found))["jobs"]
    assert row["state"] == "drifted"
    assert row["drift"] == {"changed": 1, "missing": 1, "extra": 1, "unresolved": 0}
    assert whats(row) == [("worker-0", "missing", "run"), ("worker-1", "changed", "run"), ("debug", "extra", "find")]
    assert [(one["expected"], one["got"]) for one in row["exceptions"]][1] == ("10.0.0.1 ttl 30", "10.9.9.9 ttl 30")


def test_what_was_written_since_is_missing_and_not_to_be_restored() -> None:
    rrsets, manifest = job(generation=4)
    found = report(*rrsets[1:], manifest.to_rrset(ZONE), written=[written("bert", rrsets)])
    (row,) = event(Findings(found))["jobs"]
    assert row["exceptions"][0]["do"].startswith("run the job's upsert again")
    assert found.owners[0].restorable == ()


def test_what_stands_where_a_job_is_yet_to_write_is_in_its_way() -> None:
    rrsets, manifest = job()
    pending = replace(manifest, names=frozenset(), pending=manifest.names)
    found = report(rrsets[0], pending.to_rrset(ZONE))
    (row,) = event(Findings(found))["jobs"]
    assert (row["state"], row["pending"], whats(row)) == ("drifted", 5, [("worker-0", "extra", "delete")])
    assert found.foreign == ()


def test_a_routing_policy_made_by_hand_is_shown_and_left_alone() -> None:
    rrsets, manifest = job()
    routed = replace(rrsets[0], rrdatas=())
    found = report(routed, *rrsets[1:], manifest.to_rrset(ZONE), written=[written("bert", rrsets)])
    assert [(one.wanted, one.found) for one in found.owners[0].changed] == [(rrsets[0], routed)]
    assert found.owners[0].restorable == ()
    assert "by hand" in event(Findings(found))["jobs"][0]["exceptions"][0]["do"]


@pytest.mark.parametrize(
    ("manifest", "advice"),
    [
        ({}, "run mldns_reconcile with repair"),
        ({"generation": 4}, "run the job's upsert again"),
        ({"expires": NOW}, "its lease is over: run mldns_reconcile with collect"),
        ({"pending": frozenset({(f"worker-9.bert.{ZONE}", "A")})}, "wait for the job's own task"),
    ],
)
def test_what_to_do_about_a_lost_record(manifest: dict[str, Any], advice: str) -> None:
    rrsets, claim = job(**manifest)
    found = report(*rrsets[1:], claim.to_rrset(ZONE), written=[written("bert", rrsets)])
    (row,) = event(Findings(found))["jobs"]
    assert row["exceptions"][0]["do"].startswith(advice)


@pytest.mark.parametrize(
    ("expires", "state", "expected"),
    [
        (NOW + 60, RunState.RUNNING, "ready"),
        (NOW - 60, RunState.RUNNING, "ready"),
        (NOW + 60, RunState.FAILED, "orphaned"),
        (NOW - 60, RunState.UNKNOWN, "expired"),
    ],
)
def test_states_of_leases(expires: int, state: RunState, expected: str) -> None:
    rrsets, manifest = job(expires=expires)
    holding = Holding("airflow/train", "run-1", "train", "run-1", state)
    found = report(*rrsets, manifest.to_rrset(ZONE), holding_of=lambda _: holding)
    (row,) = event(Findings(found))["jobs"]
    assert (row["state"], row["run_state"], row["dag_id"], row["run_id"]) == (expected, state.value, "train", "run-1")


def test_a_released_job_that_keeps_grants_has_ended() -> None:
    idle = Manifest("bert", generation=9, grants=("zone roles/dns.reader sha256:0",))
    (row,) = event(Findings(report(idle.to_rrset(ZONE))))["jobs"]
    assert (row["state"], row["records"], row["grants"]) == ("ended", 0, 1)


def unanswered(rrsets: Iterable[RRset], verdict: Verdict = Verdict.TIMEOUT) -> tuple[Unanswered, ...]:
    return tuple(
        Unanswered(Expectation(*rrset.key, rrset.rrdatas, 30), RESOLVER, Judgement(verdict, "no answer"))
        for rrset in rrsets
    )


def test_what_is_counted_for_metrics() -> None:
    rrsets, manifest = job(expires=NOW)
    turned = replace(rrsets[1], ttl=5)
    found = report(turned, *rrsets[2:], manifest.to_rrset(ZONE), written=[written("bert", rrsets)])
    answers = Answers(4, 2, 0.1, (), unanswered(rrsets[2:4]))
    assert Findings(found, answers, grants=Standing(2, ("a",))).kinds() == {
        "missing": 1,
        "changed": 1,
        "extra": 0,
        "unresolved": 2,
        "expired": 1,
        "orphaned": 0,
        "grants": 1,
    }
    assert set(Findings(report()).kinds().values()) == {0}


def test_ten_thousand_exceptions_are_counted_and_the_first_of_each_kind_shown() -> None:
    rrsets, manifest = job(count=5_000)
    found = report(*rrsets[1:], manifest.to_rrset(ZONE), written=[written("bert", rrsets)])
    answers = Answers(5_001, 1, 9.9, (Asked(RESOLVER, 1, 5_000),), unanswered(rrsets[1:]))
    (row,) = event(Findings(found, answers))["jobs"]
    assert (row["exceptions_total"], row["drift"]["unresolved"]) == (len(rrsets), len(rrsets) - 1)
    assert len(row["exceptions"]) <= EXCEPTIONS
    assert row["exceptions"][0]["what"] == "missing", "one of a kind is not hidden by thousands of another"


def test_exceptions_go_before_jobs_and_jobs_that_need_nobody_before_others() -> None:
    fine = [job(f"fine-{number}", 1) for number in range(300)]
    bad = [job(f"bad-{number}", 40) for number in range(30)]
    listed = [rrset for rrsets, _ in fine for rrset in rrsets]
    manifests = [manifest.to_rrset(ZONE) for _, manifest in [*fine, *bad]]
    made = event(Findings(report(*listed, *manifests)))
    assert made["jobs_total"] == 330
    shown = [row["job"] for row in made["jobs"]]
    assert {f"bad-{number}" for number in range(30)} <= set(shown)
    assert 30 < len(shown) < 330
    assert all(row["exceptions_total"] == 42 for row in made["jobs"][:30])


def test_even_jobs_that_need_somebody_are_cut_at_last() -> None:
    bad = [job(f"bad-{number}", 1) for number in range(400)]
    made = event(Findings(report(*(manifest.to_rrset(ZONE) for _, manifest in bad))), room=20_000)
    assert made["jobs_total"] == 400
    assert 10 < len(made["jobs"]) < 100


def test_what_was_done_and_refused() -> None:
    actions = Actions(dry_run=False, repaired=2, collected=("old",), refused=("bert: " + "x" * 900,))
    made = event(Findings(report(), actions=actions))
    assert made["actions"]["collected"] == ["old"]
    assert len(made["actions"]["refused"][0]) <= 300


@pytest.mark.parametrize(
    ("found", "attention"),
    [
        (Findings(report()), False),
        (Findings(report(), grants=Standing(1, ("zone roles/dns.reader sha256:0",))), True),
        (Findings(report(), answers=Answers(1, 0, 0.1, (Asked(RESOLVER, 0, 1),))), True),
        (Findings(report(), answers=Answers(reason="not from here")), False),
        (Findings(report(), actions=Actions(True, refused=("x",))), True),
    ],
)
def test_who_needs_attention(found: Findings, attention: bool) -> None:
    assert found.attention is attention
    made = event(found)
    assert made["attention"] is attention
    assert bool(made["reasons"]) is attention, "whoever is to look learns at what"


def test_a_lost_grant_names_its_job_and_a_dead_server_itself() -> None:
    grant = "zone roles/dns.reader sha256:0"
    rrsets, manifest = job(grants=(grant, f"?{grant}1"))
    dead = Server("192.0.2.53", 53, ServerRole.AUTHORITATIVE)
    answers = Answers(4, 4, 0.4, (Asked(RESOLVER, 4, 0), Asked(dead, 0, 4)))
    actions = Actions(dry_run=True, refused=("bert: what its 1 record(s) held is not certain",))
    found = Findings(
        report(*rrsets, manifest.to_rrset(ZONE)), answers, grants=Standing(2, (grant, "gone")), actions=actions
    )
    said = [(one["job"], one["what"]) for one in event(found)["reasons"]]
    assert said == [
        (None, "authoritative server 192.0.2.53 does not answer for the zone"),
        ("bert", "the grant of roles/dns.reader on the zone to sha256:0 is gone"),
        (None, "the grant gone is gone"),
        ("bert", "mldns_reconcile could not put it right: what its 1 record(s) held is not certain"),
    ]


def test_what_a_server_says_wrongly_of_a_job_is_in_the_jobs_row_alone() -> None:
    rrsets, manifest = job()
    answers = Answers(4, 3, 0.4, (Asked(RESOLVER, 3, 1),), unanswered(rrsets[:1]))
    made = event(Findings(report(*rrsets, manifest.to_rrset(ZONE)), answers))
    assert (made["attention"], made["reasons"], made["jobs"][0]["exceptions_total"]) == (True, [], 1)


def test_a_hundred_reasons_are_counted_and_the_first_told() -> None:
    grants = Standing(100, tuple(f"zone roles/r{number} sha256:{number}" for number in range(100)))
    made = event(Findings(report(), grants=grants))
    assert (len(made["reasons"]), made["reasons_total"]) == (20, 100)


def test_a_zone_that_was_not_read_needs_attention() -> None:
    made = event("permission dns.resourceRecordSets.list is missing")
    assert (made["attention"], made["reasons"]) == (True, [])
