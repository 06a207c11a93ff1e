"""Messages on the wire: which bytes count as an answer, and none of them may break the reader."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.gate.messages import EDNS_PAYLOAD, encode, read_answer, read_response
from tests.mldns.scripted_dns import response

QUERY = encode("worker-0.job.ml.test.", "A", False)
NUMBER = 0x1234
SOA = "ml.test. 120 IN SOA ns1.ml.test. hostmaster.ml.test. 1 21600 3600 259200 60"


def asked() -> dns.message.Message:
    return dns.message.from_wire(QUERY.wire(NUMBER))


@pytest.mark.parametrize(("recursion", "flags"), [(False, dns.flags.Flag(0)), (True, dns.flags.RD)])
def test_what_is_asked(recursion: bool, flags: dns.flags.Flag) -> None:
    query = dns.message.from_wire(encode("_rdzv._tcp.job.ml.test.", "SRV", recursion).wire(7))
    (question,) = query.question
    assert (query.id, query.flags, query.edns, query.payload) == (7, flags, 0, EDNS_PAYLOAD)
    assert (question.name.to_text(), question.rdtype) == ("_rdzv._tcp.job.ml.test.", dns.rdatatype.SRV)


def _other(**changes: object) -> dns.message.Message:
    message = response(asked(), "10.0.0.1")
    for attribute, value in changes.items():
        setattr(message, attribute, value)
    return message


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("another id", _other(id=NUMBER + 1)),
        ("a query", _other(flags=dns.flags.AA)),
        ("another opcode", _other(flags=dns.flags.QR | 4 << 11)),
        ("another name", response(dns.message.make_query("evil.test.", "A", id=NUMBER), "10.0.0.1")),
        ("another type", response(dns.message.make_query("worker-0.job.ml.test.", "AAAA", id=NUMBER), "::1")),
        ("another class", response(dns.message.make_query("worker-0.job.ml.test.", "A", "CH", id=NUMBER))),
        ("no question", _other(question=[])),
    ],
)
def test_what_is_no_answer(what: str, message: dns.message.Message) -> None:
    assert read_response(QUERY, NUMBER, message.to_wire()) is None, what


def test_the_answer_is_one() -> None:
    message = read_response(QUERY, NUMBER, response(asked(), "10.0.0.1").to_wire())
    assert message is not None
    assert read_answer(message, QUERY).rrdatas == ("10.0.0.1",)


def test_records_of_other_names_do_not_count() -> None:
    """A cache-poisoning classic: an answer that brings along what nobody asked for."""
    message = response(asked())
    message.answer.append(dns.rrset.from_text("worker-1.job.ml.test.", 30, "IN", "A", "10.66.66.66"))
    read = read_response(QUERY, NUMBER, message.to_wire())
    assert read is not None
    assert read_answer(read, QUERY).rrdatas == ()


@settings(max_examples=400)
@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    message = read_response(QUERY, NUMBER, NUMBER.to_bytes(2, "big") + tail)
    if message is not None:
        read_answer(message, QUERY)


@settings(max_examples=400)
@given(st.data())
def test_a_garbled_answer_is_read_or_refused(data: st.DataObject) -> None:
    wire = bytearray(response(asked(), "10.0.0.1", "10.0.0.2", authority=SOA).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    message = read_response(QUERY, NUMBER, bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    if message is not None:
        read_answer(message, QUERY)
