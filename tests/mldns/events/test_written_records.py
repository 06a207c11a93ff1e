"""Records as an event tells them."""

from __future__ import annotations

import ipaddress
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.events.written_records import ROOM, Told, known, pack, parse, records_event, unpack
from mldns.exceptions import InvalidInput
from mldns.inventory.compact import pack_bytes
from mldns.inventory.job_records import job_records, reverse_records
from mldns.inventory.workers import parse_workers
from mldns.ownership.manifest import Manifest, masked
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
FIRST = int(ipaddress.ip_address("10.0.0.7"))
WORKER = RRset("worker-0.bert.ml.example.com.", "A", 30, ("10.0.0.7",))

texts = st.text(st.characters(codec="utf-8"), max_size=20)
rrset_lists = st.lists(
    st.builds(RRset, texts, st.sampled_from(["A", "TXT", "SRV"]), st.integers(0, 2**31), st.lists(texts).map(tuple)),
    max_size=8,
)


@given(rrset_lists)
def test_what_is_packed_comes_back(rrsets: list[RRset]) -> None:
    assert sorted(unpack(pack(rrsets)), key=repr) == sorted(rrsets, key=repr)


@pytest.mark.parametrize(
    "name", ["worker-007", "worker-00", "w-1-2-3", "w-99999999999999999999", "0", "plain", "a\0b"], ids=repr
)
def test_numbers_of_every_look_come_back(name: str) -> None:
    rrset = RRset(f"{name}.bert.{ZONE}", "TXT", 30, (f'"{name} 1.02 #"',))
    assert unpack(pack([rrset])) == (rrset,)


@pytest.mark.parametrize("text", ["", "x", "é", pack_bytes(b"[]"), pack_bytes(b"[[],[1]]"), pack_bytes(b"\xff")])
def test_what_nobody_packed_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="packed"):
        unpack(text)


def packed(template: object, columns: list[list[int]], *counts: int) -> str:
    return pack_bytes(json.dumps([[[template, columns]] * len(counts), counts]).encode())


LONG = json.dumps([WORKER.name, "TXT", 30, "x" * 10_000])

NO_RECORD_SETS = {
    "a ttl that is text": packed('["a.ml.example.com.", "A", "x", "10.0.0.7"]', [], 1),
    "a ttl that is a flag": packed('["a.ml.example.com.", "A", true, "10.0.0.7"]', [], 1),
    "a negative ttl": packed('["a.ml.example.com.", "A", -1, "10.0.0.7"]', [], 1),
    "data that is a number": packed('["a.ml.example.com.", "A", 30, 5]', [], 1),
    "a name that is a number": packed('[1, "A", 30]', [], 1),
    "no type": packed('["a.ml.example.com.", null, 30]', [], 1),
    "a template that is a number": packed(5, [], 1),
    "no end of brackets": packed("[" * 100_000, [], 1),
    "too many": packed(json.dumps([*WORKER.key, 30]), [], 10**12),
    "too many but for a negative count": packed(json.dumps([*WORKER.key, 30]), [], 10**12, -(10**12)),
    "more numbers than counted": packed('["a\0.ml.example.com.", "A", 30]', [[1] * 9], 1),
    "too long in all": packed(LONG, [], 50_000),
}


@pytest.mark.parametrize("text", NO_RECORD_SETS.values(), ids=NO_RECORD_SETS)
def test_what_packs_no_record_sets_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="packed"):
        unpack(text)
    assert parse(event() | {"packed": text}) == Told("bert", "airflow/train", "run-1", 3, ())


def ten_thousand(step: int) -> list[str]:
    """Addresses `step` apart, or at random in 10.0.0.0/8 for 0."""
    if step:
        return [str(ipaddress.ip_address(FIRST + step * rank)) for rank in range(9_980)]
    numbers = random.Random(1).sample(range(10 << 24, 11 << 24), 9_980)
    return [str(ipaddress.ip_address(number)) for number in numbers]


@pytest.mark.parametrize(("step", "most"), [(1, 1_000), (4, 1_000), (0, ROOM)])
def test_ten_thousand_workers_fit_into_an_event(step: int, most: int) -> None:
    workers = parse_workers(ten_thousand(step))
    rrsets = job_records(workers, owner="bert", dns_name=ZONE, ttl=30, port=29500)
    assert len(pack(rrsets)) <= most
    assert set(unpack(pack(rrsets))) == set(rrsets)


def test_their_ptr_records_do_too() -> None:
    workers = parse_workers(ten_thousand(1))
    rrsets = reverse_records(workers, owner="bert", dns_name=ZONE, reverse_dns_name="10.in-addr.arpa.", ttl=30)
    assert len(pack(rrsets)) <= 1_000


def event(rrsets: tuple[RRset, ...] = (WORKER,), **fields: object) -> dict[str, object]:
    return records_event(
        project="p",
        zone="ml",
        job="bert",
        claimant="airflow/train",
        lease="run-1",
        generation=3,
        rrsets=rrsets,
        now=0,
    ) | dict(fields)


def test_an_event_reads_back() -> None:
    assert parse(event()) == Told("bert", "airflow/train", "run-1", 3, (WORKER,))


def test_an_event_without_room_tells_whose_the_lease_is() -> None:
    noise = random.Random(2)
    long = tuple(RRset(f"n{n}.{ZONE}", "TXT", 30, (noise.randbytes(200).hex(),)) for n in range(400))
    crowded = event(long)
    assert crowded["packed"] is None
    assert parse(crowded) == Told("bert", "airflow/train", "run-1", 3, ())


@pytest.mark.parametrize("fields", [{"kind": "job"}, {"schema": 2}, {"job": None}])
def test_other_events_are_none_of_ours(fields: dict[str, object]) -> None:
    assert parse(event(**fields)) is None


def manifest(**fields: object) -> Manifest:
    given = {"claimant": "airflow/train", "lease": "run-1", "generation": 3, "names": frozenset({WORKER.key}), **fields}
    return Manifest("bert", **given)  # type: ignore[arg-type]


TOLD = Told("bert", "airflow/train", "run-1", 3, (WORKER,))


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
def test_what_was_told_counts_at_the_manifest_it_was_told_of(of: Manifest, certain: bool) -> None:
    assert known(of, [TOLD]) == ({WORKER.key: WORKER} if certain else {})


FORGED = RRset(WORKER.name, "A", 30, ("10.66.66.66",))


@pytest.mark.parametrize("others", [(FORGED,), (RRset(WORKER.name, "A", 60, WORKER.rrdatas),)])
def test_two_events_of_one_generation_that_disagree_make_nothing_certain(others: tuple[RRset, ...]) -> None:
    another = RRset(f"worker-1.bert.{ZONE}", "A", 30, ("10.0.0.8",))
    whole = manifest(names=frozenset({WORKER.key, another.key}))
    said = [Told("bert", "airflow/train", "run-1", 3, (WORKER, another)), TOLD]
    assert known(whole, said) == {WORKER.key: WORKER, another.key: another}, "the same, said twice"
    assert known(whole, [*said, Told("bert", "airflow/train", "run-1", 3, others)]) == {}


def test_a_record_without_data_is_nothing_to_restore() -> None:
    assert known(manifest(), [Told("bert", "airflow/train", "run-1", 3, (RRset(*WORKER.key, 30, ()),))]) == {}
