"""What holds for every message, whoever answers: bad ones, other opcodes, EDNS, and the size of what goes back."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.dns.exchange import UDP_PAYLOAD, Question, Reply, exchange
from localcloud.dns.lookup import Records


class Fixed:
    """A responder with one answer for everything."""

    def __init__(self, rdataset: dns.rdataset.Rdataset | None = None, *, recursion_available: bool = False) -> None:
        self.recursion_available = recursion_available
        self.rdataset = rdataset or dns.rdataset.from_text("IN", "A", 60, "192.0.2.1")
        self.asked: list[Question] = []

    def respond(self, question: Question) -> Reply:
        self.asked.append(question)
        return Reply(authoritative=True, answer=[Records(question.name, self.rdataset)])

    def flush(self) -> None:
        self.asked.clear()


class Broken(Fixed):
    def respond(self, question: Question) -> Reply:
        raise RuntimeError(f"no idea of {question.name}")


def ask(query: dns.message.Message, responder: Fixed, *, udp: bool = True) -> dns.message.Message:
    wire = exchange(query.to_wire(), responder, udp=udp)
    assert wire is not None
    response = dns.message.from_wire(wire, raise_on_truncation=False)
    assert query.is_response(response)
    return response


def query(name: str = "w.ml.test.", rdtype: str = "A", **more) -> dns.message.Message:
    return dns.message.make_query(name, rdtype, **more)


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: query(use_edns=0).to_wire()[:12] + tail))
def test_any_bytes_get_a_parseable_answer_or_none(wire):
    answer = exchange(wire, Fixed(), udp=True)
    if answer is None:
        assert len(wire) < 12 or wire[2] & 0x80
    else:
        assert dns.message.from_wire(answer).id == int.from_bytes(wire[:2], "big")
        assert answer[2] & 0x80


@given(st.data())
def test_any_damage_to_a_query_gets_a_parseable_answer_or_none(data):
    wire = bytearray(query("worker-0.ML.test.", use_edns=0, options=[dns.edns.GenericOption(65001, b"xy")]).to_wire())
    for position in data.draw(st.sets(st.integers(2, len(wire) - 1), min_size=1, max_size=4)):
        wire[position] = data.draw(st.integers(0, 255))
    answer = exchange(bytes(wire[: data.draw(st.integers(0, len(wire)))]), Fixed(), udp=True)
    if answer is not None:
        assert dns.message.from_wire(answer).id == int.from_bytes(wire[:2], "big")


@pytest.mark.parametrize("wire", [b"", b"x", query().to_wire()[:11]], ids=["nothing", "a byte", "a byte too few"])
def test_what_has_no_header_is_dropped(wire):
    assert exchange(wire, Fixed(), udp=True) is None


def test_a_response_is_dropped_so_that_two_servers_cannot_talk_for_ever():
    assert exchange(dns.message.make_response(query()).to_wire(), Fixed(), udp=True) is None


def _two_questions() -> bytes:
    message = query()
    message.question.append(query("v.ml.test.").question[0])
    return message.to_wire()


def _two_opts() -> bytes:
    wire = query(use_edns=0).to_wire()
    opt = wire[-11:]
    return wire[:10] + b"\0\2" + wire[12:] + opt


MALFORMED = {
    "half a question": query().to_wire()[:20],
    "bytes after the end": query().to_wire() + b"junk",
    "no question": query().to_wire()[:4] + bytes(8),
    "two questions": _two_questions(),
    "two OPT records": _two_opts(),
    "a pointer to itself": query().to_wire()[:12] + b"\xc0\x0c\0\1\0\1",
    "a record announced and missing": query().to_wire()[:10] + b"\0\1" + query().to_wire()[12:],
    "OPT as a question": query(rdtype="OPT").to_wire(),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_queries_get_formerr_with_their_id(what):
    wire, responder = MALFORMED[what], Fixed()
    answer = exchange(wire, responder, udp=True)
    assert answer is not None
    response = dns.message.from_wire(answer)
    assert (response.rcode(), response.id) == (dns.rcode.FORMERR, int.from_bytes(wire[:2], "big"))
    assert not responder.asked


@pytest.mark.parametrize("opcode", [number for number in range(16) if number != dns.opcode.QUERY])
def test_other_opcodes_get_notimp_and_their_opcode_back(opcode):
    wire = bytearray(query().to_wire())
    wire[2] |= opcode << 3
    responder = Fixed()
    answer = exchange(bytes(wire), responder, udp=True)
    assert answer is not None
    response = dns.message.from_wire(answer)
    assert (response.rcode(), response.opcode()) == (dns.rcode.NOTIMP, opcode)
    assert not responder.asked


@pytest.mark.parametrize(
    ("rdclass", "rdtype", "rcode"),
    [
        ("CH", "TXT", dns.rcode.REFUSED),
        ("ANY", "A", dns.rcode.REFUSED),
        ("IN", "AXFR", dns.rcode.REFUSED),
        ("IN", "IXFR", dns.rcode.REFUSED),
        ("IN", "MAILB", dns.rcode.NOTIMP),
        ("IN", "TKEY", dns.rcode.NOTIMP),
    ],
)
@pytest.mark.parametrize("udp", [True, False])
def test_classes_and_types_that_no_zone_can_hold(rdclass, rdtype, rcode, udp):
    responder = Fixed()
    assert ask(query(rdtype=rdtype, rdclass=rdclass), responder, udp=udp).rcode() == rcode
    assert not responder.asked


@pytest.mark.parametrize("rdtype", ["ANY", "TYPE65399", "HTTPS"])
def test_other_types_are_the_responders_business(rdtype):
    responder = Fixed()
    assert ask(query(rdtype=rdtype), responder).rcode() == dns.rcode.NOERROR
    assert [question.rdtype for question in responder.asked] == [dns.rdatatype.from_text(rdtype)]


def test_the_question_comes_back_in_the_case_it_was_asked_in_and_is_put_in_lower_case():
    responder = Fixed()
    response = ask(query("WoRKer-0.mL.tEST."), responder)
    assert response.question[0].name.to_text() == "WoRKer-0.mL.tEST."
    assert response.answer[0].name.to_text() == "WoRKer-0.mL.tEST."
    assert responder.asked[0].labels == (b"worker-0", b"ml", b"test", b"")


@pytest.mark.parametrize("do", [True, False])
def test_edns_is_answered_with_our_payload_and_the_do_bit_of_the_query(do):
    response = ask(query(use_edns=0, payload=4096, want_dnssec=do), Fixed())
    assert (response.edns, response.payload) == (0, UDP_PAYLOAD)
    assert bool(response.ednsflags & dns.flags.DO) is do


def test_unknown_edns_options_and_flags_are_ignored_and_not_echoed():
    asked = query(use_edns=0, ednsflags=0x4000, options=[dns.edns.GenericOption(65001, b"x")])
    response = ask(asked, Fixed())
    assert (response.rcode(), response.options, response.ednsflags & 0x4000) == (dns.rcode.NOERROR, (), 0)


def test_an_edns_version_of_the_future_gets_badvers_and_ours():
    responder = Fixed()
    response = ask(query(use_edns=1), responder)
    assert (response.rcode(), response.edns) == (dns.rcode.BADVERS, 0)
    assert not response.answer
    assert not responder.asked


def test_a_signature_that_nobody_asked_for_is_ignored():
    signed = query()
    signed.use_tsig(dns.tsig.Key("key.test.", b"secret"))
    wire = exchange(signed.to_wire(), Fixed(), udp=True)
    assert wire is not None
    assert dns.message.from_wire(wire).rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("desired", [True, False])
@pytest.mark.parametrize("available", [True, False])
def test_rd_is_copied_and_ra_is_the_responders(desired, available):
    responder = Fixed(recursion_available=available)
    asked = query(flags=dns.flags.RD if desired else 0)
    response = ask(asked, responder)
    assert (bool(response.flags & dns.flags.RD), bool(response.flags & dns.flags.RA)) == (desired, available)
    assert response.flags & dns.flags.AA
    assert responder.asked[0].recursion_desired is desired


HUNDRED = dns.rdataset.from_text("IN", "A", 60, *(f"192.0.2.{i}" for i in range(100)))  # 1,600 bytes and the question
THIRTY_ONE = dns.rdataset.from_text("IN", "A", 60, *(f"192.0.2.{i}" for i in range(31)))  # 496 bytes and the question


@pytest.mark.parametrize(
    ("rdataset", "edns", "truncated"),
    [
        (THIRTY_ONE, {}, True),
        (THIRTY_ONE, {"use_edns": 0, "payload": 100}, True),  # below 512 counts as 512 (RFC 6891 section 6.2.3)
        (THIRTY_ONE, {"use_edns": 0, "payload": 600}, False),
        (THIRTY_ONE, {"use_edns": 0, "payload": 534}, False),  # 12 + 15 + 31 * 16 + 11: to the byte
        (THIRTY_ONE, {"use_edns": 0, "payload": 533}, True),
        (HUNDRED, {"use_edns": 0, "payload": UDP_PAYLOAD}, True),
        (HUNDRED, {"use_edns": 0, "payload": 4096}, True),
    ],
)
def test_udp_carries_what_the_client_takes_and_says_tc_beyond(rdataset, edns, truncated):
    asked = query(**edns)
    wire = exchange(asked.to_wire(), Fixed(rdataset), udp=True)
    assert wire is not None
    assert len(wire) <= min(max(512, edns.get("payload", 0)), UDP_PAYLOAD)
    response = dns.message.from_wire(wire)
    assert bool(response.flags & dns.flags.TC) is truncated
    # An rrset goes whole or not at all (RFC 2181 section 5), and the OPT record always.
    assert [len(rrset) for rrset in response.answer] == ([] if truncated else [len(rdataset)])
    assert response.edns == (0 if edns else -1)


def test_an_answer_that_no_message_can_hold_is_servfail_over_tcp_and_says_why():
    strings = " ".join(f'"{"x" * 250}"' for _ in range(30))
    texts = dns.rdataset.from_text("IN", "TXT", 60, *(f'"{i}" {strings}' for i in range(10)))
    response = ask(query(rdtype="TXT", use_edns=0), Fixed(texts), udp=False)
    assert response.rcode() == dns.rcode.SERVFAIL
    assert response.extended_errors()[0].text == "the answer does not fit a DNS message"
    assert not response.answer


def test_a_responder_that_fails_is_servfail_and_logged(caplog):
    assert ask(query(), Broken()).rcode() == dns.rcode.SERVFAIL
    assert "no idea of w.ml.test." in caplog.text


def test_the_longest_name_and_explanation_fit_the_smallest_answer():
    class Refusing(Fixed):
        def respond(self, question: Question) -> Reply:
            return Reply(dns.rcode.REFUSED, explanation=(dns.edns.EDECode.OTHER, f"not {question.name}"))

    name = ".".join(["\\000" * 63] * 3 + ["\\000" * 61]) + "."
    response = ask(query(name, use_edns=0, payload=512), Refusing())
    assert response.rcode() == dns.rcode.REFUSED
    assert response.question[0].name == dns.name.from_text(name)
    assert response.extended_errors()[0].text.startswith("not \\000")
