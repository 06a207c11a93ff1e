"""IAM policies as data: who is a member, and how one binding is edited without touching any other.

A policy here is the JSON of the API: `{"version": 3, "etag": "…", "bindings": [{"role", "members", "condition"?}]}`.
Edits are additive: only members that the caller names come or go, in the binding of exactly that role and condition.
The authoritative form (a binding that removes everybody else) is the most complained-about trap of this field, see
hashicorp/terraform-provider-google 7073 and 11032: who would go is told by `others`, and going takes their names.

The account of a member may be deleted: Google then spells it `deleted:serviceAccount:NAME?uid=NUMBER`, which stays byte
for byte as it is unless somebody asks for its removal.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.exceptions import InvalidInput

IamPolicy = dict[str, Any]
Condition = Mapping[str, str]

CONDITIONAL_VERSION = 3
"""A policy with any condition must be written as version 3, or Google drops the conditions."""

EVERYBODY = ("allUsers", "allAuthenticatedUsers")

_EMAIL = re.compile(r"[^\s@:/]+@[^\s@:/]+\.[^\s@:/.]+")
_WORKLOAD_IDENTITY = re.compile(r"[a-z][a-z0-9:.-]*\.svc\.id\.goog\[[a-z0-9-]+/[a-z0-9.-]+\]")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*", re.IGNORECASE)
_ROLE = re.compile(r"(roles|projects/[a-z0-9.:-]+/roles|organizations/[0-9]+/roles)/[A-Za-z0-9_.]+")
_EMAIL_KINDS = ("user", "serviceAccount", "group")
_PREFIXES = "user:, serviceAccount:, group:, domain:, principal:// or principalSet://"
_CONDITION_FIELDS = ("title", "description", "expression", "location")


@dataclass(frozen=True, slots=True)
class Edit:
    """A policy after an edit, with the asked members split into those that changed and those that already were so."""

    policy: IamPolicy
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def parse_role(role: str) -> str:
    """`roles/dns.admin`, `projects/P/roles/R` or `organizations/N/roles/R`; raises `InvalidInput` for anything else."""
    if not isinstance(role, str) or not _ROLE.fullmatch(role):
        raise InvalidInput(f"role {role!r} is not a role: write roles/dns.admin or projects/PROJECT/roles/ROLE")
    return role


def parse_members(members: Iterable[str], *, removing: bool = False) -> tuple[str, ...]:
    """Validated members in the order given, each once (e-mail forms compare case-insensitively).

    `removing` also lets through what may stand in a policy but is never added: `deleted:…` and `allUsers`.
    Raises `InvalidInput` naming the member and, where it can be told, what was probably meant.
    """
    if isinstance(members, str | Mapping) or not isinstance(members, Iterable):
        raise InvalidInput(f"members must be a list, not {members!r}")
    found: dict[str, str] = {}
    for member in members:
        parsed = _parse_member(member, removing=removing)
        found.setdefault(member_key(parsed), parsed)
    return tuple(found.values())


def parse_condition(condition: Condition | None) -> dict[str, str] | None:
    """A condition as the API takes it: `title` and `expression` are required; raises `InvalidInput`."""
    if condition is None:
        return None
    if not isinstance(condition, Mapping):
        raise InvalidInput(f"condition must be a mapping with title and expression, not {condition!r}")
    unknown = sorted(set(condition) - set(_CONDITION_FIELDS))
    if unknown:
        raise InvalidInput(f"condition has no field {unknown[0]!r}: it has {', '.join(_CONDITION_FIELDS)}")
    for field, value in condition.items():
        if not isinstance(value, str):
            raise InvalidInput(f"condition {field} must be text, not {value!r}")
    for field in ("title", "expression"):
        if not condition.get(field):
            raise InvalidInput(f"condition lacks its {field}")
    return {field: condition[field] for field in _CONDITION_FIELDS if condition.get(field)}


def member_key(member: str) -> str:
    """What two spellings of one member have in common: addresses and domains ignore case, the rest does not."""
    kind, _, rest = member.partition(":")
    if kind in (*_EMAIL_KINDS, "domain"):
        return f"{kind}:{rest.lower()}"
    return member


def add_members(policy: Mapping[str, Any], *, role: str, members: Iterable[str], condition: Condition | None) -> Edit:
    """Put members into the binding of a role; everything else stays as it was.

    :param policy: as the API gives it; it is not changed.
    :param role: such as `roles/dns.admin`.
    :param members: as `parse_members` returns them.
    :param condition: of exactly the binding that is meant; None: the one without a condition.
    :return: the new policy; `changed` are those that came.
    """
    edited = _copied(policy)
    bindings = _matching(edited, role, condition)
    present = {member_key(member) for binding in bindings for member in binding.get("members", ())}
    asked = list(members)
    missing = tuple(member for member in asked if member_key(member) not in present)
    if missing:
        if not bindings:
            bindings = [{"role": role, "members": [], **({"condition": dict(condition)} if condition else {})}]
            edited["bindings"].append(bindings[0])
        bindings[0]["members"] = [*bindings[0].get("members", ()), *missing]
    return Edit(_versioned(edited), missing, tuple(member for member in asked if member not in missing))


def remove_members(
    policy: Mapping[str, Any], *, role: str, members: Iterable[str], condition: Condition | None
) -> Edit:
    """Take members out of the bindings of a role; a binding left empty goes.

    :param members: as `parse_members` returns them, or as the policy spells them.
    :param condition: as all parameters, as of `add_members`.
    :return: the new policy; `changed` are those that went.
    """
    edited = _copied(policy)
    bindings = _matching(edited, role, condition)
    asked = list(members)
    unwanted = {member_key(member) for member in asked}
    removed: set[str] = set()
    for binding in bindings:
        before = list(binding.get("members", ()))
        after = [member for member in before if member_key(member) not in unwanted]
        if len(after) == len(before):
            continue
        removed.update(member_key(member) for member in before if member_key(member) in unwanted)
        if after:
            binding["members"] = after
        else:
            edited["bindings"] = [other for other in edited["bindings"] if other is not binding]
    changed = tuple(member for member in asked if member_key(member) in removed)
    return Edit(_versioned(edited), changed, tuple(member for member in asked if member_key(member) not in removed))


def set_members(
    policy: Mapping[str, Any],
    *,
    role: str,
    present: Iterable[str],
    absent: Iterable[str],
    condition: Condition | None,
) -> Edit:
    """Put some members into a binding and take others out of it.

    :param present: who is to have the role; the parameters that are not told here are those of `add_members`.
    :param absent: who is not to have it.
    :return: the new policy; `changed` are those that came and those that went.
    """
    added = add_members(policy, role=role, members=present, condition=condition)
    removed = remove_members(added.policy, role=role, members=absent, condition=condition)
    return Edit(removed.policy, (*added.changed, *removed.changed), (*added.unchanged, *removed.unchanged))


def remnants(
    policy: Mapping[str, Any], *, role: str, members: Iterable[str], condition: Condition | None
) -> dict[str, str]:
    """Return what is left in a binding of members whose accounts were deleted.

    A member that is there itself, as a new account of that name may be, has no remnants.

    :param members: whose remnants are looked for; the other parameters are those of `add_members`.
    :return: by its spelling in the policy, the member it was.
    """
    held = others(policy, role=role, members=(), condition=condition)
    present = {member_key(member) for member in held}
    missing = {key: member for member in members if (key := member_key(member)) not in present}
    was = {spelling: member_key(_before_deletion(spelling)) for spelling in held}
    return {spelling: missing[key] for spelling, key in was.items() if key in missing}


def others(
    policy: Mapping[str, Any], *, role: str, members: Iterable[str], condition: Condition | None
) -> tuple[str, ...]:
    """Return who else has a role under exactly this condition.

    :param members: who is left out; the other parameters are those of `add_members`.
    :return: as the policy spells them, each once.
    """
    named = {member_key(member) for member in members}
    held = [member for binding in _matching(policy, role, condition) for member in binding.get("members", ())]
    return tuple(dict.fromkeys(member for member in held if member_key(member) not in named))


def _before_deletion(member: str) -> str:
    """`serviceAccount:a@b.co` of `deleted:serviceAccount:a@b.co?uid=7`; any other member as it is."""
    return member.removeprefix("deleted:").partition("?uid=")[0] if member.startswith("deleted:") else member


def _parse_member(member: str, *, removing: bool) -> str:
    if not isinstance(member, str) or member != member.strip() or not member:
        raise InvalidInput(f"member {member!r} is not text without spaces around it")
    if member in EVERYBODY or member.startswith("deleted:"):
        if removing:
            return member
        if member in EVERYBODY:
            raise InvalidInput(f"member {member!r} would give the role to everybody: name the accounts that need it")
        raise InvalidInput(f"member {member!r} is a deleted account: it can be removed, not added")
    kind, separator, rest = member.partition(":")
    if not separator:
        raise InvalidInput(f"member {member!r} has no prefix: {_likely(member)}")
    if kind in _EMAIL_KINDS:
        valid = bool(_EMAIL.fullmatch(rest)) or (kind == "serviceAccount" and bool(_WORKLOAD_IDENTITY.fullmatch(rest)))
    elif kind == "domain":
        valid = bool(_DOMAIN.fullmatch(rest))
    elif kind in ("principal", "principalSet"):
        valid = bool(re.fullmatch(r"//[^\s/]+/\S+", rest))
    else:
        raise InvalidInput(f"member {member!r} has an unknown prefix: {_likely(rest, kind)}")
    if not valid:
        raise InvalidInput(f"member {member!r} is malformed: {_example(kind)}")
    return member


def _likely(bare: str, prefix: str = "") -> str:
    """What the writer probably meant by a member without a known prefix."""
    for kind in (*_EMAIL_KINDS, "domain", "principal", "principalSet"):
        if prefix.lower() == kind.lower() and prefix:
            return f"did you mean '{kind}:{bare}'?"
    if prefix:
        return f"use {_PREFIXES}"
    if bare.endswith(".gserviceaccount.com") or ".svc.id.goog[" in bare:
        return f"did you mean 'serviceAccount:{bare}'?"
    if _EMAIL.fullmatch(bare):
        return f"did you mean 'user:{bare}' (or 'group:{bare}')?"
    if _DOMAIN.fullmatch(bare):
        return f"did you mean 'domain:{bare}'?"
    return f"use {_PREFIXES}"


def _example(kind: str) -> str:
    if kind in _EMAIL_KINDS:
        return f"write {kind}:NAME@DOMAIN"
    return "write domain:example.com" if kind == "domain" else f"write {kind}://iam.googleapis.com/…"


def _copied(policy: Mapping[str, Any]) -> IamPolicy:
    edited = copy.deepcopy(dict(policy))
    edited.setdefault("bindings", [])
    return edited


def _matching(policy: Mapping[str, Any], role: str, condition: Condition | None) -> list[dict[str, Any]]:
    """All bindings of one role and condition: Google tolerates several, and a member may sit in any of them."""
    wanted = dict(condition) if condition else None
    return [
        binding
        for binding in policy.get("bindings", ())
        if binding.get("role") == role and _bare(binding.get("condition")) == wanted
    ]


def _bare(condition: Condition | None) -> dict[str, str] | None:
    """A condition without the empty fields that some servers echo."""
    return {field: value for field, value in condition.items() if value} if condition else None


def _versioned(policy: IamPolicy) -> IamPolicy:
    if any(binding.get("condition") for binding in policy["bindings"]):
        policy["version"] = CONDITIONAL_VERSION
    return policy
