"""An inventory in a few bytes, as text and packed, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.inventory.compact import as_list, as_text, pack_addresses, pack_bytes, unpack_addresses, unpack_bytes
from mldns.inventory.workers import Worker, parse_workers


@pytest.mark.parametrize(
    ("workers", "text"),
    [
        ([Worker(0, "10.0.0.2")], "10.0.0.2"),
        ([Worker(rank, f"10.0.0.{rank + 2}", slots=8) for rank in range(3)], "10.0.0.2-10.0.0.4 slots=8"),
        ([Worker(0, "10.0.0.3"), Worker(1, "10.0.0.2")], "10.0.0.3,10.0.0.2"),
        ([Worker(0, "10.0.0.2", slots=8), Worker(1, "10.0.0.3", slots=4)], "10.0.0.2 slots=8\n10.0.0.3 slots=4"),
        (
            [Worker(0, "10.0.0.3", role="ps"), Worker(0, "10.0.0.4"), Worker(1, "10.0.0.5")],
            "10.0.0.3 role=ps\n10.0.0.4-10.0.0.5",
        ),
        (
            [Worker(rank, f"10.0.0.{200 - rank}") for rank in range(51)],
            ",".join(f"10.0.0.{200 - rank}" for rank in range(50)) + "\n10.0.0.150",
        ),
        ([Worker(0, "10.0.0.2"), Worker(1, "10.0.0.3"), Worker(2, "10.0.0.9")], "10.0.0.2-10.0.0.3,10.0.0.9"),
        ([Worker(0, "10.0.0.2"), Worker(1, "fd00::3")], "10.0.0.2,fd00::3"),
        ([Worker(0, "fd00::ffff"), Worker(1, "fd00::1:0")], "fd00::ffff-fd00::1:0"),
        ([Worker(0, "10.0.0.255"), Worker(1, "10.0.1.0")], "10.0.0.255-10.0.1.0"),
    ],
)
def test_an_inventory_as_text(workers: list[Worker], text: str) -> None:
    assert as_text(workers) == text
    assert parse_workers(text) == tuple(workers)


PLACES = st.lists(
    st.tuples(st.integers(1, 999), st.sampled_from(["ps", "worker"]), st.sampled_from([1, 8])), min_size=1
)


@given(PLACES.map(lambda found: list({place[0]: place for place in found}.values())))
def test_text_and_list_both_come_back(places: list[tuple[int, str, int]]) -> None:
    rows = [
        {"address": f"10.0.{last // 256}.{last % 256}", "role": role, "slots": slots} for last, role, slots in places
    ]
    workers = parse_workers(rows)
    assert parse_workers(as_list(workers)) == workers
    assert [(w.role, w.rank, w.address, w.slots) for w in parse_workers(as_text(workers))] == [
        (w.role, w.rank, w.address, w.slots) for w in workers
    ]


@given(st.dictionaries(st.sampled_from(["ps", "worker"]), st.lists(st.ip_addresses(), min_size=1, max_size=40)))
def test_packed_addresses_come_back(roles: dict[str, list[Any]]) -> None:
    workers = tuple(
        Worker(rank, str(found), role=role) for role in sorted(roles) for rank, found in enumerate(roles[role])
    )
    assert unpack_addresses(pack_addresses(workers)) == workers


@given(st.binary(max_size=3000))
def test_bytes_come_back(data: bytes) -> None:
    text = pack_bytes(data)
    assert json.loads(json.dumps(text)) == text
    assert len(json.dumps(text)) == len(text) + 2, "no letter needs an escape"
    assert unpack_bytes(text, most=3000) == data


@pytest.mark.parametrize("text", ["", "x", "hello", "\u00fc", pack_bytes(b"some text")[:-5]])
def test_what_nobody_packed_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="packed text cannot be read"):
        unpack_bytes(text, most=100)


def test_no_more_than_expected_is_unpacked() -> None:
    with pytest.raises(InvalidInput, match="above 100 bytes"):
        unpack_bytes(pack_bytes(b"x" * 101), most=100)
