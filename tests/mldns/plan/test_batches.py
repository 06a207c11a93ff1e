"""Packing: nothing dropped, nothing split, nothing above a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.plan.batches import Change, Limits, edits, pack
from mldns.plan.plan import Plan, Replace
from mldns.records.rrset import RRset


def rrset(name: str, data: str = "10.0.0.1", kind: str = "A") -> RRset:
    return RRset(name, kind, 60, (data,))


def test_all_edits_of_a_name_are_one() -> None:
    plan = Plan(
        creates=(rrset("a."), rrset("c.", "2001:db8::1", "AAAA")),
        replaces=(Replace(rrset("c.", "10.0.0.2"), rrset("c.")),),
        deletes=(rrset("a.", "b.", "CNAME"), rrset("d.")),
    )
    assert list(edits(plan)) == [
        Change((rrset("a."),), (rrset("a.", "b.", "CNAME"),)),
        Change((), (rrset("d."),)),
        Change((rrset("c."), rrset("c.", "2001:db8::1", "AAAA")), (rrset("c.", "10.0.0.2"),)),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 40)).filter(lambda t: t[0] + t[1]), max_size=60
    ),
    st.integers(4, 12),
    st.integers(4, 12),
    st.integers(300, 900),
)
def test_any_split_keeps_every_edit_whole_and_in_order(
    shape: list[tuple[int, int, int]], additions: int, deletions: int, size: int
) -> None:
    items = [
        Change(
            tuple(rrset(f"n{n}.", "x" * length, f"T{i}") for i in range(adds)),
            tuple(rrset(f"n{n}.", "x" * length, f"T{i}") for i in range(dels)),
        )
        for n, (adds, dels, length) in enumerate(shape)
    ]
    packed = list(pack(items, Limits(additions, deletions, size), swap_bytes=50))
    assert sum(packed, Change()) == sum(items, Change())
    for change in packed:
        assert len(change.additions) <= additions - 1
        assert len(change.deletions) <= deletions - 1
        assert change.rrdata_bytes <= size - 50
    homes = [{r.name for r in (*change.additions, *change.deletions)} for change in packed]
    assert sum(map(len, homes)) == len(items), "a name stands in two changes"


def test_a_change_leaves_room_for_the_manifest() -> None:
    items = [Change((rrset(f"w{n}."),)) for n in range(9_990)]
    assert [len(change.additions) for change in pack(items, Limits(), swap_bytes=16_384)] == [999] * 10


def test_what_no_change_can_hold_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"record big\. alone takes 600 bytes in 1 rrdatas"):
        list(pack([Change((rrset("big.", "x" * 600, "TXT"),))], Limits(rrdata_bytes=500), swap_bytes=0))
