"""One DNS message in, one out: what holds for every query, whichever server it is put to.

Malformed messages (FORMERR), other opcodes (NOTIMP), EDNS (RFC 6891), the classes and types that no zone can hold, and
the size of what may go back. A `Responder` sees only what is left: one question of class IN.
"""

# mypy: untyped-calls-exclude=dns.renderer

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol, cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.renderer
import dns.rrset

from localcloud.dns.lookup import Records
from localcloud.dns.nametree import Labels, canonical_labels

log = logging.getLogger(__name__)

UDP_PAYLOAD = 1232
"""Bytes; no datagram is larger, whatever the client offers (the common limit since the DNS flag day of 2020)."""
TCP_PAYLOAD = 65_535
PLAIN_PAYLOAD = 512
"""Bytes; what a client without EDNS can take over UDP (RFC 1035 section 2.3.4)."""
_LONGEST_EXPLANATION = 120


class Question(NamedTuple):
    """A question of class IN. `name` is spelled as it was asked, `labels` is the same in lower case."""

    name: dns.name.Name
    labels: Labels
    rdtype: dns.rdatatype.RdataType
    recursion_desired: bool


@dataclass(slots=True)
class Reply:
    """What a responder has to say. `explanation` becomes an Extended DNS Error (RFC 8914) if the client speaks EDNS."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    authoritative: bool = False
    answer: list[Records] = field(default_factory=list)
    authority: list[Records] = field(default_factory=list)
    additional: list[Records] = field(default_factory=list)
    explanation: tuple[dns.edns.EDECode, str] | None = None


class Responder(Protocol):
    """A server's mind. `recursion_available` is the RA bit of all its answers."""

    recursion_available: bool

    def respond(self, question: Question) -> Reply:
        """The answer; an exception becomes SERVFAIL."""
        ...

    def flush(self) -> None:
        """Forget views and caches."""
        ...


def exchange(wire: bytes, responder: Responder, *, udp: bool) -> bytes | None:
    """Answer one message. None: it deserves no answer (no header, or a response, which could start a loop)."""
    try:
        query = dns.message.from_wire(wire, keyring=False, continue_on_error=True)
    except dns.message.ShortHeader:
        return None
    if query.flags & dns.flags.QR:
        return None
    reply = _refuse(query) or _respond(query, responder)
    if udp:
        return _render(query, reply, responder, min(max(query.payload, PLAIN_PAYLOAD), UDP_PAYLOAD), truncate=True)
    try:
        return _render(query, reply, responder, TCP_PAYLOAD, truncate=False)
    except dns.exception.TooBig:
        log.warning("%s does not fit a DNS message", query.question[0])
        explanation = (dns.edns.EDECode.OTHER, "the answer does not fit a DNS message")
        too_big = Reply(dns.rcode.SERVFAIL, explanation=explanation)
        return _render(query, too_big, responder, TCP_PAYLOAD, truncate=False)


def _refuse(query: dns.message.Message) -> Reply | None:
    """The answer to what is wrong before anybody looks at names; None when nothing is."""
    if query.opcode() != dns.opcode.QUERY:
        return Reply(dns.rcode.NOTIMP)
    if query.errors or len(query.question) != 1:  # RFC 9619: exactly one question
        return Reply(dns.rcode.FORMERR)
    if query.edns > 0:
        return Reply(dns.rcode.BADVERS)
    return _refuse_question(query.question[0])


def _refuse_question(asked: dns.rrset.RRset) -> Reply | None:
    """The answer to a class or type that no zone can hold."""
    if asked.rdclass != dns.rdataclass.IN:
        explanation = f"only class IN is served, not {dns.rdataclass.to_text(asked.rdclass)}"
        return Reply(dns.rcode.REFUSED, explanation=(dns.edns.EDECode.NOT_SUPPORTED, explanation))
    if asked.rdtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR):
        return Reply(dns.rcode.REFUSED, explanation=(dns.edns.EDECode.PROHIBITED, "no zone transfers"))
    if asked.rdtype == dns.rdatatype.OPT:
        return Reply(dns.rcode.FORMERR)
    if dns.rdatatype.is_metatype(asked.rdtype) and asked.rdtype != dns.rdatatype.ANY:
        return Reply(dns.rcode.NOTIMP)
    return None


def _respond(query: dns.message.Message, responder: Responder) -> Reply:
    asked = query.question[0]
    question = Question(asked.name, canonical_labels(asked.name), asked.rdtype, bool(query.flags & dns.flags.RD))
    try:
        return responder.respond(question)
    except Exception:
        log.exception("no answer for %s", asked)
        return Reply(dns.rcode.SERVFAIL)


def _render(query: dns.message.Message, reply: Reply, responder: Responder, limit: int, *, truncate: bool) -> bytes:
    """The reply in at most `limit` bytes: with `truncate` as much as fits and the TC bit, else `dns.exception.TooBig`.

    The renderer is used directly: a response `Message` of RRsets in between would cost a quarter more per answer.
    """
    flags = int(dns.flags.QR) | (query.flags & dns.flags.RD) | dns.opcode.to_flags(query.opcode())
    if reply.authoritative:
        flags |= dns.flags.AA
    if responder.recursion_available:
        flags |= dns.flags.RA
    rcode_flags, rcode_ednsflags = dns.rcode.to_flags(reply.rcode)
    renderer = dns.renderer.Renderer(query.id, flags | rcode_flags, limit)
    opt = None
    if query.edns >= 0:
        opt, size = _opt(rcode_ednsflags | (query.ednsflags & dns.flags.DO), reply.explanation)
        renderer.reserve(size)
    if len(query.question) == 1:
        asked = query.question[0]
        renderer.add_question(asked.name, asked.rdtype, asked.rdclass)
    try:
        for owner, rdataset in reply.answer:
            renderer.add_rdataset(dns.renderer.ANSWER, owner, rdataset)
        for owner, rdataset in reply.authority:
            renderer.add_rdataset(dns.renderer.AUTHORITY, owner, rdataset)
        for owner, rdataset in reply.additional:
            renderer.add_rdataset(dns.renderer.ADDITIONAL, owner, rdataset)
    except dns.exception.TooBig:
        if not truncate:
            raise
        renderer.flags |= dns.flags.TC
    renderer.release_reserved()
    if opt is not None:
        renderer.add_rrset(dns.renderer.ADDITIONAL, opt)
    renderer.write_header()
    wire: bytes = renderer.get_wire()
    return wire


@lru_cache(maxsize=1_024)
def _opt(ednsflags: int, explanation: tuple[dns.edns.EDECode, str] | None) -> tuple[dns.rrset.RRset, int]:
    """The OPT pseudo-record of version 0 and its size in bytes; answers without an explanation share one or two."""
    options: list[dns.edns.Option] = []
    if explanation is not None:
        code, text = explanation
        options.append(dns.edns.EDEOption(code, text[:_LONGEST_EXPLANATION]))
    message = dns.message.Message()
    message.use_edns(0, ednsflags, UDP_PAYLOAD, options=options)
    opt = cast("dns.rrset.RRset", message.opt)
    rendered = io.BytesIO()
    opt.to_wire(rendered)
    return opt, len(rendered.getvalue())
