"""Names of a manifest as items, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.ownership.name_ranges import RESERVED, from_item, to_items
from mldns.records.addresses import reverse_name
from mldns.records.names import Key

ZONE, REVERSE = "ml.example.com.", "10.in-addr.arpa."


def items(*keys: Key) -> list[str]:
    return list(to_items(frozenset(keys), owner="bert", dns_name=ZONE))


def worker(rank: int, role: str = "worker", kind: str = "A") -> Key:
    return (f"{role}-{rank}.bert.{ZONE}", kind)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], []),
        ([worker(0)], ["worker=0"]),
        ([worker(2), worker(0), worker(1)], ["worker=0-2"]),
        ([worker(0), worker(1), worker(3), worker(5), worker(6)], ["worker=0-1,3,5-6"]),
        ([worker(0, kind="AAAA"), worker(0, "ps")], ["ps=0", "worker/AAAA=0"]),
        ([(f"master.bert.{ZONE}", "A"), (ZONE, "TXT")], ["name=master.bert/A", "name=@/TXT"]),
        ([(f"service.{ZONE}", "A")], ["name=service/A"]),
        ([(f"worker-0.other.{ZONE}", "A")], ["name=worker-0.other/A"]),
        ([(f"worker-007.bert.{ZONE}", "A")], ["name=worker-007.bert/A"]),
        ([worker(0, kind="TXT")], ["name=worker-0.bert/TXT"]),
        # What only looks like a worker: no role reads like that.
        ([worker(1, "gpu-0")], ["name=gpu-0-1.bert/A"]),
        ([worker(1, "_gpu")], ["name=_gpu-1.bert/A"]),
        ([worker(1, "a_b")], ["name=a_b-1.bert/A"]),
        ([worker(1, "x-")], ["name=x--1.bert/A"]),
        ([worker(200_000)], ["worker=200000"]),
    ],
)
def test_items(keys: list[Key], expected: list[str]) -> None:
    assert items(*keys) == expected


def pointers(*addresses: str) -> frozenset[Key]:
    return frozenset((reverse_name(address), "PTR") for address in addresses)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (pointers("10.0.0.7"), ("in-addr.arpa=10.0.0.7",)),
        (
            pointers("10.0.0.255", "10.0.1.0", "10.0.0.9", "10.0.1.1"),
            ("in-addr.arpa=10.0.0.9,10.0.0.255-10.0.1.1",),
        ),
        (
            pointers("2001:db8::1", "2001:db8::2", "10.0.0.7"),
            ("in-addr.arpa=10.0.0.7", "ip6.arpa=2001:db8::1-2001:db8::2"),
        ),
        ({("7.0.0.10.in-addr.arpa.", "TXT"), ("0.0.10.in-addr.arpa.", "PTR")}, ("name=0.0/PTR", "name=7.0.0/TXT")),
    ],
)
def test_names_of_addresses_are_ranges_of_addresses(keys: frozenset[Key], expected: tuple[str, ...]) -> None:
    assert to_items(keys, owner="bert", dns_name=REVERSE) == expected


@given(st.frozensets(st.ip_addresses(v=4) | st.ip_addresses(v=6), max_size=60))
def test_ranges_of_addresses_come_back(addresses: frozenset[Any]) -> None:
    keys = pointers(*map(str, addresses))
    written = to_items(keys, owner="bert", dns_name=REVERSE)
    assert frozenset(key for item in written for key in from_item(item, owner="bert", dns_name=REVERSE)) == keys
    assert all(len(item) < 250 for item in written)


@pytest.mark.parametrize("role", sorted(RESERVED))
def test_a_role_named_like_a_key_of_the_manifest_is_listed_by_name(role: str) -> None:
    assert items(worker(0, role)) == [f"name={role}-0.bert/A"]


def test_no_item_outgrows_a_txt_string() -> None:
    ragged = items(*(worker(rank, "r" * 63, "AAAA") for rank in range(0, 10_000, 2)))
    assert max(map(len, ragged)) < 255
    assert len(ragged) > 1


labels = st.from_regex(r"_?[a-z0-9]([a-z0-9_-]{0,6}[a-z0-9])?|\*", fullmatch=True)
keys = st.one_of(
    st.builds(lambda label, kind: (f"{label}.bert.{ZONE}", kind), labels, st.sampled_from(["A", "AAAA", "CNAME"])),
    st.builds(worker, st.integers(0, 99_999), st.sampled_from(["worker", "ps", "a-b"]), st.sampled_from(["A", "AAAA"])),
    st.tuples(
        st.sampled_from([ZONE, f"x.{ZONE}", f"a.b.{ZONE}", f"worker-1.other.{ZONE}"]), st.sampled_from(["TXT", "SRV"])
    ),
)


@given(st.frozensets(keys, max_size=40))
def test_there_and_back(covered: frozenset[Key]) -> None:
    back = {key for item in items(*covered) for key in from_item(item, owner="bert", dns_name=ZONE)}
    assert back == covered


@pytest.mark.parametrize(
    "item",
    [
        "worker=",
        "worker=a",
        "worker=1-",
        "=1",
        "worker=0-999999999999",
        "name=a",
        "name=/A",
        "name=a/b c",
        "worker",
        "a b=1",
        "in-addr.arpa=",
        "in-addr.arpa=10.0.0.9-10.0.0.7",
        "in-addr.arpa=2001:db8::1",
        "in-addr.arpa=10.0.0.7-",
        "in-addr.arpa=10.0.0.0-10.1.134.160",  # one more than MAX_NAMES
        "ip6.arpa=10.0.0.7",
    ],
)
def test_what_is_no_item_is_refused_without_exhausting_memory(item: str) -> None:
    with pytest.raises(InvalidInput):
        list(from_item(item, owner="bert", dns_name=ZONE))
