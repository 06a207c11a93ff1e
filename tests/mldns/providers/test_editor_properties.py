"""For any zone, any wish, any owner and any split: ours ends as asked, what is foreign stays as it is.

On a cloud in memory that enforces the very limits by which the changes are packed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.exceptions import OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.plan.batches import Limits
from mldns.plan.plan import POLICIES
from mldns.providers.editor import ZoneEditor
from mldns.records.rrset import RRset, same
from tests.mldns.providers.job_zone import DNS_NAME, ZONE, by_hand, content
from tests.simulator.memory_provider import MemoryProvider

Sketch = tuple[str, str, int, tuple[str, ...]]
"""An rrset of the zone: name without the zone, type, TTL, rrdatas."""

# -- what may be asked -------------------------------------------------------------------------------------------------

labels = st.sampled_from(
    ["worker-0.job", "worker-1.job", "worker-7.job", "x.job", "worker-0.a", "service", "*.a", "job"]
)
addresses = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)
DATA: dict[str, st.SearchStrategy[tuple[str, ...]]] = {
    "A": addresses.map(lambda found: tuple(f"10.0.0.{n}" for n in found)),
    "AAAA": addresses.map(lambda found: tuple(f"2001:db8::{n}" for n in found)),
    "TXT": st.sampled_from([('"x"',), ('"a \\"b\\"" "c"',), ('"' + "y" * 250 + '"', '"z"')]),
    "SRV": addresses.map(lambda found: tuple(f"0 0 {n} worker-{n}.job.test." for n in found)),
    "CNAME": st.sampled_from([("host.test.",), ("other.test.",)]),
}


sketches = st.sampled_from(sorted(DATA)).flatmap(
    lambda kind: st.tuples(labels, st.just(kind), st.sampled_from([5, 30, 300]), DATA[kind])
)


def _legal(found: Iterable[Sketch]) -> list[Sketch]:
    """One rrset a name and type, and a CNAME alone: what a zone can hold at once."""
    kept: dict[str, dict[str, Sketch]] = {}
    for sketch in found:
        types = kept.setdefault(sketch[0], {})
        if sketch[1] not in types and not (types and "CNAME" in {sketch[1], *types}):
            types[sketch[1]] = sketch
    return [sketch for types in kept.values() for sketch in types.values()]


contents = st.lists(sketches, max_size=10).map(_legal)
splits = st.builds(
    Limits,
    additions=st.integers(6, 9),
    deletions=st.integers(6, 9),
    rrdata_bytes=st.integers(2_500, 3_500),
    elements=st.one_of(st.none(), st.integers(40, 50)),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What stands in the zone of others and of the owner, what the owner wants now, and how its changes are packed."""

    owner: str
    foreign: list[Sketch]
    earlier: list[Sketch]
    wanted: list[Sketch]
    policy: str
    limits: Limits


cases = st.builds(
    Case,
    owner=st.sampled_from(["job", "shared", "a"]),
    foreign=contents,
    earlier=contents,
    wanted=contents,
    policy=st.sampled_from(POLICIES),
    limits=splits,
)


# -- what has to be true ----------------------------------------------------------------------------------------------


def rrsets(sketches: Iterable[Sketch]) -> list[RRset]:
    return [RRset(f"{label}.{DNS_NAME}", kind, ttl, data) for label, kind, ttl, data in sketches]


@settings(deadline=None, max_examples=200)
@given(case=cases)
def test_any_edit_of_any_zone(case: Case) -> None:
    editor = ZoneEditor(MemoryProvider(ZONE, limits=case.limits), ZONE)
    holder = Holder(case.owner, "airflow/train", "run-1")
    foreign, wanted = rrsets(case.foreign), rrsets(case.wanted)
    for rrset in foreign:
        by_hand(editor, rrset)
    untouched = content(editor)
    names = {rrset.name for rrset in foreign}
    if earlier := [rrset for rrset in rrsets(case.earlier) if rrset.name not in names]:
        editor.upsert(earlier, holder, "upsert-only")

    was = content(editor)
    plan = editor.plan(wanted, holder, case.policy)
    if plan.conflicts:
        with pytest.raises(OwnershipConflict) as refused:
            editor.upsert(wanted, holder, case.policy)
        assert refused.value.conflicts == plan.conflicts
        assert {(conflict.name, conflict.type) for conflict in plan.conflicts} <= untouched.keys()
        assert content(editor) == was, "a conflict writes nothing"
    else:
        editor.upsert(wanted, holder, case.policy, reviewed=plan.digest)
        ours = {key: item for key, item in content(editor).items() if key not in untouched}
        if case.policy == "sync":
            assert ours.keys() == {rrset.key for rrset in wanted}
        if case.policy != "create-only":
            assert all(same(ours[rrset.key], rrset) for rrset in wanted)
        again = editor.plan(wanted, holder, case.policy)
        assert again.empty and not again.conflicts
        assert editor.upsert(wanted, holder, case.policy).progress.changes == 0
    now = content(editor)
    assert {key: now.get(key) for key in untouched} == untouched
    editor.release(holder)
    assert content(editor) == untouched
