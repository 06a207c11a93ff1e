"""Questions and answers as DNS messages: bytes on one side, `expectations.Answer` on the other. No sockets."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset

from mldns.gate.expectations import Answer

EDNS_PAYLOAD = 1232  # octets: what passes every path without fragments (DNS flag day 2020)

_HEADER, _TC = 12, 0x02  # octets of a header; the truncation flag in its third (RFC 1035 §4.1.1)
# A server that cannot read a question, or does not want it, may answer without repeating it.
_ERRORS = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question without an id: encoded once, it is asked of many servers."""

    question: dns.rrset.RRset
    body: bytes

    def wire(self, number: int) -> bytes:
        """The message under a 16-bit id."""
        return number.to_bytes(2, "big") + self.body


def encode(name: str, kind: str, recursion_desired: bool) -> Query:
    """Encode the question for one name and type.

    :param name: absolute.
    :param kind: mnemonic of the type, such as `A`.
    :param recursion_desired: whether the server is to look the name up: a resolver is.
    """
    message = dns.message.make_query(
        name,
        kind,
        id=0,
        flags=dns.flags.RD if recursion_desired else 0,
        use_edns=0,
        payload=EDNS_PAYLOAD,
    )
    return Query(message.question[0], message.to_wire()[2:])


def read_response(query: Query, number: int, data: bytes) -> dns.message.Message | None:
    """Return the response, or None where `data` is none to this query: id, opcode and question must be its own.

    Of a truncated response (`dns.flags.TC`) only header and question are read: it may end in the middle of a record.

    :param query: what was asked.
    :param number: the id under which it was sent.
    :param data: octets of one datagram, or of one message over TCP.
    """
    if len(data) < _HEADER or int.from_bytes(data[:2], "big") != number:
        return None
    try:
        message = dns.message.from_wire(data, question_only=bool(data[2] & _TC))
    except dns.exception.DNSException:
        return None
    if not message.flags & dns.flags.QR or message.opcode() != dns.opcode.QUERY:
        return None
    if message.question != [query.question] and (message.question or message.rcode() not in _ERRORS):
        return None
    return message


def read_answer(message: dns.message.Message, query: Query) -> Answer:
    """Reduce a response to what was asked; of a CNAME that stands at the name, what the message says behind it."""
    rrdatas: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    alias, ttl, negative_ttl = None, 0, None
    for rrset in message.answer:
        if rrset.name != query.question.name:
            continue
        if rrset.rdtype == query.question.rdtype:
            rrdatas, ttl = tuple(rdata.to_text() for rdata in rrset), rrset.ttl
        elif rrset.rdtype == dns.rdatatype.CNAME:
            alias, ttl = rrset[0].to_text(), rrset.ttl
            behind = _behind(message, query)
    for rrset in message.authority:
        if isinstance(soa := rrset[0], dns.rdtypes.ANY.SOA.SOA):
            negative_ttl = min(rrset.ttl, soa.minimum)
    return Answer(
        rcode=dns.rcode.to_text(message.rcode()),
        rrdatas=rrdatas,
        ttl=ttl,
        alias=alias,
        behind_alias=behind,
        authoritative=bool(message.flags & dns.flags.AA),
        recursion_available=bool(message.flags & dns.flags.RA),
        negative_ttl=negative_ttl,
    )


def _behind(message: dns.message.Message, query: Query) -> tuple[str, ...]:
    """The data at the end of the chain of aliases; none where the chain leaves the message, or is a loop."""
    records = {(rrset.name, rrset.rdtype): rrset for rrset in message.answer}
    name, kind = query.question.name, query.question.rdtype
    for _ in range(len(records)):
        if (name, kind) in records:
            return tuple(rdata.to_text() for rdata in records[name, kind])
        if (name, dns.rdatatype.CNAME) not in records:
            break
        name = records[name, dns.rdatatype.CNAME][0].target
    return ()
