"""The policy editor: what it accepts as a member, and that an edit touches one binding only."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.iam.policy import (
    add_members,
    member_key,
    others,
    parse_condition,
    parse_members,
    parse_role,
    remnants,
    remove_members,
    set_members,
)

ADMIN = "roles/dns.admin"
READER = "roles/dns.reader"
ALICE = "user:alice@example.com"
TRAINER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"
NIGHTLY = {"title": "nightly", "expression": "request.time.getHours('UTC') < 6"}


@pytest.mark.parametrize(
    "member",
    [
        ALICE,
        TRAINER,
        "group:ml-platform@example.com",
        "domain:example.com",
        "serviceAccount:demo-project.svc.id.goog[training/launcher]",
        "serviceAccount:123-compute@developer.gserviceaccount.com",
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s",
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/group/g",
    ],
)
def test_members_that_google_knows_are_accepted(member: str) -> None:
    assert parse_members([member]) == (member,)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("allUsers", "to everybody"),
        ("allAuthenticatedUsers", "to everybody"),
        ("trainer@p.iam.gserviceaccount.com", "did you mean 'serviceAccount:trainer@p.iam.gserviceaccount.com'?"),
        ("p.svc.id.goog[ns/ksa]", "did you mean 'serviceAccount:p.svc.id.goog[ns/ksa]'?"),
        ("alice@example.com", "did you mean 'user:alice@example.com' (or 'group:alice@example.com')?"),
        ("example.com", "did you mean 'domain:example.com'?"),
        ("somebody", "use user:, serviceAccount:"),
        ("serviceaccount:a@b.co", "did you mean 'serviceAccount:a@b.co'?"),
        ("principalset://iam.googleapis.com/x", "did you mean 'principalSet://iam.googleapis.com/x'?"),
        ("robot:a@b.co", "unknown prefix"),
        ("user:", "write user:NAME@DOMAIN"),
        ("user:alice", "write user:NAME@DOMAIN"),
        ("group:a b@example.com", "write group:NAME@DOMAIN"),
        ("user:p.svc.id.goog[ns/ksa]", "write user:NAME@DOMAIN"),
        ("domain:localhost", "write domain:example.com"),
        ("principal:iam.googleapis.com/x", "write principal://"),
        ("deleted:user:a@b.co?uid=1", "can be removed, not added"),
        (" user:a@b.co", "without spaces"),
        ("", "without spaces"),
    ],
)
def test_members_that_cannot_be_right_are_refused_by_name(member: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_members([ALICE, member])
    assert repr(member) in str(refusal.value)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_text_is_not_a_list_of_members() -> None:
    with pytest.raises(InvalidInput, match="must be a list"):
        parse_members(ALICE)


def test_one_account_in_two_spellings_is_one_member() -> None:
    assert parse_members([TRAINER, TRAINER.replace("trainer", "Trainer")]) == (TRAINER,)


def test_what_is_never_added_can_still_be_removed() -> None:
    litter = ("allUsers", "deleted:serviceAccount:a@b.co?uid=7")
    assert parse_members(litter, removing=True) == litter


@pytest.mark.parametrize("role", [ADMIN, "projects/demo-project/roles/registrar", "organizations/12/roles/dns.writer"])
def test_roles(role: str) -> None:
    assert parse_role(role) == role


@pytest.mark.parametrize("role", ["", "dns.admin", "roles/", "role/dns.admin", "roles/dns admin", "projects/p/dns"])
def test_roles_that_are_none(role: str) -> None:
    with pytest.raises(InvalidInput, match="is not a role"):
        parse_role(role)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"expression": "true"}, "lacks its title"),
        ({"title": "t"}, "lacks its expression"),
        ({**NIGHTLY, "expr": "x"}, "no field 'expr'"),
        ({**NIGHTLY, "title": 3}, "title must be text"),
        ("true", "must be a mapping"),
    ],
)
def test_conditions_that_cannot_be_right(condition: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_condition(condition)


def test_adding_to_an_empty_policy_makes_the_binding() -> None:
    edit = add_members({"etag": "a", "version": 1}, role=ADMIN, members=[TRAINER], condition=None)
    assert edit.policy == {"etag": "a", "version": 1, "bindings": [{"role": ADMIN, "members": [TRAINER]}]}
    assert (edit.changed, edit.unchanged) == ((TRAINER,), ())


def test_a_conditional_binding_is_another_binding_and_makes_the_policy_version_3() -> None:
    policy = {"version": 1, "bindings": [{"role": ADMIN, "members": [TRAINER]}]}
    edit = add_members(policy, role=ADMIN, members=[TRAINER], condition=NIGHTLY)
    assert edit.policy["bindings"] == [
        {"role": ADMIN, "members": [TRAINER]},
        {"role": ADMIN, "members": [TRAINER], "condition": NIGHTLY},
    ]
    assert edit.policy["version"] == 3


def test_an_edit_beside_a_condition_keeps_it_and_writes_version_3() -> None:
    conditional = {"role": READER, "members": [ALICE], "condition": NIGHTLY}
    edit = add_members({"bindings": [conditional]}, role=READER, members=[TRAINER], condition=None)
    assert edit.policy["version"] == 3
    assert conditional in edit.policy["bindings"]
    assert {"role": READER, "members": [TRAINER]} in edit.policy["bindings"]


def test_a_condition_that_the_server_echoes_with_empty_fields_is_the_same_condition() -> None:
    policy = {"bindings": [{"role": ADMIN, "members": [ALICE], "condition": {**NIGHTLY, "description": ""}}]}
    edit = add_members(policy, role=ADMIN, members=[ALICE], condition=NIGHTLY)
    assert edit.changed == ()


def test_a_member_in_any_of_two_equal_bindings_is_already_there() -> None:
    policy = {"bindings": [{"role": ADMIN, "members": [ALICE]}, {"role": ADMIN, "members": [TRAINER]}]}
    edit = add_members(policy, role=ADMIN, members=[TRAINER.replace("trainer@", "TRAINER@")], condition=None)
    assert edit.changed == ()
    assert edit.policy["bindings"] == policy["bindings"]


def test_removing_takes_the_member_from_every_equal_binding_and_drops_the_empty_ones() -> None:
    policy = {"bindings": [{"role": ADMIN, "members": [ALICE]}, {"role": ADMIN, "members": [TRAINER, ALICE]}]}
    edit = remove_members(policy, role=ADMIN, members=["user:ALICE@example.com", "user:x@example.com"], condition=None)
    assert edit.policy["bindings"] == [{"role": ADMIN, "members": [TRAINER]}]
    assert (edit.changed, edit.unchanged) == (("user:ALICE@example.com",), ("user:x@example.com",))


def test_removing_without_a_condition_leaves_the_conditional_binding() -> None:
    policy = {"version": 3, "bindings": [{"role": ADMIN, "members": [ALICE], "condition": NIGHTLY}]}
    edit = remove_members(policy, role=ADMIN, members=[ALICE], condition=None)
    assert (edit.policy, edit.changed) == (policy, ())


LEFT = "deleted:serviceAccount:trainer@demo-project.iam.gserviceaccount.com?uid=117"


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ([ALICE], {}),
        ([TRAINER], {}),
        ([LEFT, ALICE], {LEFT: TRAINER}),
        ([LEFT.replace("trainer@", "Trainer@")], {LEFT.replace("trainer@", "Trainer@"): TRAINER}),
        ([LEFT, LEFT.replace("117", "118")], {LEFT: TRAINER, LEFT.replace("117", "118"): TRAINER}),
        ([LEFT, TRAINER], {}),  # a new account of that name: what is left of the old one is not its
        ([LEFT.replace("trainer", "other")], {}),
    ],
)
def test_what_is_left_of_a_member_whose_account_was_deleted(held: list[str], left: dict[str, str]) -> None:
    policy = {"bindings": [{"role": ADMIN, "members": held}, {"role": READER, "members": [LEFT]}]}
    assert remnants(policy, role=ADMIN, members=[TRAINER], condition=None) == left
    assert remnants(policy, role=ADMIN, members=[TRAINER], condition=NIGHTLY) == {}


def test_who_else_has_a_role_is_told_once_as_the_policy_spells_it() -> None:
    bindings = [{"role": ADMIN, "members": [ALICE, "user:Bob@example.com"]}, {"role": ADMIN, "members": [ALICE, LEFT]}]
    policy = {"bindings": [*bindings, {"role": ADMIN, "members": ["user:x@example.com"], "condition": NIGHTLY}]}
    found = others(policy, role=ADMIN, members=["user:ALICE@example.com"], condition=None)
    assert found == ("user:Bob@example.com", LEFT)
    assert others({}, role=ADMIN, members=[], condition=None) == ()


names = st.sampled_from(["ann", "Ann", "bob", "eve", "zoe"])
members = st.builds(
    "{}:{}@example.com".format, st.sampled_from(["user", "group", "serviceAccount", "deleted:user"]), names
)
conditions = st.sampled_from([None, NIGHTLY, {"title": "day", "expression": "false", "description": "d"}])
bindings = st.builds(
    lambda role, held, condition: {"role": role, "members": held, **({"condition": condition} if condition else {})},
    st.sampled_from([ADMIN, READER, "roles/editor"]),
    st.lists(members, min_size=1, max_size=4, unique=True),
    conditions,
)
policies = st.builds(lambda held: {"version": 1, "etag": "e", "bindings": held}, st.lists(bindings, max_size=6))
asked = st.lists(members, max_size=4).map(lambda held: parse_members(held, removing=True))


def _grants(policy: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (binding["role"], member_key(member), repr(binding.get("condition")))
        for binding in policy["bindings"]
        for member in binding["members"]
    }


@given(policies, asked, conditions)
def test_adding_grants_exactly_what_was_asked_and_removes_nothing(policy: Any, wanted: Any, condition: Any) -> None:
    before = copy.deepcopy(policy)
    edit = add_members(policy, role=ADMIN, members=wanted, condition=condition)
    assert policy == before, "the policy that was read is not edited in place"
    assert _grants(edit.policy) == _grants(before) | {(ADMIN, member_key(m), repr(condition)) for m in wanted}
    assert edit.policy["etag"] == "e"
    assert set(edit.changed) | set(edit.unchanged) == set(wanted)
    assert add_members(edit.policy, role=ADMIN, members=wanted, condition=condition).changed == ()


@given(policies, asked, conditions)
def test_removing_takes_exactly_what_was_asked(policy: Any, unwanted: Any, condition: Any) -> None:
    edit = remove_members(policy, role=ADMIN, members=unwanted, condition=condition)
    assert _grants(edit.policy) == _grants(policy) - {(ADMIN, member_key(m), repr(condition)) for m in unwanted}
    assert all(binding["members"] for binding in edit.policy["bindings"])
    foreign = [b for b in policy["bindings"] if b["role"] != ADMIN or b.get("condition") != condition]
    assert [b for b in edit.policy["bindings"] if b["role"] != ADMIN or b.get("condition") != condition] == foreign


@given(policies, asked, asked, conditions)
def test_settling_is_adding_some_and_removing_others_at_once(
    policy: Any, wanted: Any, unwanted: Any, condition: Any
) -> None:
    keys = {member_key(member) for member in wanted}
    unwanted = [member for member in unwanted if member_key(member) not in keys]
    edit = set_members(policy, role=ADMIN, present=wanted, absent=unwanted, condition=condition)
    come = {(ADMIN, member_key(m), repr(condition)) for m in wanted}
    gone = {(ADMIN, member_key(m), repr(condition)) for m in unwanted}
    assert _grants(edit.policy) == (_grants(policy) | come) - gone
    assert sorted([*edit.changed, *edit.unchanged]) == sorted([*wanted, *unwanted])
    again = set_members(edit.policy, role=ADMIN, present=wanted, absent=unwanted, condition=condition)
    assert again.changed == ()
