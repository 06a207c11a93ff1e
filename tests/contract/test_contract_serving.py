"""Facts about the answers of a public zone's name servers, asked over real DNS."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import dns.flags
import dns.rcode
import pytest

from tests.contract.facts import fact
from tests.contract.queries import NameServer, one_line, soa_of, texts, until_all
from tests.contract.scratch import Zone, rrset
from tests.contract.target import Target

Servers = tuple[NameServer, ...]
RFC = "the stand-in's guess: what the RFC says"


def has_answer(server: NameServer, name: str) -> bool:
    return bool(server.ask(name, "A").answer)


def serve(zone: Zone, servers: Servers, target: Target, *records: dict[str, object]) -> None:
    """Add records and return when every name server has the last of them."""
    zone.add(*records)
    last = records[-1]
    name, type_ = str(last["name"]), str(last["type"])
    until_all(servers, lambda server: bool(texts(server.ask(name, type_, payload=1232), name, type_)), target.patience)


@fact("serving.authoritative", "D", "RFC 1034; Google's page 'Name servers'")
def test_every_server_has_the_apex(zone: Zone, servers: Servers) -> None:
    """All name servers of a zone answer for its apex with AA, the SOA of the API and the NS of the API."""
    for server in servers:
        for type_ in ("SOA", "NS"):
            answer = server.ask(zone.dns_name, type_)
            assert answer.flags & dns.flags.AA, one_line(answer)
            listed = zone.find(zone.dns_name, type_)
            assert listed is not None
            assert texts(answer, zone.dns_name, type_) == sorted(listed["rrdatas"])


@fact("serving.record", "D", "RFC 1035")
def test_a_record_is_served(zone: Zone, servers: Servers, target: Target, observed: Callable[[object], None]) -> None:
    """A record is served by every name server with its exact data and ttl."""
    name = zone.at("worker-0")
    change = zone.add(rrset(name, "A", 30, "192.0.2.1", "192.0.2.2"))
    took = until_all(servers, partial(has_answer, name=name), target.patience)
    observed(f"change {change['id']}: on the last of {len(took)} servers after {max(took.values()):.1f} s")
    for server in servers:
        answer = server.ask(name, "A")
        assert texts(answer, name, "A") == ["192.0.2.1", "192.0.2.2"]
        assert [found.ttl for found in answer.answer] == [30]


@fact("serving.done_is_no_proof", "D", "discovery document, Change.status")
def test_done_comes_before_the_answer(
    lagging: tuple[Target, Zone, Servers], observed: Callable[[object], None]
) -> None:
    """Done means that the name servers have been told, not that they answer yet."""
    target, zone, servers = lagging
    for attempt in range(10):
        name = zone.at(f"w{attempt}")
        change = zone.add(rrset(name, "A", 30, "192.0.2.1"))
        zone.wait_done(change["id"], target.patience)
        began = time.monotonic()
        late = [server for server in servers if not has_answer(server, name)]
        until_all(late, partial(has_answer, name=name), target.patience)
        if late:
            observed(f"{len(late)} of {len(servers)} servers followed {time.monotonic() - began:.1f} s after done")
            return
    pytest.skip("not seen in 10 changes: every server answered as soon as the change was done")


@fact("serving.deletion", "D", "RFC 1034")
def test_a_deleted_name_goes(zone: Zone, servers: Servers, target: Target) -> None:
    """A deleted name ends as NXDOMAIN on every name server."""
    record = rrset(zone.at("a"), "A", 30, "192.0.2.1")
    serve(zone, servers, target, record)
    zone.change(delete=[record]).ok()
    until_all(servers, lambda server: server.ask(zone.at("a"), "A").rcode() == dns.rcode.NXDOMAIN, target.patience)


@fact("serving.replacement_without_gap", "D", "REST reference, Change: applied atomically")
def test_a_replaced_name_never_goes(zone: Zone, servers: Servers, target: Target) -> None:
    """Replacing a record in one change leaves no moment without the name."""
    name = zone.at("a")
    before, after = (rrset(name, "A", 30, address) for address in ("192.0.2.1", "192.0.2.2"))
    serve(zone, servers, target, before)
    zone.change(delete=[before], add=[after]).ok()

    def has_the_new_one(server: NameServer) -> bool:
        seen = texts(server.ask(name, "A"), name, "A")
        assert seen in (["192.0.2.1"], ["192.0.2.2"]), f"{server.label} answered {seen} in between"
        return seen == ["192.0.2.2"]

    until_all(servers, has_the_new_one, target.patience)


@fact("serving.nxdomain", "D", "RFC 2308 with the SOA that Cloud DNS writes")
def test_a_missing_name(zone: Zone, servers: Servers, observed: Callable[[object], None]) -> None:
    """A name that is not there is NXDOMAIN with the SOA, both ttl and minimum 300: the negative ttl."""
    for server in servers:
        answer = server.ask(zone.at("absent"), "A")
        observed(one_line(answer))
        assert answer.rcode() == dns.rcode.NXDOMAIN, one_line(answer)
        soa = soa_of(answer)
        assert min(soa.ttl, soa[0].minimum) == 300, soa.to_text()


@fact("serving.nxdomain_soa_ttl", "U", "the stand-in's guess, after RFC 2308 section 3")
def test_the_ttl_of_the_soa_in_a_denial(zone: Zone, servers: Servers, observed: Callable[[object], None]) -> None:
    """The SOA of a negative answer carries the negative ttl itself, 300, not its own 21600."""
    ttls = {server.label: soa_of(server.ask(zone.at("absent"), "A")).ttl for server in servers}
    observed(ttls)
    assert set(ttls.values()) == {300}


@fact("serving.nodata", "D", "RFC 2308")
def test_a_name_of_another_type(zone: Zone, servers: Servers, target: Target) -> None:
    """A name without the type asked is NOERROR without an answer, with the SOA."""
    serve(zone, servers, target, rrset(zone.at("a"), "A", 30, "192.0.2.1"))
    for server in servers:
        answer = server.ask(zone.at("a"), "AAAA")
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, []), one_line(answer)
        soa_of(answer)


@fact("serving.empty_non_terminal", "U", f"{RFC} (8020)")
def test_a_name_in_between(zone: Zone, servers: Servers, target: Target, observed: Callable[[object], None]) -> None:
    """A name that exists only as a parent is NOERROR, not NXDOMAIN."""
    serve(zone, servers, target, rrset(zone.at("worker-0.job"), "A", 30, "192.0.2.1"))
    answers = [server.ask(zone.at("job"), "A") for server in servers]
    observed(one_line(answers[0]))
    assert {(answer.rcode(), len(answer.answer)) for answer in answers} == {(dns.rcode.NOERROR, 0)}


@fact("serving.wildcard", "U", f"{RFC} (4592)")
def test_a_wildcard(zone: Zone, servers: Servers, target: Target) -> None:
    """A wildcard answers for names that do not exist and not for names that do."""
    serve(
        zone,
        servers,
        target,
        rrset(zone.at("*"), "A", 30, "192.0.2.1"),
        rrset(zone.at("b.there"), "TXT", 30, '"x"'),
        rrset(zone.at("there"), "TXT", 30, '"x"'),
    )
    for server in servers:
        for covered in (zone.at("any"), zone.at("any.other")):
            assert texts(server.ask(covered, "A"), covered, "A") == ["192.0.2.1"]
        for uncovered in (zone.at("there"), zone.at("b.there"), zone.at("c.there")):
            assert server.ask(uncovered, "A").answer == []


@fact(
    "serving.cname_chased",
    "U",
    f"{RFC} (1034); Google's documentation has the asker's resolver chase the CNAMEs of public zones",
)
def test_a_cname_is_followed(zone: Zone, servers: Servers, target: Target, observed: Callable[[object], None]) -> None:
    """A CNAME whose target is in the zone is answered with both."""
    alias, goal = zone.at("master"), zone.at("worker-0")
    serve(zone, servers, target, rrset(goal, "A", 30, "192.0.2.1"), rrset(alias, "CNAME", 30, goal))
    answers = [server.ask(alias, "A") for server in servers]
    observed(one_line(answers[0]))
    for answer in answers:
        assert (texts(answer, alias, "CNAME"), texts(answer, goal, "A")) == ([goal], ["192.0.2.1"])


@fact("serving.any_case", "U", f"{RFC} (1035, 4343)")
def test_names_in_any_case(zone: Zone, servers: Servers, target: Target) -> None:
    """A name is found in any case, and the question comes back in the case it was asked in."""
    serve(zone, servers, target, rrset(zone.at("worker"), "A", 30, "192.0.2.1"))
    asked = zone.at("wOrKeR")
    for server in servers:
        answer = server.ask(asked, "A")
        assert answer.question[0].name.to_text() == asked
        assert texts(answer, asked, "A") == ["192.0.2.1"]


@fact("serving.truncation", "D", "RFC 1035, RFC 7766")
def test_a_large_answer(zone: Zone, servers: Servers, target: Target) -> None:
    """An answer too large for UDP is truncated (TC), and whole over TCP."""
    addresses = sorted(f"10.0.0.{rank}" for rank in range(1, 101))
    name = zone.at("workers")
    zone.add(rrset(name, "A", 30, *addresses))
    until_all(servers, lambda server: bool(server.ask(name, "A", tcp=True).answer), target.patience)
    for server in servers:
        assert server.ask(name, "A").flags & dns.flags.TC
        assert texts(server.ask(name, "A", tcp=True), name, "A") == addresses


@fact("serving.edns", "U", f"{RFC} (6891)")
def test_edns(zone: Zone, servers: Servers, target: Target, observed: Callable[[object], None]) -> None:
    """A query with EDNS0 is answered with EDNS0, and a larger offer is used up to 1,232 bytes at least."""
    name = zone.at("workers")
    serve(zone, servers, target, rrset(name, "A", 30, *(f"10.0.0.{rank}" for rank in range(1, 61))))
    answers = [server.ask(name, "A", payload=1232) for server in servers]
    observed(f"{one_line(answers[0])}, payload {answers[0].payload}")
    assert {answer.edns for answer in answers} == {0}
    assert not [answer for answer in answers if answer.flags & dns.flags.TC]


@fact("serving.refused_elsewhere", "U", "the stand-in's guess")
def test_a_foreign_name(servers: Servers, observed: Callable[[object], None]) -> None:
    """A name outside the zones of a name server is REFUSED."""
    answers = [server.ask("mldns-verify-elsewhere.invalid.", "A") for server in servers]
    observed(one_line(answers[0]))
    assert {answer.rcode() for answer in answers} == {dns.rcode.REFUSED}


@fact("serving.private_is_private", "D", "Google's page 'Zones overview'")
def test_a_private_zone_is_not_served(
    private_zone: Zone, zone: Zone, servers: Servers, target: Target, observed: Callable[[object], None]
) -> None:
    """Public name servers know nothing of a private zone."""
    private_zone.add(rrset(private_zone.at("a"), "A", 30, "192.0.2.1"))
    serve(zone, servers, target, rrset(zone.at("later"), "A", 30, "192.0.2.1"))
    for server in servers:
        answer = server.ask(private_zone.at("a"), "A")
        observed(one_line(answer))
        assert answer.answer == [], one_line(answer)
        assert answer.rcode() in (dns.rcode.REFUSED, dns.rcode.NXDOMAIN), one_line(answer)
