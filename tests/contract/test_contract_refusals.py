"""Facts about changes that are refused: each row of the table of errors, and that nothing of them is applied.

Newer servers write `additions[n.][A]` where older ones write `additions[0]`: both are the same fact.
"""

from __future__ import annotations

import re

from tests.contract.facts import fact
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


@fact("refusals.addition_exists", "Q", QUOTED)
def test_adding_what_exists(zone: Zone) -> None:
    """An addition that exists and is not deleted in the same change answers 409 alreadyExists."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record)
    message = rf"The resource '{at('additions', 0, record)}' named '{display(record)}' already exists"
    zone.change(add=[record]).refused(409, "alreadyExists", message)
    zone.change(add=[record | {"rrdatas": ["192.0.2.2"]}]).refused(409, "alreadyExists", message)


@fact("refusals.create_exists", "Q", QUOTED)
def test_creating_what_exists(zone: Zone) -> None:
    """rrsets.create of what exists answers 409 alreadyExists, naming entity.rrset."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record)
    message = rf"The resource 'entity\.rrset' named '{display(record)}' already exists"
    zone.wire.post(f"{zone.path}/rrsets", record).refused(409, "alreadyExists", message)


@fact("refusals.deletion_differs", "Q", QUOTED)
def test_deleting_what_differs(zone: Zone) -> None:
    """A deletion whose ttl or rrdatas differ from what is there answers 412 conditionNotMet, with its position."""
    first, second = (rrset(zone.at(label), "A", 60, "192.0.2.1") for label in "ab")
    zone.add(first, second)
    message = f"Precondition not met for '{at('deletions', 1, second)}'"
    zone.change(delete=[first, second | {"ttl": 61}]).refused(412, "conditionNotMet", message)
    zone.change(delete=[first, second | {"rrdatas": ["192.0.2.9"]}]).refused(412, "conditionNotMet", message)


@fact("refusals.deletion_order", "U", "the stand-in's guess, from 'must match existing data exactly'")
def test_deleting_in_another_order(zone: Zone) -> None:
    """A deletion must list its rrdatas in the order that the server lists them, else 412."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1", "192.0.2.2")
    zone.add(record)
    zone.change(delete=[record | {"rrdatas": ["192.0.2.2", "192.0.2.1"]}]).refused(412, "conditionNotMet")


@fact("refusals.deletion_absent", "Q", QUOTED)
def test_deleting_what_is_not_there(zone: Zone) -> None:
    """A deletion of a name and type that is not there answers 404 notFound."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record | {"type": "AAAA", "rrdatas": ["2001:db8::1"]})
    message = rf"The '{at('deletions', 0, record)}' resource named '{display(record)}' does not exist\."
    zone.change(delete=[record]).refused(404, "notFound", message)


@fact("refusals.empty_change", "Q", QUOTED)
def test_an_empty_change(zone: Zone) -> None:
    """A change with neither additions nor deletions answers 400 required."""
    message = r"The 'entity\.change' parameter is required but was missing\."
    zone.change().refused(400, "required", message)
    zone.wire.post(f"{zone.path}/changes", {}).refused(400, "required", message)


@fact("refusals.bad_name", "Q", QUOTED)
def test_a_bad_name(zone: Zone) -> None:
    """A name that is no absolute name of the zone answers 400 invalid, with path and value."""
    for name in ("v", f"a..{zone.dns_name}", f"{'x' * 64}.{zone.dns_name}", "a.elsewhere.test."):
        record = rrset(name, "A", 60, "192.0.2.1")
        message = rf"Invalid value for '{at('additions', 0, record, '.name')}': '{re.escape(name)}'"
        zone.change(add=[record]).refused(400, "invalid", message)


@fact("refusals.bad_type", "Q", QUOTED)
def test_a_bad_type(zone: Zone) -> None:
    """A type that there is not answers 400 invalid, with path and value."""
    record = rrset(zone.at("a"), "GROUP", 60, "192.0.2.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.type')}': 'GROUP'"
    zone.change(add=[record]).refused(400, "invalid", message)


@fact("refusals.bad_ttl", "Q", QUOTED)
def test_a_bad_ttl(zone: Zone) -> None:
    """A negative ttl answers 400 invalid, with path and value."""
    record = rrset(zone.at("a"), "A", -1, "192.0.2.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.ttl')}': '-1'"
    zone.change(add=[record]).refused(400, "invalid", message)


@fact("refusals.bad_rrdata", "Q", QUOTED)
def test_bad_data(zone: Zone) -> None:
    """Data that does not fit the type answers 400 invalid, with path, position and value."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1", "999.1.1.1")
    message = rf"Invalid value for '{at('additions', 0, record, '.rrdata[1]')}': '999\.1\.1\.1'"
    zone.change(add=[record]).refused(400, "invalid", message)


@fact("refusals.duplicate_rrdata", "U", "the stand-in's guess")
def test_the_same_address_twice(zone: Zone) -> None:
    """One address twice in a record set answers 400 invalid."""
    zone.change(add=[rrset(zone.at("a"), "A", 60, "192.0.2.1", "192.0.2.1")]).refused(400, "invalid")


@fact("refusals.largest_ttl", "U", "the stand-in's guess, after RFC 2181")
def test_the_largest_ttl(zone: Zone) -> None:
    """A ttl of 2^31 - 1 is accepted and 2^31 is refused with 400 invalid."""
    zone.add(rrset(zone.at("a"), "A", 2**31 - 1, "192.0.2.1"))
    zone.change(add=[rrset(zone.at("b"), "A", 2**31, "192.0.2.1")]).refused(400, "invalid")


@fact("refusals.ttl_zero", "U", "the stand-in's guess, from 'a non-negative integer' on the page 'Error messages'")
def test_a_ttl_of_zero(zone: Zone) -> None:
    """The API itself accepts a ttl of 0."""
    zone.add(rrset(zone.at("a"), "A", 0, "192.0.2.1"))


@fact("refusals.missing_ttl", "U", "the stand-in's guess")
def test_no_ttl(zone: Zone) -> None:
    """A record set without a ttl answers 400 required."""
    record = {key: value for key, value in rrset(zone.at("a"), "A", 60, "192.0.2.1").items() if key != "ttl"}
    zone.change(add=[record]).refused(400, "required")


@fact("refusals.every_mistake_listed", "U", "the stand-in's guess")
def test_two_mistakes(zone: Zone) -> None:
    """Of several malformed records each has its entry in errors[], in the order sent."""
    bad_type, bad_data = rrset(zone.at("a"), "GROUP", 60, "x"), rrset(zone.at("b"), "A", 60, "999.1.1.1")
    reply = zone.change(add=[bad_type, bad_data])
    assert (reply.status, reply.reasons) == (400, ["invalid", "invalid"]), str(reply)


@fact("refusals.apex", "D", ERRORS_PAGE)
def test_the_apex_must_stay(zone: Zone) -> None:
    """Deleting the apex NS or SOA for good, or an SOA off the apex, answers invalidZoneApex."""
    for type_ in ("NS", "SOA"):
        apex = zone.find(zone.dns_name, type_)
        assert apex is not None
        assert zone.change(delete=[apex]).reason == "invalidZoneApex"
    soa = zone.find(zone.dns_name, "SOA")
    assert soa is not None
    assert zone.change(add=[soa | {"name": zone.at("a")}]).reason == "invalidZoneApex"


@fact("refusals.cname_beside_others", "D", ERRORS_PAGE)
def test_a_cname_stands_alone(zone: Zone) -> None:
    """A CNAME beside another type, either one first, is refused with cnameResourceRecordSetConflict."""
    for first, second in _cname_pairs(zone):
        zone.add(first)
        assert zone.change(add=[second]).reason == "cnameResourceRecordSetConflict"


@fact("refusals.cname_beside_others_code", "U", GUESSED_CODE)
def test_the_code_of_a_cname_conflict(zone: Zone) -> None:
    """cnameResourceRecordSetConflict comes with HTTP 400."""
    first, second = _cname_pairs(zone)[0]
    zone.add(first)
    zone.change(add=[second]).refused(400, "cnameResourceRecordSetConflict")


def _cname_pairs(zone: Zone) -> list[tuple[Record, Record]]:
    address, alias = rrset("", "A", 60, "192.0.2.1"), rrset("", "CNAME", 60, zone.at("elsewhere"))
    pairs = (("a", address, alias), ("b", alias, address))
    return [(first | {"name": zone.at(at)}, second | {"name": zone.at(at)}) for at, first, second in pairs]


@fact("refusals.cname_at_apex", "D", ERRORS_PAGE)
def test_no_cname_at_the_apex(zone: Zone) -> None:
    """A CNAME at the apex is refused with recordTypeDisallowedAtZoneApex."""
    reply = zone.change(add=[rrset(zone.dns_name, "CNAME", 60, zone.at("a"))])
    assert reply.reason == "recordTypeDisallowedAtZoneApex", str(reply)


@fact("refusals.two_cnames", "D", ERRORS_PAGE)
def test_a_cname_has_one_target(zone: Zone) -> None:
    """A CNAME with two targets is refused with invalidRecordCount."""
    reply = zone.change(add=[rrset(zone.at("a"), "CNAME", 60, zone.at("b"), zone.at("c"))])
    assert reply.reason == "invalidRecordCount", str(reply)


@fact("refusals.wildcard_ns", "D", ERRORS_PAGE)
def test_no_wildcard_delegation(zone: Zone) -> None:
    """An NS set at a wildcard is refused with wildcardNotAllowed."""
    reply = zone.change(add=[rrset(zone.at("*"), "NS", 60, "ns.elsewhere.test.")])
    assert reply.reason == "wildcardNotAllowed", str(reply)


@fact("refusals.documented_codes", "U", GUESSED_CODE)
def test_the_codes_of_the_documented_reasons(zone: Zone) -> None:
    """The other reasons of that page (apex, wildcard, number of records) come with HTTP 400 too."""
    soa = zone.find(zone.dns_name, "SOA")
    assert soa is not None
    replies = [
        zone.change(delete=[soa]),
        zone.change(add=[rrset(zone.dns_name, "CNAME", 60, zone.at("a"))]),
        zone.change(add=[rrset(zone.at("a"), "CNAME", 60, zone.at("b"), zone.at("c"))]),
        zone.change(add=[rrset(zone.at("*"), "NS", 60, "ns.elsewhere.test.")]),
    ]
    assert [reply.status for reply in replies] == [400] * 4


@fact("refusals.nothing_applied", "D", "REST reference, Change: applied atomically")
def test_a_refused_change_leaves_nothing(zone: Zone) -> None:
    """Of a refused change nothing is applied, whatever the reason and wherever in the change it stands."""
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


@fact("refusals.no_change_id_spent", "U", "the stand-in's guess")
def test_a_refused_change_has_no_id(target: Target, own_zone: Zone) -> None:
    """A refused change takes no id: the next one accepted follows on."""
    record = rrset(own_zone.at("a"), "A", 60, "192.0.2.1")
    own_zone.add(record)
    assert own_zone.change(add=[record]).status == 409
    assert own_zone.add(rrset(own_zone.at("b"), "A", 60, "192.0.2.1"))["id"] == "2"
