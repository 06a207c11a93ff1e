"""The hand-off: everything a trainer needs, small at any size."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords


def of(workers: Any, port: int | None = None, **zone: Any) -> dict[str, Any]:
    """The hand-off of a job `bert`."""
    desired = DesiredRecords.parse(owner="bert", dns_name="ml.example.com.", workers=workers, port=port)
    return hand_off(desired, zone="ml", **zone)


def test_a_job_of_two_hosts() -> None:
    workers = "10.0.0.1 slots=8\n10.0.0.2 slots=8"
    value = of(workers, port=29400, name_servers=["ns.example."], resolvers=["10.0.0.53:53"])
    assert value == {
        "version": 1,
        "zone": "ml",
        "dns_name": "ml.example.com.",
        "visibility": "private",
        "name_servers": ["ns.example."],
        "resolvers": ["10.0.0.53:53"],
        "job": "bert",
        "ttl": 30,
        "count": 2,
        "pattern": "{role}-{rank}.bert.ml.example.com.",
        "roles": {"worker": 2},
        "slots": 8,
        "slot_runs": None,
        "world_size": 16,
        "master": "worker-0.bert.ml.example.com.",
        "master_alias": "master.bert.ml.example.com.",
        "port": 29400,
        "endpoint": "worker-0.bert.ml.example.com.:29400",
        "workers_name": "workers.bert.ml.example.com.",
        "record_type": "A",
        "digest": value["digest"],
        "addresses": value["addresses"],
        "run": None,
    }


def test_slots_that_differ_are_not_one_number() -> None:
    value = of("10.0.0.1 slots=8\n10.0.0.2 slots=4")
    assert (value["slots"], value["slot_runs"], value["world_size"]) == (None, {"worker": "8*1,4*1"}, 12)


def test_slots_that_change_from_host_to_host_are_not_told() -> None:
    workers = [{"address": f"10.0.{n // 250}.{n % 250 + 1}", "slots": n % 2 + 1} for n in range(1_000)]
    value = of(workers)
    assert (value["slots"], value["slot_runs"], value["world_size"]) == (None, None, 1_500)


@pytest.mark.parametrize(
    ("addresses", "record_type"),
    [(["10.0.0.1", "10.0.0.2"], "A"), (["fd00::1", "fd00::2"], "AAAA"), (["10.0.0.1", "fd00::2"], None)],
)
def test_it_tells_what_the_names_hold(addresses: list[str], record_type: str | None) -> None:
    assert of(addresses)["record_type"] == record_type


def test_ten_thousand_workers_stay_below_eight_kib() -> None:
    address = "10.{0}.{1}.{2}".format
    rows = [
        {"address": address(n // 62500, n // 250 % 250, n % 250 + 1), "slots": 1 + (n // 60) % 2} for n in range(10_000)
    ]
    workers = rows  # with as many runs of slots as are told
    value = of(workers)
    assert len(json.dumps(value)) < 8 * 1024
    assert value["workers_name"] is None
    assert value["slot_runs"] is not None


def test_records_alone_hand_over_the_zone() -> None:
    value = hand_off(DesiredRecords("bert", "ml.example.com.", 30), zone="ml")
    assert value["count"] == 0
    assert "master" not in value


def test_a_replaced_host_is_of_the_same_run_and_its_name_stays_hidden() -> None:
    runs = {of(rows, lease="manual-1")["run"] for rows in (["10.0.0.1"], ["10.0.0.2"])}
    assert len(runs) == 1
    assert runs.isdisjoint({of(["10.0.0.1"], lease="manual-2")["run"], None, "manual-1"})


def test_the_digest_notices_every_address() -> None:
    digests = {of(rows)["digest"] for rows in (["10.0.0.1"], ["10.0.0.2"])}
    assert len(digests) == 2
