"""The authoritative name server: the public zones and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import dns.edns
import dns.name
import dns.rcode
import dns.rdatatype

from localcloud.dns.exchange import Question, Reply
from localcloud.dns.listener import DnsListener, listen
from localcloud.dns.lookup import Alias, Answer, Denial, Records, Referral, look_up
from localcloud.dns.nametree import canonical_labels
from localcloud.dns.views import ZoneSource, ZoneViews, is_public

MAX_ALIASES = 16
"""A chain of CNAMEs is followed so far."""


class AuthoritativeServer:
    """Answers from the public zones as they were `lag()` seconds ago, with AA; REFUSED for all other names.

    An alias is followed while it stays in its zone; from there on it is the asker's resolver that follows, also when
    the next zone is here (Google: "CNAME records in public managed zones are always chased by the user's resolver").
    The rcode is that of the last name (RFC 6604). A loop of aliases is answered as far as it is new.
    """

    recursion_available = False

    def __init__(
        self, source: ZoneSource, *, lag: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._views = ZoneViews(source)
        self._lag = lag
        self._clock = clock

    def flush(self) -> None:
        """Replay the journals from their beginning at the next question."""
        self._views.clear()

    def respond(self, question: Question) -> Reply:
        """Answer from the zone with the longest suffix."""
        moment = self._clock() - self._lag()
        self._views.refresh()
        name, labels, rdtype, _ = question
        tree = None
        if rdtype == dns.rdatatype.DS:  # belongs to the parent of the zone that bears the name
            tree = self._views.find(labels[1:], moment, is_public)
        tree = tree or self._views.find(labels, moment, is_public)
        if tree is None:
            return Reply(
                dns.rcode.REFUSED,
                explanation=(dns.edns.EDECode.NOT_AUTHORITATIVE, f"no public zone here holds {name}"),
            )
        reply = Reply(authoritative=True)
        seen = {labels}
        finding = look_up(tree, labels, rdtype)
        while isinstance(finding, Alias):
            reply.answer.append(Records(name, finding.cname))
            name = finding.target
            labels = canonical_labels(name)
            if labels in seen or len(seen) > MAX_ALIASES or self._views.find(labels, moment, is_public) is not tree:
                return reply
            seen.add(labels)
            finding = look_up(tree, labels, rdtype)
        _conclude(reply, name, finding)
        return reply


def _conclude(reply: Reply, name: dns.name.Name, finding: Answer | Referral | Denial) -> None:
    """Add what was found at the end of the chain, if there was a chain."""
    if isinstance(finding, Answer):
        reply.answer.extend([Records(name, rdataset) for rdataset in finding.rdatasets])
    elif isinstance(finding, Denial):
        reply.authority.append(finding.soa)
        if finding.nxdomain:
            reply.rcode = dns.rcode.NXDOMAIN
    else:
        reply.authority.append(finding.ns)
        reply.additional.extend(finding.glue)
        # AA speaks for the first name of the answer section (RFC 1035 section 4.1.1).
        reply.authoritative = bool(reply.answer)


async def serve_authoritative(
    store: ZoneSource,
    host: str,
    port: int,
    *,
    lag: Callable[[], float],
    clock: Callable[[], float] = time.monotonic,
) -> DnsListener:
    """Start an authoritative name server over UDP and TCP; port 0 takes a free one.

    `lag` is asked at each question: seconds between an edit in the store and its being served. `clock` is the clock of
    the journals. OSError when the port is taken.
    """
    return await listen(AuthoritativeServer(store, lag=lag, clock=clock), host, port)
