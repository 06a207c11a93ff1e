"""Facts about changes that are refused: each row of the table of errors, and that nothing of them is applied.

Newer servers write `additions[n.][A]` where older ones write `additions[0]`: both are the same fact.
"""

from __future__ import annotations

import re

import pytest

from tests.contract.scratch import Record, Zone, rrset
from tests.contract.target import Target

QUOTED = "error bodies quoted in public issue threads"
ERRORS_PAGE = "Google's page 'Error messages'"
GUESSED_CODE = "the stand-in's guess: the page 'Error messages' gives the reason, not the HTTP code"


def at(kind: str, index: int, record: Record, field: str = "") -> str:
    """A regular expression for the path of a record in a change, in either spelling."""
    place = rf"(?:{index}|{re.escape(record['name'])}\]\[{record['type']})"
    return rf"entity\.change\.{kind}\[{place}\]{re.escape(field)}"


def display(record: Record) -> str:
    """`n. (A)` as a regular expression."""
    return re.escape(f"{record['name']} ({record['type']})")


@pytest.mark.fact(
    id="refusals.addition_exists",
    grade="Q",
    says="an addition that exists and is not deleted in the same change answers 409 alreadyExists",
    source=QUOTED,
)
def test_adding_what_exists(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record)
    message = rf"The resource '{at('additions', 0, record)}' named '{display(record)}' already exists"
    zone.change(add=[record]).refused(409, "alreadyExists", message)
    zone.change(add=[record | {"rrdatas": ["192.0.2.2"]}]).refused(409, "alreadyExists", message)


@pytest.mark.fact(
    id="refusals.create_exists",
    grade="Q",
    says="rrsets.create of what exists answers 409 alreadyExists, naming entity.rrset",
    source=QUOTED,
)
def test_creating_what_exists(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record)
    message = rf"The resource 'entity\.rrset' named '{display(record)}' already exists"
    zone.wire.post(f"{zone.path}/rrsets", record).refused(409, "alreadyExists", message)


@pytest.mark.fact(
    id="refusals.deletion_differs",
    grade="Q",
    says="a deletion whose ttl or rrdatas differ from what is there answers 412 conditionNotMet, with its position",
    source=QUOTED,
)
def test_deleting_what_differs(zone: Zone) -> None:
    first, second = (rrset(zone.at(label), "A", 60, "192.0.2.1") for label in "ab")
    zone.add(first, second)
    message = f"Precondition not met for '{at('deletions', 1, second)}'"
    zone.change(delete=[first, second | {"ttl": 61}]).refused(412, "conditionNotMet", message)
    zone.change(delete=[first, second | {"rrdatas": ["192.0.2.9"]}]).refused(412, "conditionNotMet", message)


@pytest.mark.fact(
    id="refusals.deletion_order",
    grade="U",
    says="a deletion must list its rrdatas in the order that the server lists them, else 412",
    source="the stand-in's guess, from 'must match existing data exactly'",
)
def test_deleting_in_another_order(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1", "192.0.2.2")
    zone.add(record)
    zone.change(delete=[record | {"rrdatas": ["192.0.2.2", "192.0.2.1"]}]).refused(412, "conditionNotMet")


@pytest.mark.fact(
    id="refusals.deletion_absent",
    grade="Q",
    says="a deletion of a name and type that is not there answers 404 notFound",
    source=QUOTED,
)
def test_deleting_what_is_not_there(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record | {"type": "AAAA", "rrdatas": ["2001:db8::1"]})
    message = rf"The '{at('deletions', 0, record)}' resource named '{display(record)}' does not exist\."
    zone.change(delete=[record]).refused(404, "notFound", message)


@pytest.mark.fact(
    id="refusals.empty_change",
    grade="Q",
    says="a change with neither additions nor deletions answers 400 required",
    source=QUOTED,
)
def test_an_empty_change(zone: Zone) -> None:
    message = r"The 'entity\.change' parameter is required but was missing\."
    zone.change().refused(400, "required", message)
    zone.wire.post(f"{zone.path}/changes", {}).refused(400, "required", message)


@pytest.mark.fact(
    id="refusals.bad_name",
    grade="Q",
    says="a name that is no absolute name of the zone answers 400 invalid, with path and value",
    source=QUOTED,
)
def test_a_bad_name(zone: Zone) -> None:
    for name in ("v", f"a..{zone.dns_name}", f"{'x' * 64}.{zone.dns_name}", "a.elsewhere.test."):
        record = rrset(name, "A", 60, "192.0.2.1")
        message = rf"Invalid value for '{at('additions', 0, record, '.name')}': '{re.escape(name)}'"
        zone.change(add=[record]).refused(400, "invalid", message)


@pytest.mark.fact(
    id="refusals.bad_type",
    grade="Q",
    says="a type that there is not answers 400 invalid, with path and value",
    source=QUOTED,
)
def test_a_bad_type(zone: Zone) -> None:
    record = rrset(zone.at("a"), "GROUP", 60, "192.0.2.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.type')}': 'GROUP'"
    zone.change(add=[record]).refused(400, "invalid", message)


@pytest.mark.fact(
    id="refusals.bad_ttl",
    grade="Q",
    says="a negative ttl answers 400 invalid, with path and value",
    source=QUOTED,
)
def test_a_bad_ttl(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", -1, "192.0.2.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.ttl')}': '-1'"
    zone.change(add=[record]).refused(400, "invalid", message)


@pytest.mark.fact(
    id="refusals.bad_rrdata",
    grade="Q",
    says="data that does not fit the type answers 400 invalid, with path, position and value",
    source=QUOTED,
)
def test_bad_data(zone: Zone) -> None:
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1", "999.1.1.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.rrdata[1]')}': '999\.1\.1\.1'"
    zone.change(add=[record]).refused(400, "invalid", message)


@pytest.mark.fact(
    id="refusals.duplicate_rrdata",
    grade="U",
    says="one address twice in a record set answers 400 invalid",
    source="the stand-in's guess",
)
def test_the_same_address_twice(zone: Zone) -> None:
    zone.change(add=[rrset(zone.at("a"), "A", 60, "192.0.2.1", "192.0.2.1")]).refused(400, "invalid")


@pytest.mark.fact(
    id="refusals.largest_ttl",
    grade="U",
    says="a ttl of 2^31 - 1 is accepted and 2^31 is refused with 400 invalid",
    source="the stand-in's guess, after RFC 2181",
)
def test_the_largest_ttl(zone: Zone) -> None:
    zone.add(rrset(zone.at("a"), "A", 2**31 - 1, "192.0.2.1"))
    zone.change(add=[rrset(zone.at("b"), "A", 2**31, "192.0.2.1")]).refused(400, "invalid")


@pytest.mark.fact(
    id="refusals.ttl_zero",
    grade="U",
    says="the API itself accepts a ttl of 0",
    source="the stand-in's guess, from 'a non-negative integer' on the page 'Error messages'",
)
def test_a_ttl_of_zero(zone: Zone) -> None:
    zone.add(rrset(zone.at("a"), "A", 0, "192.0.2.1"))


@pytest.mark.fact(
    id="refusals.missing_ttl",
    grade="U",
    says="a record set without a ttl answers 400 required",
    source="the stand-in's guess",
)
def test_no_ttl(zone: Zone) -> None:
    record = {key: value for key, value in rrset(zone.at("a"), "A", 60, "192.0.2.1").items() if key != "ttl"}
    zone.change(add=[record]).refused(400, "required")


@pytest.mark.fact(
    id="refusals.every_mistake_listed",
    grade="U",
    says="of several malformed records each has its entry in errors[], in the order sent",
    source="the stand-in's guess",
)
def test_two_mistakes(zone: Zone) -> None:
    bad_type, bad_data = rrset(zone.at("a"), "GROUP", 60, "x"), rrset(zone.at("b"), "A", 60, "999.1.1.1")
    reply = zone.change(add=[bad_type, bad_data])
    assert (reply.status, reply.reasons) == (400, ["invalid", "invalid"]), str(reply)


@pytest.mark.fact(
    id="refusals.apex",
    grade="D",
    says="deleting the apex NS or SOA for good, or an SOA off the apex, answers invalidZoneApex",
    source=ERRORS_PAGE,
)
def test_the_apex_must_stay(zone: Zone) -> None:
    for type_ in ("NS", "SOA"):
        apex = zone.find(zone.dns_name, type_)
        assert apex is not None
        assert zone.change(delete=[apex]).reason == "invalidZoneApex"
    soa = zone.find(zone.dns_name, "SOA")
    assert soa is not None
    assert zone.change(add=[soa | {"name": zone.at("a")}]).reason == "invalidZoneApex"


@pytest.mark.fact(
    id="refusals.cname_beside_others",
    grade="D",
    says="a CNAME beside another type, either one first, is refused with cnameResourceRecordSetConflict",
    source=ERRORS_PAGE,
)
def test_a_cname_stands_alone(zone: Zone) -> None:
    for first, second in _cname_pairs(zone):
        zone.add(first)
        assert zone.change(add=[second]).reason == "cnameResourceRecordSetConflict"


@pytest.mark.fact(
    id="refusals.cname_beside_others_code",
    grade="U",
    says="cnameResourceRecordSetConflict comes with HTTP 400",
    source=GUESSED_CODE,
)
def test_the_code_of_a_cname_conflict(zone: Zone) -> None:
    first, second = _cname_pairs(zone)[0]
    zone.add(first)
    zone.change(add=[second]).refused(400, "cnameResourceRecordSetConflict")


def _cname_pairs(zone: Zone) -> list[tuple[Record, Record]]:
    address, alias = rrset("", "A", 60, "192.0.2.1"), rrset("", "CNAME", 60, zone.at("elsewhere"))
    pairs = (("a", address, alias), ("b", alias, address))
    return [(first | {"name": zone.at(at)}, second | {"name": zone.at(at)}) for at, first, second in pairs]


@pytest.mark.fact(
    id="refusals.cname_at_apex",
    grade="D",
    says="a CNAME at the apex is refused with recordTypeDisallowedAtZoneApex",
    source=ERRORS_PAGE,
)
def test_no_cname_at_the_apex(zone: Zone) -> None:
    reply = zone.change(add=[rrset(zone.dns_name, "CNAME", 60, zone.at("a"))])
    assert reply.reason == "recordTypeDisallowedAtZoneApex", str(reply)


@pytest.mark.fact(
    id="refusals.two_cnames",
    grade="D",
    says="a CNAME with two targets is refused with invalidRecordCount",
    source=ERRORS_PAGE,
)
def test_a_cname_has_one_target(zone: Zone) -> None:
    reply = zone.change(add=[rrset(zone.at("a"), "CNAME", 60, zone.at("b"), zone.at("c"))])
    assert reply.reason == "invalidRecordCount", str(reply)


@pytest.mark.fact(
    id="refusals.wildcard_ns",
    grade="D",
    says="an NS set at a wildcard is refused with wildcardNotAllowed",
    source=ERRORS_PAGE,
)
def test_no_wildcard_delegation(zone: Zone) -> None:
    reply = zone.change(add=[rrset(zone.at("*"), "NS", 60, "ns.elsewhere.test.")])
    assert reply.reason == "wildcardNotAllowed", str(reply)


@pytest.mark.fact(
    id="refusals.documented_codes",
    grade="U",
    says="the other reasons of that page (apex, wildcard, number of records) come with HTTP 400 too",
    source=GUESSED_CODE,
)
def test_the_codes_of_the_documented_reasons(zone: Zone) -> None:
    soa = zone.find(zone.dns_name, "SOA")
    assert soa is not None
    replies = [
        zone.change(delete=[soa]),
        zone.change(add=[rrset(zone.dns_name, "CNAME", 60, zone.at("a"))]),
        zone.change(add=[rrset(zone.at("a"), "CNAME", 60, zone.at("b"), zone.at("c"))]),
        zone.change(add=[rrset(zone.at("*"), "NS", 60, "ns.elsewhere.test.")]),
    ]
    assert [reply.status for reply in replies] == [400] * 4


@pytest.mark.fact(
    id="refusals.nothing_applied",
    grade="D",
    says="of a refused change nothing is applied, whatever the reason and wherever in the change it stands",
    source="REST reference, Change: applied atomically",
)
def test_a_refused_change_leaves_nothing(zone: Zone) -> None:
    there = rrset(zone.at("there"), "A", 60, "192.0.2.1")
    good = rrset(zone.at("good"), "A", 60, "192.0.2.1")
    zone.add(there)
    before = zone.records()
    refused = [
        zone.change(add=[good, there]),
        zone.change(add=[good], delete=[there | {"ttl": 61}]),
        zone.change(add=[good], delete=[there, rrset(zone.at("absent"), "A", 60, "192.0.2.1")]),
        zone.change(add=[good, rrset(zone.at("bad"), "A", 60, "999.1.1.1")], delete=[there]),
    ]
    assert not [str(reply) for reply in refused if reply.status < 400]
    assert zone.records() == before


@pytest.mark.fact(
    id="refusals.no_change_id_spent",
    grade="U",
    says="a refused change takes no id: the next one accepted follows on",
    source="the stand-in's guess",
)
def test_a_refused_change_has_no_id(target: Target, own_zone: Zone) -> None:
    record = rrset(own_zone.at("a"), "A", 60, "192.0.2.1")
    own_zone.add(record)
    assert own_zone.change(add=[record]).status == 409
    assert own_zone.add(rrset(own_zone.at("b"), "A", 60, "192.0.2.1"))["id"] == "2"
