"""Questions and answers as DNS messages: bytes on one side, `expectations.Answer` on the other. No sockets.

dnspython reads what comes. A server's answers to thousands of names differ in the id, the name, the TTL and the
addresses alone: what dnspython has read once is read again without it (`ResponseReader`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from socket import inet_ntoa

import dns.exception
import dns.flags
import dns.ipv6
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset

from mldns.gate.expectations import Answer

EDNS_PAYLOAD = 1232  # octets: what passes every path without fragments (DNS flag day 2020)
TRUNCATED = Answer(silence="truncated")
"""What did not fit; compared by identity. What was cut off is unknown: no data in it is no denial."""

_HEADER, _TC = 12, 0x02  # octets of a header; the truncation flag in its third (RFC 1035 §4.1.1)
_MOST_SHAPES = 256  # of one server: some dozen in practice, each of some hundred octets
_PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)+", re.ASCII)
_LONGEST_NAME = 254  # characters with the last dot, of a name without escapes (RFC 1035 §2.3.4)
_FAMILIES = {"A": (4, inet_ntoa), "AAAA": (16, dns.ipv6.inet_ntoa)}  # octets of an address, and its text
# A server that cannot read a question, or does not want it, may answer without repeating it.
_ERRORS = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question without an id: encoded once, it is asked of many servers.

    :param body: the message behind its id.
    :param question: the question's octets.
    :param labels: how long each label is.
    """

    name: str
    type: str
    body: bytes
    question: bytes
    labels: bytes

    def wire(self, number: int) -> bytes:
        """The message under a 16-bit id."""
        return number.to_bytes(2, "big") + self.body


def encode(name: str, kind: str, recursion_desired: bool) -> Query:
    """Encode the question for one name and type.

    :param name: absolute.
    :param kind: mnemonic of the type, such as `A`.
    :param recursion_desired: whether the server is to look the name up: a resolver is.
    """
    head, tail, additional = _around(kind, recursion_desired)
    if len(name) <= _LONGEST_NAME and _PLAIN_NAME.fullmatch(name):
        labels = [label.encode() for label in name[:-1].split(".")]
    else:
        labels = list(dns.name.from_text(name).labels[:-1])
    lengths = bytes(map(len, labels))
    question = b"".join(bytes((len(label),)) + label for label in labels) + tail
    return Query(name, kind, head + question + additional, question, lengths)


@functools.cache
def _around(kind: str, recursion_desired: bool) -> tuple[bytes, bytes, bytes]:
    """What stands before a question's name, behind it, and behind the question: dnspython's own octets."""
    flags = dns.flags.RD if recursion_desired else 0
    message = dns.message.make_query(".", kind, id=0, flags=flags, use_edns=0, payload=EDNS_PAYLOAD)
    wire = message.to_wire()
    return wire[2:_HEADER], wire[_HEADER : _HEADER + 5], wire[_HEADER + 5 :]


class ResponseReader:
    """Reads one server's responses; what only differs from an earlier one where it may is read without dnspython.

    The shape of a response is all but its id, its question's characters, and TTLs and addresses of its answers. Two of
    one shape are well-formed both or neither, and mean the same but for these: see `_depends_on_names`.
    """

    def __init__(self) -> None:
        self._shapes: dict[tuple[bytes, bytes, bytes, bytes], Answer] = {}

    def read(self, query: Query, number: int, data: bytes) -> Answer | None:
        """Return what a response says, `TRUNCATED`, or None where `data` is none to this query.

        :param query: what was asked.
        :param number: the id under which it was sent.
        :param data: octets of one datagram, or of one message over TCP.
        """
        end = _HEADER + len(query.question)
        if data[_HEADER:end] != query.question or int.from_bytes(data[:2], "big") != number:
            return _read_anew(query, number, data)
        answers = _addresses(query, data, end)
        if answers is None:
            return _read_anew(query, number, data)
        rrdatas, ttl, rest = answers
        shape = (query.labels, query.question[-4:], data[2:_HEADER], data[rest:])
        known = self._shapes.get(shape)
        if known is None:
            known = _read_anew(query, number, data)
            if known is not None and known is not TRUNCATED and not _depends_on_names(known, query, data, rest):
                if len(self._shapes) >= _MOST_SHAPES:
                    self._shapes.clear()
                self._shapes[shape] = known
            return known
        if not rrdatas:
            return known
        return Answer(
            rcode=known.rcode,
            rrdatas=rrdatas,
            ttl=ttl,
            authoritative=known.authoritative,
            recursion_available=known.recursion_available,
            negative_ttl=known.negative_ttl,
        )


def _addresses(query: Query, data: bytes, at: int) -> tuple[tuple[str, ...], int, int] | None:
    """Return addresses, TTL and where the rest begins; None where an answer is not the name's own address as usual."""
    count = int.from_bytes(data[6:8], "big")
    if not count:
        return (), 0, at
    if query.type not in _FAMILIES:
        return None
    size, to_text = _FAMILIES[query.type]
    owner_and_type = b"\xc0\x0c" + query.question[-4:]
    rrdatas, ttls = [], []
    for _ in range(count):
        if data[at : at + 6] != owner_and_type or data[at + 10 : at + 12] != size.to_bytes(2, "big"):
            return None
        address = data[at + 12 : at + 12 + size]
        if len(address) != size:
            return None
        ttls.append(int.from_bytes(data[at + 6 : at + 10], "big"))
        rrdatas.append(to_text(address))
        at += 12 + size
    if max(ttls) >> 31 or len(set(rrdatas)) < count:
        return None
    return tuple(rrdatas), min(ttls), at


def _depends_on_names(known: Answer, query: Query, data: bytes, rest: int) -> bool:
    """Whether what stands behind the answers may be read otherwise behind another name, or other addresses.

    A compressed name in it may point at a label of the question, into the fixed part of the header, or behind the
    answers, but into nothing that changes; octets that only look like such a pointer count, too. Whether two SOA
    records are one set, with one TTL, depends on their names.
    """
    if known.negative_ttl is not None and int.from_bytes(data[8:10], "big") > 1:
        return True
    starts, at = {*range(2, _HEADER)}, _HEADER
    for length in query.labels:
        starts.add(at)
        at += length + 1
    starts.add(at)
    targets = (int.from_bytes(data[at : at + 2], "big") & 0x3FFF for at in range(rest, len(data)) if data[at] >= 0xC0)
    return any(target < rest and target not in starts for target in targets)


def _read_anew(query: Query, number: int, data: bytes) -> Answer | None:
    name, kind = dns.name.from_text(query.name), dns.rdatatype.from_text(query.type)
    message = _read_response(dns.rrset.RRset(name, dns.rdataclass.IN, kind), number, data)
    if message is None:
        return None
    return TRUNCATED if message.flags & dns.flags.TC else _read_answer(message, name, kind)


def _read_response(question: dns.rrset.RRset, number: int, data: bytes) -> dns.message.Message | None:
    """Return the response, or None where `data` is none to this question: id, opcode and question must be its own.

    Of a truncated response only header and question are read: it may end in the middle of a record.
    """
    if len(data) < _HEADER or int.from_bytes(data[:2], "big") != number:
        return None
    try:
        message = dns.message.from_wire(data, question_only=bool(data[2] & _TC))
    except dns.exception.DNSException:
        return None
    if not message.flags & dns.flags.QR or message.opcode() != dns.opcode.QUERY:
        return None
    if message.question != [question] and (message.question or message.rcode() not in _ERRORS):
        return None
    return message


def _read_answer(message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer:
    """Reduce a response to what was asked; of a CNAME that stands at the name, what the message says behind it."""
    rrdatas: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    alias, ttl, negative_ttl = None, 0, None
    for rrset in message.answer:
        if rrset.name != name:
            continue
        if rrset.rdtype == kind:
            rrdatas, ttl = tuple(rdata.to_text() for rdata in rrset), rrset.ttl
        elif rrset.rdtype == dns.rdatatype.CNAME:
            alias, ttl = rrset[0].to_text(), rrset.ttl
            behind = _behind(message, name, kind)
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


def _behind(message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[str, ...]:
    """The data at the end of the chain of aliases; none where the chain leaves the message, or is a loop."""
    records = {(rrset.name, rrset.rdtype): rrset for rrset in message.answer}
    for _ in range(len(records)):
        if (name, kind) in records:
            return tuple(rdata.to_text() for rdata in records[name, kind])
        if (name, dns.rdatatype.CNAME) not in records:
            break
        name = records[name, dns.rdatatype.CNAME][0].target
    return ()
