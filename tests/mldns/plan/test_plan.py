"""Plans: the table of the module, row by row, and how they read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mldns.exceptions import Conflict, InvalidInput
from mldns.plan.compute import compute_plan
from mldns.plan.plan import POLICIES, Plan, Room
from mldns.records.names import Key
from mldns.records.rrset import RRset

A1 = RRset("a.z.", "A", 60, ("10.0.0.1",))
A2 = RRset("a.z.", "A", 60, ("10.0.0.2",))
A1_TTL = RRset("a.z.", "A", 30, ("10.0.0.1",))
A1_SPELLED = RRset("A.z.", "A", 60, ("10.0.0.1",))
AAAA = RRset("a.z.", "AAAA", 60, ("2001:db8::1",))
CNAME = RRset("a.z.", "CNAME", 60, ("b.z.",))
B = RRset("b.z.", "A", 60, ("10.0.0.3",))
SUBTREE = "bert.z."


def planned(
    current: list[RRset], desired: list[RRset], owned: set[Key], holder: str | None = None, **over: Any
) -> dict[str, Any]:
    """The headings of the plan that hold anything."""
    plan = compute_plan(
        current=current,
        desired=desired,
        subtree=SUBTREE,
        owned=owned.__contains__,
        owner_of=lambda _: holder,
        **over,
    )
    return {heading: getattr(plan, heading) for heading in Plan.__slots__ if getattr(plan, heading)}


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_there_is_created(policy: str) -> None:
    assert planned([], [A1], set(), policy=policy) == {"creates": (A1,)}


@pytest.mark.parametrize("policy", POLICIES)
def test_ours_and_the_same_is_unchanged(policy: str) -> None:
    assert planned([A1], [A1], {A1.key}, policy=policy) == {"unchanged": (A1,)}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("found", [A1, A2])
def test_not_ours_is_a_conflict_even_when_it_says_the_same(policy: str, found: RRset) -> None:
    conflicts = planned([found], [A1], set(), policy=policy, holder="job other")["conflicts"]
    assert [(c.name, c.type, c.owner) for c in conflicts] == [("a.z.", "A", "job other")]


@pytest.mark.parametrize(
    ("policy", "heading"), [("create-only", "skipped"), ("upsert-only", "replaces"), ("sync", "replaces")]
)
@pytest.mark.parametrize("found", [A2, A1_TTL])
def test_ours_and_another(policy: str, heading: str, found: RRset) -> None:
    assert list(planned([found], [A1], {A1.key}, policy=policy)) == [heading]


@pytest.mark.parametrize(("policy", "deleted"), [("create-only", False), ("upsert-only", False), ("sync", True)])
def test_ours_and_unwanted(policy: str, deleted: bool) -> None:
    found = planned([A1, B], [A1], {A1.key, B.key}, policy=policy)
    assert (found.get("deletes") == (B,)) is deleted


def test_sync_never_deletes_what_is_not_ours() -> None:
    assert planned([A1, B], [A1], {A1.key}, policy="sync") == {"unchanged": (A1,)}


def test_adopt_takes_what_nobody_owns_and_already_fits() -> None:
    assert planned([A1], [A1], set(), adopt=True) == {"unchanged": (A1,)}


@pytest.mark.parametrize(("found", "owner"), [(A2, None), (A1, "external-dns")])
def test_adopt_takes_nothing_else(found: RRset, owner: str | None) -> None:
    assert list(planned([found], [A1], set(), adopt=True, holder=owner)) == ["conflicts"]


def test_an_own_cname_makes_room_for_an_address() -> None:
    assert planned([CNAME], [A1], {CNAME.key}) == {"creates": (A1,), "deletes": (CNAME,)}


def test_own_addresses_make_room_for_a_cname() -> None:
    assert planned([A1, AAAA], [CNAME], {A1.key, AAAA.key}) == {"creates": (CNAME,), "deletes": (A1, AAAA)}


def test_create_only_makes_no_room() -> None:
    assert planned([CNAME], [A1], {CNAME.key}, policy="create-only") == {"skipped": (A1,)}


def test_a_foreign_record_beside_a_cname_is_a_conflict() -> None:
    found = planned([A1, AAAA], [CNAME], {A1.key})
    assert list(found) == ["conflicts"]
    assert [conflict.type for conflict in found["conflicts"]] == ["AAAA"]


HOST_A = RRset("worker-0.bert.z.", "A", 60, ("10.0.0.1",))
HOST_AAAA = RRset("worker-0.bert.z.", "AAAA", 60, ("2001:db8::1",))
ROUTED_A = RRset(HOST_A.name, "A", 60, ())


@pytest.mark.parametrize(
    ("current", "desired", "owned", "policy", "headings"),
    [
        pytest.param([HOST_A], [HOST_AAAA], [HOST_A], "upsert-only", {"creates", "deletes"}, id="ours goes"),
        pytest.param([HOST_A], [HOST_AAAA], [HOST_A], "create-only", {"skipped"}, id="create-only makes no room"),
        pytest.param([HOST_A], [HOST_AAAA], [], "upsert-only", {"conflicts"}, id="not ours"),
        pytest.param([ROUTED_A], [HOST_AAAA], [ROUTED_A], "upsert-only", {"conflicts"}, id="a routing policy"),
        pytest.param([HOST_A, HOST_AAAA], [HOST_A], [HOST_A, HOST_AAAA], "upsert-only", {"unchanged", "deletes"}),
        pytest.param([HOST_A, HOST_AAAA], [HOST_A], [HOST_A, HOST_AAAA], "create-only", {"unchanged"}),
        pytest.param([HOST_A, HOST_AAAA], [HOST_A], [HOST_A], "upsert-only", {"conflicts"}, id="added by hand"),
        pytest.param([HOST_A], [HOST_A, HOST_AAAA], [HOST_A], "upsert-only", {"unchanged", "creates"}, id="both meant"),
        pytest.param([AAAA], [A1], [AAAA], "upsert-only", {"creates"}, id="a name that no inventory gives"),
    ],
)
def test_the_other_address_family_of_a_worker(
    current: list[RRset], desired: list[RRset], owned: list[RRset], policy: str, headings: set[str]
) -> None:
    """A launcher that finds both takes either: the last run's address would do."""
    keys = {rrset.key for rrset in owned}
    assert set(planned(current, desired, keys, policy=policy)) == headings


@pytest.mark.parametrize(
    ("cut", "hidden"),
    [
        ("bert.z.", True),
        ("worker-0.bert.z.", True),
        ("bert.", False),
        ("ert.z.", False),
        ("z.", False),
        ("x.worker-0.bert.z.", False),
    ],
)
def test_a_delegation_hides_its_name_and_all_below_it(cut: str, hidden: bool) -> None:
    delegation = RRset(cut, "NS", 60, ("ns1.example.net.",))
    found = planned([delegation, HOST_A], [HOST_A, B], {HOST_A.key})
    if not hidden:
        assert found == {"creates": (B,), "unchanged": (HOST_A,)}
        return
    (conflict,) = found["conflicts"]
    assert (conflict.name, conflict.type, conflict.found) == (cut, "NS", ("ns1.example.net.",))
    assert HOST_A.name in conflict.why
    assert found["creates"] == (B,)


def test_types_of_one_name_are_apart() -> None:
    assert planned([A1], [A1, AAAA], {A1.key}) == {"creates": (AAAA,), "unchanged": (A1,)}


def test_another_spelling_is_no_difference() -> None:
    assert planned([A1], [RRset("a.z.", "AAAA", 60, ("2001:DB8::1",)), A1], {A1.key})["unchanged"] == (A1,)


@pytest.mark.parametrize(
    ("current", "desired", "policy", "heading"),
    [
        pytest.param([], [A1], "upsert-only", "conflicts", id="claimed, not written"),
        pytest.param([A1], [A1], "sync", "unchanged", id="nothing to touch"),
        pytest.param([A2], [A1], "create-only", "skipped", id="not to be touched"),
        pytest.param([A2], [A1], "upsert-only", "conflicts", id="written by both"),
        pytest.param([A2], [CNAME], "upsert-only", "conflicts", id="in the way of a CNAME"),
        pytest.param([A2], [B], "sync", "creates", id="unwanted by us"),
    ],
)
def test_what_another_job_has_too_is_not_touched(
    current: list[RRset], desired: list[RRset], policy: str, heading: str
) -> None:
    plan = compute_plan(
        current=current,
        desired=desired,
        subtree=SUBTREE,
        owned=lambda _: True,
        owner_of=lambda _: None,
        rival_of=lambda key: "mldns job 'other'" if key[0] == "a.z." else None,
        policy=policy,
    )
    assert {name for name, count in plan.counts().items() if count} == {heading}
    assert {conflict.owner for conflict in plan.conflicts} <= {"mldns job 'other'"}


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(InvalidInput, match="unknown policy 'replace': choose one of create-only, upsert-only, sync"):
        planned([], [A1], set(), policy="replace")


def test_ranks_come_in_order_of_numbers() -> None:
    rrsets = [RRset(f"worker-{rank}.z.", "A", 60, (f"10.0.0.{rank}",)) for rank in (10, 2, 1)]
    plan = compute_plan(current=[], desired=rrsets, subtree=SUBTREE, owned=lambda _: False, owner_of=lambda _: None)
    assert plan.names() == ["worker-1.z.", "worker-2.z.", "worker-10.z."]


def test_a_plan_reads_as_line_table_and_json() -> None:
    plan = compute_plan(
        current=[A2, B],
        desired=[A1],
        subtree=SUBTREE,
        owned={A1.key, B.key}.__contains__,
        owner_of=lambda _: None,
        policy="sync",
    )
    assert plan.summary() == "1 replaces, 1 deletes: a.z., b.z."
    assert plan.table() == "~ a.z. 60 A 10.0.0.1\n- b.z. 60 A 10.0.0.3"
    assert plan.table(1) == "~ a.z. 60 A 10.0.0.1\n  … and 1 more"
    view = plan.to_json(full=True)
    assert view["counts"] == {"creates": 0, "replaces": 1, "deletes": 1, "unchanged": 0, "skipped": 0, "conflicts": 0}
    assert view["replaces"] == [{"before": A2.to_api(), "after": A1.to_api()}]
    assert "deletes" not in plan.to_json()


@pytest.mark.parametrize("full", [False, True])
def test_a_conflict_in_json_has_the_fields_of_the_exception(full: bool) -> None:
    plan = compute_plan(
        current=[A2], desired=[A1], subtree=SUBTREE, owned=lambda _: False, owner_of=lambda _: "octoDNS"
    )
    (shown,) = json.loads(json.dumps(plan.to_json(full=full)))["conflicts"]
    assert shown == {"name": "a.z.", "type": "A", "owner": "octoDNS", "found": ["10.0.0.2"]}
    assert str(Conflict(**shown)) == "a.z. A (owned by octoDNS)"


def test_a_plan_tells_what_stays_and_how_full_the_zone_will_be() -> None:
    plan = compute_plan(
        current=[A1], desired=[A1, B], subtree=SUBTREE, owned={A1.key}.__contains__, owner_of=lambda _: None
    )
    assert plan.table() == "+ b.z. 60 A 10.0.0.3\n  1 stay as they are"
    assert plan.to_json(full=True)["unchanged"] == [A1.to_api()]
    assert plan.to_json()["room"] is None
    full = replace(plan, room=Room(9_999, 10_000))
    assert full.table().endswith("\n= 9,999 of 10,000 record sets once applied, 1 left")
    assert full.to_json()["room"] == {"rrsets": 9_999, "limit": 10_000, "headroom": 1}
    assert str(Room(10_002, 10_000)).endswith("2 too many")
    assert "room" not in full.counts()


@pytest.mark.parametrize(
    ("owned", "policy", "heading"),
    [
        (True, "create-only", "skipped"),
        (True, "upsert-only", "conflicts"),
        (True, "sync", "conflicts"),
        (False, "sync", "conflicts"),
    ],
)
def test_a_routing_policy_is_nobody_s_to_write(owned: bool, policy: str, heading: str) -> None:
    """Somebody made it by hand: it has no rrdatas that a deletion could send back."""
    routed = RRset("a.z.", "A", 60, ())
    plan = compute_plan(
        current=[routed, B],
        desired=[A1],
        subtree=SUBTREE,
        owned=lambda key: owned,
        owner_of=lambda _: None,
        policy=policy,
    )
    assert plan.counts()[heading] == 1
    assert [str(conflict)[:34] for conflict in plan.conflicts] == ["a.z. A (a routing policy answers t"] * (
        heading == "conflicts"
    )


def test_a_sync_leaves_a_routing_policy_alone() -> None:
    assert planned([RRset("a.z.", "A", 60, ())], [], {A1.key}, policy="sync") == {}


def test_the_digest_stands_for_what_is_written() -> None:
    def digest(current: list[RRset]) -> str:
        return compute_plan(
            current=current, desired=[A1], subtree=SUBTREE, owned=lambda _: True, owner_of=lambda _: None
        ).digest

    assert digest([]) == digest([B]) != digest([A2])
    assert digest([A1]) == Plan().digest
