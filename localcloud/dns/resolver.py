"""A caching resolver over localcloud's own zones, as the metadata server of a network is to its machines.

Which zone answers (Google's "name resolution order"): if any private zone of the network is a suffix of the name, the
longest of them, also when all it has to say is NXDOMAIN; else the longest public zone. Aliases stay on their side
(Google's "CNAME chasing"): those of private zones are followed in the private zones of the network only, and end where
none holds the target; those of public zones are followed in public zones only.

Nothing else can be asked from here, so a name outside all zones, or below a delegation to foreign servers, is SERVFAIL
with an Extended DNS Error that says so: neither NXDOMAIN (a lie that would be cached) nor REFUSED (that is for clients,
not for names).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import dns.edns
import dns.name
import dns.rcode
import dns.rdatatype

from localcloud.dns.cache import AnswerCache
from localcloud.dns.exchange import Question, Reply
from localcloud.dns.listener import DnsListener, listen
from localcloud.dns.lookup import Alias, Answer, Denial, Finding, Records, Referral, alias_target, look_up
from localcloud.dns.nametree import Labels, canonical_labels
from localcloud.dns.views import ZoneSource, ZoneViews, bound_to, is_public
from localcloud.model import ManagedZone

MAX_ALIASES = 16
"""A chain of CNAMEs is followed so far."""


class _Unresolvable(Exception):
    """Why there is no answer: becomes SERVFAIL and its Extended DNS Error."""

    def __init__(self, code: dns.edns.EDECode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Side:
    """The private zones of a network, or the public zones: what each side says is remembered apart."""

    def __init__(self, views: ZoneViews, admits: Callable[[ManagedZone], bool], clock: Callable[[], float]) -> None:
        self._views = views
        self._admits = admits
        self.cache = AnswerCache(clock)

    def find(self, labels: Labels, rdtype: dns.rdatatype.RdataType, moment: float) -> Finding | None:
        """From the cache, else from the zones as they were at `moment`. None: no zone of this side holds the name."""
        known = self.cache.get(labels, rdtype)
        if isinstance(known, Denial):
            return known
        if known is not None:
            return Answer((known,)) if known.rdtype == rdtype else Alias(known, alias_target(known))
        tree = None
        if rdtype == dns.rdatatype.DS:  # belongs to the parent of the zone that bears the name
            tree = self._views.find(labels[1:], moment, self._admits)
        tree = tree or self._views.find(labels, moment, self._admits)
        if tree is None:
            return None
        finding = look_up(tree, labels, rdtype)
        self._remember(labels, rdtype, finding)
        return finding

    def _remember(self, labels: Labels, rdtype: dns.rdatatype.RdataType, finding: Finding) -> None:
        if isinstance(finding, Denial):
            self.cache.put_denial(labels, rdtype, finding)
        elif isinstance(finding, Alias):
            self.cache.put(labels, finding.cname)
        elif isinstance(finding, Answer):
            for rdataset in finding.rdatasets:  # ANY finds several, each to be remembered as what it is
                self.cache.put(labels, rdataset)


class RecursiveResolver:
    """Resolves with RA and without AA, and remembers answers and denials. Queries without RD are REFUSED.

    `network` is the network whose private zones it sees; None: public zones only. The zones are seen as they were
    `lag()` seconds ago; what is cached stays for its TTL, whatever happens to the zone.
    """

    recursion_available = True

    def __init__(
        self,
        source: ZoneSource,
        *,
        network: str | None,
        lag: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._views = ZoneViews(source)
        self._private = None if network is None else _Side(self._views, bound_to(network), clock)
        self._public = _Side(self._views, is_public, clock)
        self._lag = lag
        self._clock = clock

    def flush(self) -> None:
        """Forget all answers and denials, and replay the journals at the next question."""
        for side in (self._private, self._public):
            if side is not None:
                side.cache.clear()
        self._views.clear()

    def respond(self, question: Question) -> Reply:
        """Answer from the caches or the zones, following aliases as far as Google does."""
        if not question.recursion_desired:
            text = "this is a resolver: ask with RD, or ask an authoritative server"
            return Reply(dns.rcode.REFUSED, explanation=(dns.edns.EDECode.NOT_SUPPORTED, text))
        self._views.refresh()
        try:
            return self._resolve(question)
        except _Unresolvable as failure:
            return Reply(dns.rcode.SERVFAIL, explanation=(failure.code, failure.text))

    def _resolve(self, question: Question) -> Reply:
        reply = Reply()
        name, labels, rdtype, _ = question
        moment = self._clock() - self._lag()
        side = self._private
        finding = None if side is None else side.find(labels, rdtype, moment)
        if side is None or finding is None:
            side = self._public
            finding = side.find(labels, rdtype, moment)
        seen = {labels}
        while isinstance(finding, Alias):
            reply.answer.append(Records(name, finding.cname))
            name = finding.target
            labels = canonical_labels(name)
            if labels in seen or len(seen) > MAX_ALIASES:
                raise _Unresolvable(dns.edns.EDECode.OTHER, f"a loop of aliases, or too many, at {name}")
            seen.add(labels)
            finding = side.find(labels, rdtype, moment)
        if finding is None and side is self._private:
            text = f"no private zone of this network holds {name}, and aliases of private zones lead nowhere else"
            reply.explanation = (dns.edns.EDECode.OTHER, text)
        else:
            _conclude(reply, name, finding)
        return reply


def _conclude(reply: Reply, name: dns.name.Name, finding: Answer | Denial | Referral | None) -> None:
    """Add what was found at the end of the chain, if there was a chain; _Unresolvable when that was nothing."""
    if isinstance(finding, Answer):
        reply.answer.extend([Records(name, rdataset) for rdataset in finding.rdatasets])
    elif isinstance(finding, Denial):
        reply.authority.append(finding.soa)
        reply.rcode = dns.rcode.NXDOMAIN if finding.nxdomain else dns.rcode.NOERROR
    elif isinstance(finding, Referral):
        raise _Unresolvable(
            dns.edns.EDECode.NO_REACHABLE_AUTHORITY, f"{finding.ns.owner} is delegated to servers that are not here"
        )
    else:
        raise _Unresolvable(
            dns.edns.EDECode.NO_REACHABLE_AUTHORITY, f"no zone here holds {name}, and there is nobody else to ask"
        )


async def serve_resolver(
    store: ZoneSource,
    host: str,
    port: int,
    *,
    network: str | None,
    lag: Callable[[], float],
    clock: Callable[[], float] = time.monotonic,
) -> DnsListener:
    """Start a caching resolver over UDP and TCP; port 0 takes a free one.

    `network` (URL or `projects/…/global/networks/…`) adds that network's private zones. `lag` and `clock` are as for an
    authoritative server; the cache counts in the same clock. OSError when the port is taken.
    """
    return await listen(RecursiveResolver(store, network=network, lag=lag, clock=clock), host, port)
