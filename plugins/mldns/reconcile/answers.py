"""Whether a zone's names answer: what a check finds in seconds, where the gate would wait until they do.

Every server is asked for the zone's SOA first. One that does not know the zone says nothing about its names: a resolver
outside the zone's network denies all of them, and a network without a way to it answers nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mldns.gate.expectations import Expectation, Judgement, Verdict, expectations, judge
from mldns.gate.servers import Server, ServerRole
from mldns.records.names import Key
from mldns.records.rrset import RRset

BUDGET = 30.0
"""Seconds for one zone; ten thousand names at two servers take some three."""

AGAIN_AFTER = 1.0
"""Seconds until what did not answer rightly is asked for once more: a change may be on its way."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A name that one server did not answer as the zone's records say."""

    expectation: Expectation
    server: Server
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Asked:
    """One server: how many names it answered rightly, how many not."""

    server: Server
    ok: int
    failed: int

    def to_json(self) -> dict[str, Any]:
        return {"server": self.server.label, "role": self.server.role.value, "ok": self.ok, "failed": self.failed}


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back. `reason` says why nobody could be asked, and is "" where somebody was."""

    names: int = 0
    ok: int = 0
    seconds: float = 0.0
    servers: tuple[Asked, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    reason: str = ""

    @property
    def attention(self) -> bool:
        return any(asked.failed for asked in self.servers)


def ask(rrsets: Iterable[RRset], *, dns_name: str, servers: Sequence[Server], budget: float = BUDGET) -> Answers:
    """Ask every server for every rrset.

    Left out is what has no rrdatas of its own, and types that no DNS query can ask for, such as Google's ALIAS.

    :param rrsets: what should be answered.
    :param dns_name: what the zone serves; a server that does not answer for its SOA is asked for nothing else.
    :param servers: at least one.
    :param budget: seconds in all.
    """
    wanted = [rrset for rrset in rrsets if not rrset.routed]
    known = _queried({rrset.type for rrset in wanted})
    asked = expectations(rrset for rrset in wanted if rrset.type in known)
    return asyncio.run(_Round(asked, dns_name, budget).run(servers))


@dataclass(slots=True)
class _Round:
    wanted: tuple[Expectation, ...]
    dns_name: str
    budget: float
    found: dict[tuple[Server, Key], Judgement] = field(default_factory=dict)

    async def run(self, servers: Sequence[Server]) -> Answers:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.budget):
                apex = await self._apex(servers)
                answering = [server for server in servers if apex[server].verdict is Verdict.PASS]
                if answering and self.wanted:
                    await self._names(answering)
        except TimeoutError:
            if not self.found:
                return Answers(reason=f"no answer within {self.budget:g} s from {_labels(servers)}")
        if not answering:
            first = servers[0]
            said = apex[first]
            return Answers(
                reason=f"{first.label} cannot be asked from here about {self.dns_name}: {said.why or said.got}"
            )
        return self._answers(servers, answering, time.monotonic() - began)

    async def _apex(self, servers: Sequence[Server]) -> dict[Server, Judgement]:
        apex = Expectation(self.dns_name, "SOA", None, None)
        found: dict[Server, Judgement] = {}
        await self._exchange({server: [apex] for server in servers}, found_apex=found)
        return found

    async def _names(self, servers: Sequence[Server]) -> None:
        """Authoritative servers first: a resolver would cache the denial of what they do not have yet."""
        for attempt in range(2):
            for role in ServerRole:
                due = {server: self._due(server, servers, attempt) for server in servers if server.role is role}
                await self._exchange({server: asked for server, asked in due.items() if asked})
            if all(judgement.verdict is Verdict.PASS for judgement in self.found.values()):
                return
            if not attempt:
                await asyncio.sleep(AGAIN_AFTER)

    def _due(self, server: Server, servers: Sequence[Server], attempt: int) -> list[Expectation]:
        before = [one for one in servers if one.role is ServerRole.AUTHORITATIVE and server.role is ServerRole.RESOLVER]
        return [
            expectation
            for expectation in self.wanted
            if self._open(server, expectation, attempt)
            and all(_right(self.found.get((authority, expectation.key))) for authority in before)
        ]

    def _open(self, server: Server, expectation: Expectation, attempt: int) -> bool:
        said = self.found.get((server, expectation.key))
        # A cache would only repeat itself for `cached_for` seconds.
        return said is None or (bool(attempt) and not _right(said) and said.cached_for <= AGAIN_AFTER)

    async def _exchange(
        self,
        questions: Mapping[Server, Collection[Expectation]],
        found_apex: dict[Server, Judgement] | None = None,
    ) -> None:
        # dnspython takes a quarter of a second to load.
        from mldns.gate.exchange import exchange

        def take(server: Server, expectation: Expectation, answer: Any) -> None:
            judgement = judge(expectation, answer, server.role)
            if found_apex is not None:
                found_apex[server] = judgement
            else:
                self.found[server, expectation.key] = judgement

        await exchange(questions, take)

    def _answers(self, servers: Sequence[Server], answering: Sequence[Server], seconds: float) -> Answers:
        wrong: dict[Key, bool] = {}
        unanswered: list[Unanswered] = []
        counts = {server: [0, 0] for server in answering}
        for expectation in self.wanted:
            for server in answering:
                said = self.found.get((server, expectation.key))
                right = _right(said)
                counts[server][0 if right else 1] += said is not None
                if not right:
                    wrong[expectation.key] = True
                if said is not None and not right:
                    unanswered.append(Unanswered(expectation, server, said))
        names = {expectation.name for expectation in self.wanted}
        # A name server that does not know its zone fails every name; a resolver in another network is none to ask.
        dead = [server for server in servers if server not in answering and server.role is ServerRole.AUTHORITATIVE]
        return Answers(
            names=len(names),
            ok=len(names - {name for name, _ in wrong}),
            seconds=round(seconds, 3),
            servers=(
                *(Asked(server, *counts[server]) for server in answering),
                *(Asked(server, 0, len(names)) for server in dead),
            ),
            unanswered=tuple(unanswered),
        )


def _queried(kinds: Iterable[str]) -> set[str]:
    """Those of the types that DNS knows."""
    from dns.rdatatype import UnknownRdatatype, from_text

    def known(kind: str) -> bool:
        try:
            from_text(kind)
        except (UnknownRdatatype, ValueError):
            return False
        return True

    return {kind for kind in kinds if known(kind)}


def _right(judgement: Judgement | None) -> bool:
    return judgement is not None and judgement.verdict is Verdict.PASS


def _labels(servers: Iterable[Server]) -> str:
    return ", ".join(server.label for server in servers)
