"""For any zone, any wish and any crash: what is ours ends as wanted, what is not stays byte for byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from strict_zone import StrictZone

from mldns.ownership.claims import Holder, release_changes, take, upsert_changes
from mldns.ownership.compare_and_swap import ManifestedChanges, Swap
from mldns.ownership.manifest import Manifest, decode
from mldns.plan.batches import Limits
from mldns.plan.compute import compute_plan
from mldns.plan.plan import POLICIES, Plan
from mldns.records.names import Key, manifest_name
from mldns.records.rrset import RRset, same

ZONE = "z.test."
OWNER = "job"
MANIFEST_KEY = (manifest_name(OWNER, ZONE), "TXT")

names = st.sampled_from(
    [f"worker-{n}.{OWNER}.{ZONE}" for n in range(6)] + [f"service.{ZONE}", ZONE, f"x.{OWNER}.{ZONE}"]
)
data = st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), min_size=1, max_size=3, unique=True)
address_sets = st.builds(RRset, names, st.just("A"), st.integers(1, 3), data.map(tuple))
text_sets = st.builds(RRset, names, st.just("TXT"), st.just(60), st.just(('"x"',)))
rrsets = st.lists(st.one_of(address_sets, text_sets), max_size=8, unique_by=lambda rrset: rrset.key)
tight = Limits(additions=3, deletions=3, rrdata_bytes=40_000)


def read(zone: StrictZone) -> tuple[Manifest | None, RRset | None, list[RRset]]:
    listed = zone.rrsets.get(MANIFEST_KEY)
    current = [rrset for key, rrset in zone.rrsets.items() if key != MANIFEST_KEY]
    return decode(listed, owner=OWNER, dns_name=ZONE), listed, current


def prepared(zone: StrictZone, desired: list[RRset], policy: str, lease: str = "run") -> tuple[Plan, ManifestedChanges]:
    manifest, listed, current = read(zone)
    claim = take(manifest, Holder(OWNER, "c", lease), now=0)
    plan = compute_plan(
        current=current,
        desired=desired,
        subtree=f"{OWNER}.{ZONE}",
        owned=claim.owns,
        owner_of=lambda _: None,
        policy=policy,
    )
    if plan.conflicts:
        return plan, ManifestedChanges((), manifest)
    return plan, upsert_changes(plan, current, claim, Swap(listed, ZONE, tight))


def upsert(zone: StrictZone, desired: list[RRset], policy: str, crash_after: int | None = None) -> Plan:
    plan, todo = prepared(zone, desired, policy)
    for change in todo.changes[:crash_after]:
        zone.apply(change)
    return plan


def release(zone: StrictZone) -> None:
    manifest, listed, current = read(zone)
    if manifest is not None and listed is not None:
        todo = release_changes(current, manifest, Swap(listed, ZONE, tight))
        for change in todo.changes:
            zone.apply(change)


def untouched(zone: StrictZone, foreign: list[RRset]) -> bool:
    return all(zone.rrsets.get(rrset.key) is rrset for rrset in foreign)


def meets(zone: StrictZone, wanted: RRset) -> bool:
    found = zone.rrsets.get(wanted.key)
    return found is not None and same(found, wanted)


@settings(max_examples=300)
@given(rrsets, rrsets, rrsets, st.sampled_from(POLICIES), st.integers(0, 4))
def test_a_crash_and_a_retry_end_as_wanted(
    foreign: list[RRset], before: list[RRset], wanted: list[RRset], policy: str, crash_after: int
) -> None:
    theirs: set[Key] = {rrset.key for rrset in foreign}
    before = [rrset for rrset in before if rrset.key not in theirs]
    wanted = [rrset for rrset in wanted if rrset.key not in theirs]
    zone = StrictZone(foreign)
    upsert(zone, before, "upsert-only")
    upsert(zone, wanted, policy, crash_after=crash_after)
    upsert(zone, wanted, policy)

    assert untouched(zone, foreign)
    if policy != "create-only":
        assert all(meets(zone, rrset) for rrset in wanted)
    if policy == "sync":
        ours = set(zone.rrsets) - theirs - {MANIFEST_KEY}
        assert ours == {rrset.key for rrset in wanted}
    again, todo = prepared(zone, wanted, policy)
    assert again.empty and not todo.changes
    release(zone)
    assert zone.rrsets == {rrset.key: rrset for rrset in foreign}


@given(rrsets, rrsets)
def test_a_conflict_writes_nothing_and_names_every_culprit(foreign: list[RRset], wanted: list[RRset]) -> None:
    zone = StrictZone(foreign)
    plan = upsert(zone, wanted, "sync")
    in_the_way = {rrset.key for rrset in foreign} & {rrset.key for rrset in wanted}
    assert {(conflict.name, conflict.type) for conflict in plan.conflicts} == in_the_way
    if in_the_way:
        assert zone.rrsets == {rrset.key: rrset for rrset in foreign}


@given(rrsets, st.randoms(use_true_random=False))
def test_the_order_of_wishes_does_not_matter(wanted: list[RRset], shuffler: object) -> None:
    shuffled = list(wanted)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert prepared(StrictZone(), wanted, "sync") == prepared(StrictZone(), shuffled, "sync")


@given(rrsets, rrsets, st.integers(1, 6))
def test_a_late_release_of_the_first_lease_finds_another_holder(
    first: list[RRset], second: list[RRset], crash_after: int
) -> None:
    zone = StrictZone()
    upsert(zone, first, "upsert-only")
    _, todo = prepared(zone, second, "upsert-only", lease="next")
    for change in todo.changes[:crash_after]:
        zone.apply(change)
    manifest, _, _ = read(zone)
    assert (manifest is None and not todo.changes) or (manifest is not None and manifest.lease == "next")
