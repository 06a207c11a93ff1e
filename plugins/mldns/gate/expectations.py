"""What is asked of which DNS server, and how an answer is judged. Pure: no sockets, no clock, no dnspython.

Google's `done` says that a change was sent to the name servers, not that they answer with it; only answers prove it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mldns.exceptions import InvalidInput
from mldns.gate.servers import Server, ServerRole
from mldns.messages import clipped, shown_rrdatas
from mldns.records.names import Key, absolute
from mldns.records.rrset import RRset, same


@dataclass(frozen=True, slots=True)
class Expectation:
    """What every server must answer: all of these rrdatas and no other, with a TTL of at most `max_ttl` seconds.

    :param rrdatas: None where only the name is known: some data of that type, the same at every server.
    :param max_ttl: None for any.
    :param outside: the name is none of the zone's: aliases are followed, and resolvers may differ, as they do for names
        that are answered by place.
    :param either_family: an IPv6 address will do where there is no IPv4 address, and the other way round.
    """

    name: str
    type: str
    rrdatas: tuple[str, ...] | None
    max_ttl: int | None
    outside: bool = False
    either_family: bool = False

    @property
    def key(self) -> Key:
        return (self.name, self.type)

    @property
    def shown(self) -> str:
        """What is expected, in one short line."""
        if self.rrdatas is not None:
            return shown_rrdatas(self.rrdatas)
        return "an address" if self.either_family else f"some {self.type}"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Names and the servers that must all answer for them."""

    expectations: tuple[Expectation, ...]
    servers: tuple[Server, ...]


class Tolerance(StrEnum):
    """What may be wrong with an open gate and is only a warning; nothing unless said."""

    DEAD_SERVER = "dead-server"
    """A minority of a zone's name servers answers nothing at all: resolvers go on to the next one."""
    LONG_TTL = "long-ttl"
    """The data is right and may be cached for longer than asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one question.

    :param rcode: mnemonic of the response code.
    :param rrdatas: presentation format, of the very name and type that were asked; a CNAME is in `alias` instead.
    :param ttl: seconds, of `rrdatas` or of the CNAME.
    :param behind_alias: data of the type that was asked at the end of the aliases, as far as the answer holds it.
    :param negative_ttl: seconds for which a denial may be cached: min(TTL, minimum) of the SOA that came with it
        (RFC 2308 §5); None where no SOA came.
    :param silence: why there is no answer at all; all else is then without meaning.
    """

    rcode: str = "NOERROR"
    rrdatas: tuple[str, ...] = ()
    ttl: int = 0
    alias: str | None = None
    behind_alias: tuple[str, ...] = ()
    authoritative: bool = False
    recursion_available: bool = False
    negative_ttl: int | None = None
    silence: str = ""


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - no password
    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"
    """Other data, where another server or what was there a moment ago tells that the right one is on its way."""
    REPLACED = "replaced"
    """Other data than a hand-off's, which the zone's own manifest says was written since."""
    LONG_TTL = "long-ttl"
    """The right data, which may be cached for longer than asked."""
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    LAME = "lame"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its grounds.

    :param cached_for: seconds for which the server's cache would only repeat itself.
    """

    verdict: Verdict
    got: str = ""
    why: str = ""
    cached_for: int = 0


PASSED = Judgement(Verdict.PASS)


def expectations(rrsets: Iterable[RRset], *, max_ttl: int | None = None) -> tuple[Expectation, ...]:
    """Return what servers must answer once `rrsets` are live; the TTL bound is each record's own unless given."""
    return tuple(
        Expectation(rrset.name, rrset.type, rrset.rrdatas, rrset.ttl if max_ttl is None else max_ttl)
        for rrset in rrsets
    )


def any_address(name: str, *, max_ttl: int | None = None, outside: bool = False) -> Expectation:
    """Return an expectation that any IPv4 or IPv6 address meets.

    :param name: absolute or without its last dot.
    :param max_ttl: seconds; None for any.
    :param outside: as of `Expectation`.
    """
    return Expectation(absolute(name), "A", None, max_ttl, outside=outside, either_family=True)


def parse_tolerances(texts: Iterable[str]) -> tuple[Tolerance, ...]:
    """Read names of tolerances.

    :raises InvalidInput: naming the first one that is none.
    """
    items, known = tuple(texts), [tolerance.value for tolerance in Tolerance]
    if bad := next((text for text in items if text not in known), None):
        raise InvalidInput(f"tolerate {bad!r} is not one of {', '.join(known)}")
    return tuple(map(Tolerance, items))


def judge(expectation: Expectation, answer: Answer, role: ServerRole) -> Judgement:
    """Return the verdict on one answer of a server of that role.

    :param expectation: what was asked for.
    :param answer: what came back.
    :param role: of the server that was asked.
    """
    if failure := _server_failure(answer, role):
        return failure
    if answer.rrdatas:
        return _judge_data(expectation, answer, role)
    if answer.alias is not None and expectation.outside:
        if not answer.behind_alias:
            return _judge_denial(answer, role)
        return _judge_data(expectation, replace(answer, rrdatas=answer.behind_alias), role)
    if answer.alias is not None:
        why = f"an alias stands where {expectation.type} is expected"
        return Judgement(Verdict.WRONG, _shown(answer), why, cached_for(answer.ttl, role))
    return _judge_denial(answer, role)


def _server_failure(answer: Answer, role: ServerRole) -> Judgement | None:
    if answer.silence:
        return Judgement(Verdict.TIMEOUT, "no answer", answer.silence)
    if answer.rcode == "REFUSED":
        return Judgement(Verdict.REFUSED, "REFUSED", "the server does not serve this name to us")
    if answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return Judgement(Verdict.SERVFAIL, answer.rcode, "the server could not answer")
    if role is ServerRole.AUTHORITATIVE and not answer.authoritative:
        return Judgement(Verdict.LAME, _shown(answer), "the answer is not authoritative: the server has no such zone")
    return None


def _judge_data(expectation: Expectation, answer: Answer, role: ServerRole) -> Judgement:
    seconds = cached_for(answer.ttl, role)
    if not _same_data(expectation, answer.rrdatas):
        return Judgement(Verdict.WRONG, _shown(answer), _difference(expectation, answer.rrdatas), seconds)
    if expectation.max_ttl is not None and answer.ttl > expectation.max_ttl:
        why = f"the data is right, but its TTL of {answer.ttl} s is above {expectation.max_ttl} s: an older record set"
        return Judgement(Verdict.LONG_TTL, f"{_shown(answer)} ttl {answer.ttl}", why, seconds)
    return PASSED


def _judge_denial(answer: Answer, role: ServerRole) -> Judgement:
    nodata = answer.rcode == "NOERROR"
    got = "no such type (NODATA)" if nodata else "NXDOMAIN"
    if role is ServerRole.AUTHORITATIVE:
        return Judgement(Verdict.MISSING, got, "the server does not have it")
    if nodata and answer.negative_ttl is None and not answer.recursion_available:
        return Judgement(Verdict.LAME, "a referral or nothing", "the server does not look names up for us")
    if answer.negative_ttl is None:
        return Judgement(Verdict.MISSING, got, "denied without an SOA, so not cached")
    return Judgement(Verdict.MISSING, got, "denied", answer.negative_ttl)


def cached_for(ttl: int, role: ServerRole) -> int:
    """A resolver answers from its cache until the TTL is over; an authoritative server has none."""
    return ttl if role is ServerRole.RESOLVER else 0


def _same_data(expectation: Expectation, rrdatas: tuple[str, ...]) -> bool:
    return expectation.rrdatas is None or same_rrdatas(expectation.key, expectation.rrdatas, rrdatas)


def same_rrdatas(key: Key, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether both say the same, in whatever order and spelling.

    :param key: name and type of both.
    :param one: rrdatas in presentation format.
    :param other: the same.
    """
    if one == other or set(one) == set(other):
        return True
    return len(one) == len(other) and same(RRset(*key, 0, one), RRset(*key, 0, other))


def _difference(expectation: Expectation, rrdatas: tuple[str, ...]) -> str:
    wanted = expectation.rrdatas or ()
    lacking = [item for item in wanted if item not in rrdatas]
    surplus = [item for item in rrdatas if item not in wanted]
    parts = [f"lacks {shown_rrdatas(lacking)}"] if lacking else []
    parts += [f"has {shown_rrdatas(surplus)} too much"] if surplus else []
    return ", ".join(parts)


def _shown(answer: Answer) -> str:
    if answer.rrdatas:
        return shown_rrdatas(answer.rrdatas)
    if answer.alias is not None:
        return clipped(f"CNAME {answer.alias}")
    return "NXDOMAIN" if answer.rcode == "NXDOMAIN" else "a referral or nothing"
