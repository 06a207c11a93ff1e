"""Grants in manifests against the policies."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.iam.grants import Grant, held_notes, scopes, standing

MEMBER = "serviceAccount:Trainer@p.iam.gserviceaccount.com"
CONDITION = {"title": "nights", "expression": "request.time.getHours() < 6"}
PLAIN = Grant("zone", "roles/dns.admin", (MEMBER,)).recorded(MEMBER)
AT_NIGHT = Grant("zone", "roles/dns.admin", (MEMBER,), CONDITION).recorded(MEMBER)


def policy(role: str = "roles/dns.admin", member: str = MEMBER, **fields: Any) -> dict[str, Any]:
    return {"bindings": [{"role": role, "members": ["user:b@example.com", member], **fields}]}


@pytest.mark.parametrize(
    ("note", "policies", "there"),
    [
        (PLAIN, {"zone": policy()}, True),
        (PLAIN, {"zone": policy(member=MEMBER.replace("Trainer", "trainer"))}, True),
        (PLAIN, {"project": policy()}, False),  # the same words somewhere else
        (PLAIN, {"zone": policy(role="roles/dns.reader")}, False),
        (PLAIN, {"zone": policy(member=f"deleted:{MEMBER}?uid=1")}, False),
        (PLAIN, {"zone": policy(condition=CONDITION)}, False),
        (AT_NIGHT, {"zone": policy(condition={**CONDITION, "description": ""})}, True),
        (AT_NIGHT, {"zone": policy()}, False),
        (PLAIN, {"zone": {}}, False),
    ],
)
def test_a_grant_stands_in_its_own_policy_alone(note: str, policies: dict[str, Any], there: bool) -> None:
    found = standing([note, note], policies)
    assert found.lost == (() if there else (note,))
    assert found.to_json() == {"recorded": 1, "standing": int(there), "lost": list(found.lost)}


def test_what_is_on_its_way_is_not_missed() -> None:
    assert held_notes([f"?{PLAIN}", f"-{AT_NIGHT}", "project roles/dns.reader sha256:0"]) == (
        "project roles/dns.reader sha256:0",
    )
    assert scopes([PLAIN, "project roles/dns.reader sha256:0"]) == {"zone", "project"}
