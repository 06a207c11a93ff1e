"""The records of an upsert in its event, and which of them still count."""

from __future__ import annotations

import ipaddress
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.events.written_records import ROOM, WrittenRecords, certain_records, of_generation, pack, parse, unpack
from mldns.exceptions import InvalidInput
from mldns.inventory.compact import pack_bytes
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.manifest import Manifest, masked
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
WORKER = RRset("worker-0.bert.ml.example.com.", "A", 30, ("10.0.0.7",))
REVERSE = "10.in-addr.arpa."


def desired(workers: Any = ("10.0.0.7",), **more: Any) -> DesiredRecords:
    return DesiredRecords.parse(owner="bert", dns_name=ZONE, workers=workers and list(workers), **more)


workers = st.lists(
    st.tuples(
        st.ip_addresses(v=4, network="10.0.0.0/24").map(str), st.sampled_from(["worker", "ps"]), st.integers(1, 8)
    ),
    min_size=1,
    max_size=12,
)


@given(workers, st.none() | st.integers(1, 65535), st.integers(1, 300))
def test_what_is_packed_comes_back(hosts: list[tuple[str, str, int]], port: int | None, ttl: int) -> None:
    inventory = "\n".join(f"{address} role={role} slots={slots}" for address, role, slots in hosts)
    text = {"name": f"note.{ZONE}", "type": "TXT", "rrdatas": ['"a \\"b\\" # é"']}
    wanted = DesiredRecords.parse(
        owner="bert",
        dns_name=ZONE,
        ttl=ttl,
        workers=inventory,
        records=[text],
        port=port,
        allow_addresses=[address for address, _, _ in hosts],  # several ranks may share one
        reverse_dns_name=REVERSE,
    )
    for pointers, rrsets in ((False, wanted.rrsets), (True, wanted.pointers)):
        packed = pack(wanted, pointers=pointers)
        assert packed is not None
        assert unpack(packed, job="bert") == rrsets


def test_explicit_records_alone_and_addresses_that_were_allowed_come_back() -> None:
    wanted = desired(
        None,
        records=[{"name": f"a.{ZONE}", "type": "A", "ttl": 5, "rrdatas": ["127.0.0.1"]}],
        allow_addresses=["127.0.0.0/8"],
    )
    assert unpack(pack(wanted) or "", job="bert") == wanted.rrsets


def packed(**made_of: Any) -> str:
    return pack_bytes(json.dumps({"dns_name": ZONE, "ttl": 30, "workers": "10.0.0.7", **made_of}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        pack_bytes(b"[]"),
        pack_bytes(b"\xff"),
        pack_bytes(b"[" * 100_000),
        pack_bytes(b" " * (3 << 20)),
        packed(ttl="x"),
        packed(workers="10.0.0.0-10.255.255.255"),
        packed(records=[{"name": WORKER.name, "type": "A", "rrdatas": [5]}]),
        packed(records=5),
        packed(owner="another"),
        packed(policy="sync"),
    ],
    ids=repr,
)
def test_what_nobody_packed_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        unpack(text, job="bert")
    assert parse(event() | {"packed": text}) == WrittenRecords("bert", "airflow/train", "run-1", 3, ())


def test_ten_thousand_scattered_workers_fit_into_an_event() -> None:
    numbers = random.Random(1).sample(range(10 << 24, 11 << 24), 9_980)
    wanted = desired(str(ipaddress.ip_address(number)) for number in numbers)
    text = pack(wanted)
    assert text is not None
    assert unpack(text, job="bert") == wanted.rrsets


def written(rrsets: tuple[RRset, ...] = (WORKER,), generation: int = 3, packed: str | None = None) -> WrittenRecords:
    return WrittenRecords("bert", "airflow/train", "run-1", generation, rrsets, packed)


def event(**fields: object) -> dict[str, object]:
    wanted = desired()
    said = written(wanted.rrsets, packed=pack(wanted)).to_event(project="p", zone="ml", now=0)
    return said | fields


def test_an_event_reads_back() -> None:
    wanted = desired()
    assert parse(event()) == written(wanted.rrsets, packed=pack(wanted))


@pytest.mark.parametrize(
    ("said", "read"),
    [(24, 24), (0.5, 0.5), (None, None), (0, None), (-1, None), (1e9, None), ("24", None), (True, None), ([], None)],
)
def test_a_renewal_is_read_only_where_it_is_a_lease_that_anybody_may_have(said: object, read: float | None) -> None:
    extra = event(renew_hours=said)
    found = parse(extra)
    assert found is not None and found.renew_hours == read


def test_records_without_room_leave_an_event_that_says_whose_the_lease_is() -> None:
    noise = random.Random(2)
    long = [
        {"name": f"n{number}.{ZONE}", "type": "TXT", "rrdatas": [f'"{noise.randbytes(100).hex()}"']}
        for number in range(ROOM // 100)
    ]
    assert pack(desired(None, records=long)) is None
    assert parse(event(packed=None)) == written(())


@pytest.mark.parametrize("fields", [{"kind": "job"}, {"schema": 2}, {"job": None}])
def test_other_events_are_none_of_ours(fields: dict[str, object]) -> None:
    assert parse(event(**fields)) is None


def manifest(**fields: object) -> Manifest:
    given = {"claimant": "airflow/train", "lease": "run-1", "generation": 3, "names": frozenset({WORKER.key}), **fields}
    return Manifest("bert", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "certain"),
    [
        (manifest(), True),
        (manifest(claimant=masked("airflow/train"), lease=masked("run-1")), True),  # as a public zone keeps them
        (manifest(generation=4), False),  # written since: another address may be meant
        (manifest(lease="run-2"), False),
        (manifest(claimant="airflow/other"), False),
        (manifest(names=frozenset()), False),  # not this job's any more
        (manifest(names=frozenset(), pending=frozenset({WORKER.key})), False),
    ],
)
def test_written_records_count_at_the_manifest_they_were_written_under(of: Manifest, certain: bool) -> None:
    assert certain_records(of, [written()]) == ({WORKER.key: WORKER} if certain else {})


@pytest.mark.parametrize("other", [replace(WORKER, rrdatas=("10.66.66.66",)), replace(WORKER, ttl=60)])
def test_two_events_of_one_generation_that_disagree_make_nothing_certain(other: RRset) -> None:
    another = RRset(f"worker-1.bert.{ZONE}", "A", 30, ("10.0.0.8",))
    whole = manifest(names=frozenset({WORKER.key, another.key}))
    agreeing = [written((WORKER, another)), written()]
    assert certain_records(whole, agreeing) == {WORKER.key: WORKER, another.key: another}
    assert certain_records(whole, [*agreeing, written((other,))]) == {}


def test_a_repair_repeats_each_event_of_the_generation_once() -> None:
    one, two = written(packed="one"), written(packed="two")
    assert of_generation(manifest(), [one, two, one, written(generation=2)]) == [one, two]
