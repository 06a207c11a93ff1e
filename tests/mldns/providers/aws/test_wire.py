"""Record sets between the two spellings."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.plan.batches import Change
from mldns.providers.aws.wire import read, read_all, sent, sent_change
from mldns.records.rrset import RRset


def listed(name: str, kind: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "TTL": 30, "ResourceRecords": [{"Value": value} for value in values], **more}


@pytest.mark.parametrize(
    ("resource", "name", "rrdatas"),
    [
        (listed("a.z.", "A", "10.0.0.1", "10.0.0.2"), "a.z.", ("10.0.0.1", "10.0.0.2")),
        (listed(r"\052.z.", "A", "10.0.0.1"), "*.z.", ("10.0.0.1",)),
        (listed(r"0\05725.z.", "CNAME", "a.z."), "0/25.z.", ("a.z.",)),
        (listed(r"a\056b.z.", "A", "10.0.0.1"), r"a\056b.z.", ("10.0.0.1",)),
        (listed("a.z.", "TXT", r'"\303\244"', '"b c" "d"'), "a.z.", (r'"\195\164"', '"b c" "d"')),
        (listed("a.z.", "TXT", r'"\\101 \"x\""'), "a.z.", (r'"\\101 \"x\""',)),
        (listed("a.z.", "TXT", r'"\101"'), "a.z.", ('"A"',)),
        (listed("a.z.", "TXT", '"open'), "a.z.", ('"open',)),
        (listed("A.z.", "A", "10.0.0.1"), "a.z.", ("10.0.0.1",)),
    ],
)
def test_what_was_listed_is_sent_back_byte_for_byte(resource: Any, name: str, rrdatas: tuple[str, ...]) -> None:
    rrset = read(resource)
    assert (rrset.name, rrset.rrdatas, rrset.routed) == (name, rrdatas, False)
    assert sent(rrset) == resource


@pytest.mark.parametrize(
    "more",
    [
        {"SetIdentifier": "one", "Weight": 1},
        {"SetIdentifier": "two", "MultiValueAnswer": True},
        {"HealthCheckId": "00000000-0000-0000-0000-000000000000"},
        {"AliasTarget": {"HostedZoneId": "Z1", "DNSName": "lb.example.com.", "EvaluateTargetHealth": False}},
    ],
)
def test_an_alias_and_a_routing_policy_are_routed(more: dict[str, Any]) -> None:
    assert read(listed("a.z.", "A", "10.0.0.1", **more)).routed


def test_the_sets_of_a_routing_policy_are_one() -> None:
    several = [listed("a.z.", "A", "10.0.0.1", SetIdentifier=str(n), Weight=n) for n in range(3)]
    found = list(read_all([*several, listed("a.z.", "TXT", '"x"'), listed("b.z.", "A", "10.0.0.1")]))
    assert [(rrset.key, rrset.routed) for rrset in found] == [
        (("a.z.", "A"), True),
        (("a.z.", "TXT"), False),
        (("b.z.", "A"), False),
    ]


def test_a_change_deletes_first_and_never_upserts() -> None:
    old, new = RRset("a.z.", "A", 30, ("10.0.0.1",)), RRset("a.z.", "A", 30, ("10.0.0.2",))
    actions = [(item["Action"], item["ResourceRecordSet"]) for item in sent_change(Change((new,), (old,)))]
    assert actions == [("DELETE", sent(old)), ("CREATE", sent(new))]
