"""Messages on the wire: which bytes count as an answer, and none of them may break the reader."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.gate.expectations import Answer
from mldns.gate.messages import EDNS_PAYLOAD, Query, ResponseReader, encode
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
    assert ResponseReader().read(QUERY, NUMBER, message.to_wire()) is None, what


def read(message: dns.message.Message | bytes) -> Answer | None:
    wire = message if isinstance(message, bytes) else message.to_wire()
    return ResponseReader().read(QUERY, NUMBER, wire)


def test_the_answer_is_one() -> None:
    assert read(response(asked(), "10.0.0.1")) == Answer(rrdatas=("10.0.0.1",), ttl=30, authoritative=True)


def test_records_of_other_names_do_not_count() -> None:
    """A cache-poisoning classic: an answer that brings along what nobody asked for."""
    message = response(asked())
    message.answer.append(dns.rrset.from_text("worker-1.job.ml.test.", 30, "IN", "A", "10.66.66.66"))
    assert read(message) == Answer(authoritative=True)


@settings(max_examples=400)
@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    read(NUMBER.to_bytes(2, "big") + tail)


NAMES = ("worker-0.job.ml.test.", "worker-1.job.ml.test.", "worker.0-job.ml.test.", "x.ml.test.", "a\\.b.ml.test.")


@pytest.mark.parametrize("recursion", [False, True])
@given(name=st.one_of(st.sampled_from(NAMES), st.from_regex(r"([!-~]{1,70}\.){1,5}", fullmatch=True)))
def test_a_question_is_encoded_as_dnspython_does(recursion: bool, name: str) -> None:
    try:
        flags = dns.flags.RD if recursion else 0
        wire = dns.message.make_query(name, "A", id=7, flags=flags, use_edns=0, payload=EDNS_PAYLOAD).to_wire()
    except dns.exception.DNSException as error:
        with pytest.raises(type(error)):
            encode(name, "A", recursion)
    else:
        assert encode(name, "A", recursion).wire(7) == wire


OCTETS = [0, 1, 4, 12, 13, 20, 35, 128, 192, 255]
RESPONSES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "kind": st.sampled_from(["A", "A", "AAAA"]),
        "count": st.integers(0, 2),
        "ttl": st.sampled_from([1, 30]),
        "flags": st.sampled_from([dns.flags.AA, dns.flags.RA, dns.flags.AA | dns.flags.TC]),
        "rcode": st.sampled_from(["NOERROR", "NOERROR", "NXDOMAIN"]),
        "authority": st.sampled_from(["", SOA, *(f"ml.test. 9 IN NS {name}" for name in ("ns1.ml.test.", NAMES[0]))]),
        "changed": st.dictionaries(st.integers(2, 90), st.sampled_from(OCTETS), max_size=2),
        "end": st.sampled_from([None, None, None, -1, -12]),
    }
)  # fmt: skip
"""Responses to a few names, right or with octets changed or cut off."""


def wire_of(
    *, name: str, kind: str, count: int, changed: dict[int, int], end: int | None, **given: Any
) -> tuple[Query, bytes]:
    query = encode(name, kind, False)
    addresses = [("10.0.0.{}" if kind == "A" else "::ffff:10.0.0.{}").format(n) for n in range(count)]
    wire = bytearray(response(dns.message.from_wire(query.wire(NUMBER)), *addresses, **given).to_wire())
    for at, octet in changed.items():
        if at < len(wire):
            wire[at] = octet
    return query, bytes(wire)[:end]


@settings(max_examples=200, deadline=None)
@given(st.lists(RESPONSES, min_size=2, max_size=12))
def test_what_was_read_before_changes_no_answer(history: list[dict[str, Any]]) -> None:
    """A reader without a history asks dnspython each time."""
    reader = ResponseReader()
    for query, wire in [wire_of(**parts) for parts in history] * 2:
        assert reader.read(query, NUMBER, wire) == ResponseReader().read(query, NUMBER, wire)


def test_a_pointer_into_another_name_is_not_taken_from_memory() -> None:
    """Offset 14 of the one name is a label's length, of the other a character: as a length it is too much."""
    reader, (good, bad) = ResponseReader(), (encode(name, "A", False) for name in ("a\\001c.test.", "abc.test."))
    authority = b"\xc0\x0e\x00\x02\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"
    for query in (good, bad):
        wire = b"\x12\x34\x84\x00\x00\x01\x00\x00\x00\x01\x00\x00" + query.question + authority
        assert reader.read(query, NUMBER, wire) == ResponseReader().read(query, NUMBER, wire)
