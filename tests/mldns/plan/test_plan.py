"""Plans: the table of the module, row by row, and how they read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import Conflict, InvalidInput
from mldns.plan.compute import compute_plan
from mldns.plan.plan import POLICIES, Plan, Room
from mldns.records.rrset import RRset

A1 = RRset("a.z.", "A", 60, ("10.0.0.1",))
A2 = RRset("a.z.", "A", 60, ("10.0.0.2",))
A1_TTL = RRset("a.z.", "A", 30, ("10.0.0.1",))
ROUTED = RRset("a.z.", "A", 60, ())
AAAA = RRset("a.z.", "AAAA", 60, ("2001:db8::1",))
SPELLED = RRset("a.z.", "AAAA", 60, ("2001:DB8:0::1",))
CNAME = RRset("a.z.", "CNAME", 60, ("b.z.",))
B = RRset("b.z.", "A", 60, ("10.0.0.3",))
SUBTREE = "bert.z."
HOST = RRset("worker-0.bert.z.", "A", 60, ("10.0.0.1",))
HOST6 = RRset("worker-0.bert.z.", "AAAA", 60, ("2001:db8::1",))
HOST_ROUTED = RRset("worker-0.bert.z.", "A", 60, ())


def planned(current: Sequence[RRset], desired: Sequence[RRset], owned: Sequence[RRset], **over: Any) -> Plan:
    keys = {rrset.key for rrset in owned}
    asked = {"subtree": SUBTREE, "owned": keys.__contains__, "owner_of": lambda _: None, **over}
    return compute_plan(current=current, desired=desired, **asked)


def read(plan: Plan) -> str:
    """Every record of a plan: `+` create, `~` replace, `-` delete, `=` unchanged, `.` skipped, `!` conflict."""
    signs = {"+": plan.creates, "-": plan.deletes, "=": plan.unchanged, ".": plan.skipped, "!": plan.conflicts}
    found = {**signs, "~": [item.after for item in plan.replaces]}
    return " ".join(sorted(f"{sign}{item.name[0]}/{item.type}" for sign, items in found.items() for item in items))


@pytest.mark.parametrize(
    ("current", "desired", "owned", "create_only", "upsert_only", "sync"),
    [
        pytest.param([], [A1], [], "+a/A", "+a/A", "+a/A", id="nothing"),
        pytest.param([A1], [A1], [A1], "=a/A", "=a/A", "=a/A", id="ours, the same"),
        pytest.param([SPELLED], [AAAA], [AAAA], "=a/AAAA", "=a/AAAA", "=a/AAAA", id="ours, in another spelling"),
        pytest.param([A2], [A1], [A1], ".a/A", "~a/A", "~a/A", id="ours, another"),
        pytest.param([A1_TTL], [A1], [A1], ".a/A", "~a/A", "~a/A", id="ours, another TTL"),
        pytest.param([A1], [A1], [], "!a/A", "!a/A", "!a/A", id="not ours, though the same"),
        pytest.param([A2], [A1], [], "!a/A", "!a/A", "!a/A", id="not ours"),
        pytest.param([A1, B], [A1], [A1, B], "=a/A", "=a/A", "-b/A =a/A", id="ours, unwanted"),
        pytest.param([A1, B], [A1], [A1], "=a/A", "=a/A", "=a/A", id="not ours, unwanted"),
        pytest.param([A1], [A1, AAAA], [A1], "+a/AAAA =a/A", "+a/AAAA =a/A", "+a/AAAA =a/A", id="another type"),
        pytest.param([AAAA], [A1], [AAAA], "+a/A", "+a/A", "+a/A -a/AAAA", id="a name that no inventory gives"),
        # Beside a CNAME nothing can stand.
        pytest.param([CNAME], [A1], [CNAME], ".a/A", "+a/A -a/CNAME", "+a/A -a/CNAME", id="our CNAME makes room"),
        pytest.param(
            [A1, AAAA], [CNAME], [A1, AAAA], ".a/CNAME", *["+a/CNAME -a/A -a/AAAA"] * 2, id="our addresses make room"
        ),
        pytest.param([AAAA], [CNAME], [], "!a/AAAA", "!a/AAAA", "!a/AAAA", id="a foreign address makes none"),
        # A launcher that finds both families takes either: the last run's address would do.
        pytest.param([HOST], [HOST6], [HOST], ".w/AAAA", *["+w/AAAA -w/A"] * 2, id="a worker's old address goes"),
        pytest.param([HOST], [HOST6], [], "!w/A", "!w/A", "!w/A", id="a foreign one beside a worker's"),
        pytest.param([HOST_ROUTED], [HOST6], [HOST], "!w/A", "!w/A", "!w/A", id="a routing policy beside it"),
        pytest.param([HOST, HOST6], [HOST], [HOST, HOST6], "=w/A", *["-w/AAAA =w/A"] * 2, id="both ours, one meant"),
        pytest.param([HOST, HOST6], [HOST], [HOST], "!w/AAAA", "!w/AAAA", "!w/AAAA", id="one added by hand"),
        pytest.param([HOST], [HOST, HOST6], [HOST], *["+w/AAAA =w/A"] * 3, id="both meant"),
        # A routing policy was made by hand: it has no rrdatas that a deletion could send back.
        pytest.param([ROUTED], [A1], [A1], ".a/A", "!a/A", "!a/A", id="a routing policy"),
        pytest.param([ROUTED], [], [A1], "", "", "", id="a routing policy, unwanted"),
    ],
)
def test_the_table(
    current: list[RRset], desired: list[RRset], owned: list[RRset], *, create_only: str, upsert_only: str, sync: str
) -> None:
    found = {policy: read(planned(current, desired, owned, policy=policy)) for policy in POLICIES}
    assert found == {"create-only": create_only, "upsert-only": upsert_only, "sync": sync}


@pytest.mark.parametrize(
    ("found", "owner", "expected"), [(A1, None, "=a/A"), (A2, None, "!a/A"), (A1, "external-dns", "!a/A")]
)
def test_adopt_takes_what_nobody_owns_and_already_fits(found: RRset, owner: str | None, expected: str) -> None:
    assert read(planned([found], [A1], [], adopt=True, owner_of=lambda _: owner)) == expected


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
    plan = planned([RRset(cut, "NS", 60, ("ns1.example.net.",)), HOST], [HOST, B], [HOST])
    assert read(plan) == (f"!{cut[0]}/NS +b/A" if hidden else "+b/A =w/A")
    assert [conflict.found for conflict in plan.conflicts] == [("ns1.example.net.",)] * hidden


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
    rival = {"rival_of": lambda key: "mldns job 'other'" if key[0] == "a.z." else None}
    plan = planned(current, desired, [A1, CNAME, B], policy=policy, **rival)
    assert {name for name, count in plan.counts().items() if count} == {heading}
    assert {conflict.owner for conflict in plan.conflicts} <= {"mldns job 'other'"}


@given(st.permutations([A1, AAAA, B, HOST, HOST6]))
def test_the_order_of_wishes_does_not_matter(wanted: list[RRset]) -> None:
    assert planned([A2, HOST_ROUTED], wanted, [A2]) == planned([A2, HOST_ROUTED], sorted(wanted, key=str), [A2])


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(InvalidInput, match="unknown policy 'replace': choose one of create-only, upsert-only, sync"):
        planned([], [A1], [], policy="replace")


def test_ranks_come_in_order_of_numbers() -> None:
    rrsets = [RRset(f"worker-{rank}.z.", "A", 60, (f"10.0.0.{rank}",)) for rank in (10, 2, 1)]
    plan = planned([], rrsets, [])
    assert plan.names() == ["worker-1.z.", "worker-2.z.", "worker-10.z."]


def test_a_plan_reads_as_line_table_and_json() -> None:
    plan = planned([A2, B], [A1], [A1, B], policy="sync")
    assert plan.summary() == "1 replaces, 1 deletes: a.z., b.z."
    assert plan.table() == "~ a.z. 60 A 10.0.0.1\n- b.z. 60 A 10.0.0.3"
    assert plan.table(1) == "~ a.z. 60 A 10.0.0.1\n  … and 1 more"
    view = plan.to_json(full=True)
    assert view["counts"] == {"creates": 0, "replaces": 1, "deletes": 1, "unchanged": 0, "skipped": 0, "conflicts": 0}
    assert view["replaces"] == [{"before": A2.to_api(), "after": A1.to_api()}]
    assert "deletes" not in plan.to_json()


@pytest.mark.parametrize("full", [False, True])
def test_a_conflict_in_json_has_the_fields_of_the_exception(full: bool) -> None:
    plan = planned([A2], [A1], [], owner_of=lambda _: "octoDNS")
    (shown,) = json.loads(json.dumps(plan.to_json(full=full)))["conflicts"]
    assert shown == {"name": "a.z.", "type": "A", "owner": "octoDNS", "found": ["10.0.0.2"]}
    assert str(Conflict(**shown)) == "a.z. A (owned by octoDNS)"


def test_a_plan_tells_what_stays_and_how_full_the_zone_will_be() -> None:
    plan = planned([A1], [A1, B], [A1])
    assert plan.table() == "+ b.z. 60 A 10.0.0.3\n  1 stay as they are"
    assert plan.to_json(full=True)["unchanged"] == [A1.to_api()]
    assert plan.to_json()["room"] is None
    full = replace(plan, room=Room(9_999, 10_000))
    assert full.table().endswith("\n= 9,999 of 10,000 record sets once applied, 1 left")
    assert full.to_json()["room"] == {"rrsets": 9_999, "limit": 10_000, "headroom": 1}
    assert str(Room(10_002, 10_000)).endswith("2 too many")
    assert "room" not in full.counts()


def test_the_digest_stands_for_what_is_written() -> None:
    empty, beside, other, same = (planned(found, [A1], [A1]).digest for found in ([], [B], [A2], [A1]))
    assert empty == beside != other
    assert same == Plan().digest
