"""A zone against its manifests."""

from __future__ import annotations

import json

from mldns.inventory.job_records import job_records
from mldns.inventory.workers import parse_workers
from mldns.ownership.manifest import Manifest
from mldns.reconcile.drift import compare, fitting
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
NOW = 1_800_000_000
APEX = (RRset(ZONE, "NS", 21600, ("ns.example.",)), RRset(ZONE, "SOA", 21600, ("ns.example. a. 1 1 1 1 300",)))


def job(owner: str, count: int = 3, **manifest: object) -> tuple[list[RRset], RRset]:
    """A job's records, and its manifest."""
    workers = parse_workers([f"10.0.{rank // 250}.{rank % 250}" for rank in range(count)])
    rrsets = list(job_records(workers, owner=owner, dns_name=ZONE, ttl=30))
    keys = frozenset(rrset.key for rrset in rrsets)
    return rrsets, Manifest(owner=owner, names=keys, **manifest).to_rrset(ZONE)  # type: ignore[arg-type]


def test_a_zone_as_it_should_be_needs_nobody() -> None:
    rrsets, manifest = job("bert", expires=NOW + 60)
    report = compare([*APEX, *rrsets, manifest], dns_name=ZONE, now=NOW)
    assert not report.attention
    assert (len(report.owners), report.foreign, report.damaged) == (1, (), ())


def test_an_empty_zone() -> None:
    report = compare(APEX, dns_name=ZONE, now=NOW)
    assert (report.rrsets, report.owners, report.foreign, report.attention) == (2, (), (), False)


def test_what_is_claimed_and_gone_is_missing_in_order_of_rank() -> None:
    rrsets, manifest = job("bert", count=12)
    left = [rrset for rrset in rrsets if not rrset.name.startswith(("worker-2.", "worker-10."))]
    owner = compare([*APEX, *left, manifest], dns_name=ZONE, now=NOW).owners[0]
    assert [name for name, _ in owner.missing] == ["worker-2.bert.ml.example.com.", "worker-10.bert.ml.example.com."]
    assert owner.attention


def test_what_nobody_claims_is_foreign() -> None:
    foreign = RRset("WWW.ml.example.com.", "A", 60, ("192.0.2.1",))
    report = compare([*APEX, foreign], dns_name=ZONE, now=NOW)
    assert report.foreign == (("www.ml.example.com.", "A"),)
    assert not report.attention


def test_a_lease_is_over_at_its_second() -> None:
    rrsets, manifest = job("bert", expires=NOW)
    assert compare([*rrsets, manifest], dns_name=ZONE, now=NOW).owners[0].expired
    assert not compare([*rrsets, manifest], dns_name=ZONE, now=NOW - 1).owners[0].expired


def test_names_claimed_and_not_written_yet_are_not_missing() -> None:
    pending = frozenset({("worker-0.bert.ml.example.com.", "A")})
    report = compare([Manifest(owner="bert", pending=pending).to_rrset(ZONE)], dns_name=ZONE, now=NOW)
    assert report.owners[0].missing == ()
    assert report.to_json()["jobs"][0]["pending"] == 1


def test_a_manifest_that_was_edited_by_hand_is_reported() -> None:
    _, manifest = job("bert")
    edited = RRset(manifest.name, "TXT", 60, (manifest.rrdatas[0].replace("worker=0-2", "worker=0-9"),))
    report = compare([edited], dns_name=ZONE, now=NOW)
    assert report.owners == ()
    assert "_mldns.bert.ml.example.com. is damaged" in report.damaged[0]
    assert report.foreign == ()
    assert report.attention


def test_a_txt_that_only_looks_like_a_manifest_is_foreign() -> None:
    other = RRset("_mldns.a.b.ml.example.com.", "TXT", 60, ('"hello"',))
    assert compare([other], dns_name=ZONE, now=NOW).foreign == ((other.name, "TXT"),)


def test_the_json_stays_small_and_shows_first_what_needs_a_person() -> None:
    zone: list[RRset] = []
    for number in range(50):
        rrsets, manifest = job(f"job-{number}", count=40)
        zone += [manifest] if number == 49 else [*rrsets, manifest]
    value = compare(zone, dns_name=ZONE, now=NOW).to_json(limit=5)
    assert value["jobs"][0]["owner"] == "job-49"
    assert value["jobs"][0]["missing"]["count"] == 42
    assert len(value["jobs"][0]["missing"]["first"]) == 5
    assert (value["owners"], len(value["jobs"])) == (50, 5)
    assert len(json.dumps(value)) < 4096


def test_reports_are_left_out_once_there_is_no_room() -> None:
    reports = [{"zone": f"zone-{number}"} for number in range(100)]
    shown = fitting(reports, 200)
    assert shown == reports[: len(shown)]
    assert 0 < len(json.dumps(shown)) - 2 * len(shown) <= 200
    assert fitting(reports, 5) == []
    assert fitting(reports, 100_000) == reports
