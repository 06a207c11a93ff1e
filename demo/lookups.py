"""Asking real DNS servers for names, as a worker would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode

# What a person wants to see of a job: its addresses and where to rendezvous, not the manifest's TXT.
SHOWN_TYPES = ("A", "AAAA", "SRV")


@dataclass(frozen=True, slots=True)
class Answer:
    """What `server` (HOST:PORT) answered for a name: the rrdatas, or none and why."""

    name: str
    type: str
    server: str
    rrdatas: tuple[str, ...]
    ttl: int | None
    problem: str = ""


def ask(server: str, name: str, rdtype: str, *, timeout: float = 3.0) -> Answer:
    """Send one question over UDP, and over TCP if the answer does not fit."""
    host, _, port = server.rpartition(":")
    question = dns.message.make_query(name, rdtype)
    try:
        response, _ = dns.query.udp_with_fallback(question, host.strip("[]"), timeout=timeout, port=int(port))
    except (dns.exception.DNSException, OSError) as error:
        return Answer(name, rdtype, server, (), None, type(error).__name__)
    for rrset in response.answer:
        if rrset.rdtype == question.question[0].rdtype:
            return Answer(name, rdtype, server, tuple(sorted(rdata.to_text() for rdata in rrset)), rrset.ttl)
    return Answer(name, rdtype, server, (), None, dns.rcode.to_text(response.rcode()))


def ask_for_records(server: str, records: Iterable[Mapping[str, Any]]) -> list[Answer]:
    """Ask `server` for the name of every address and service record among `records` (as in the API)."""
    return [ask(server, record["name"], record["type"]) for record in records if record["type"] in SHOWN_TYPES]
