"""How far the proof has come: what is still open at which server, and what may be asked now.

    server \\ name        worker-0   worker-1   worker-2
    ns-cloud-a1 (auth.)   passed     passed     missing     asked again in the next round
    ns-cloud-a2 (auth.)   passed     passed     passed
    10.0.0.2 (resolver)   passed     missing    (waits)     asked once the authoritative servers agree; what it
                                                            denied is asked again after the negative TTL only

Pure: the caller asks, tells what came back and what time it is.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import cast

from mldns.exceptions import InvalidInput
from mldns.ports import Endpoint
from mldns.records import Key
from mldns.resolution import (
    PASSED,
    Answer,
    Expectation,
    Inquiry,
    Judgement,
    Role,
    Server,
    Tolerance,
    Verdict,
    judge,
    same_rrdatas,
    shown_rrdatas,
)
from mldns.survey_report import FAILURES_SHOWN, Failure, Ports, Report

SAMPLE = 256
"""Names that a later pass asks for beside those that ever failed: it shows a server that is not like its first answer
(one address may stand for many machines) without asking for 10,000 names again."""

_AT_A_TIME = 2_000  # cells of a report between two returns to the event loop: some milliseconds
_OTHER_FAMILY = {"A": "AAAA", "AAAA": "A"}
_NO_CONTRADICTION = frozenset({Verdict.TIMEOUT, Verdict.SERVFAIL})


@dataclass(slots=True)
class _Open:
    """A name that a server was asked for and did not answer rightly; it may be asked again from `retry_at` on."""

    judgement: Judgement
    retry_at: float


class Survey:
    """Every expectation at every server, until all of them pass `passes` times in a row.

    The first pass is over everything; the later ones are over what ever failed and a sample of `SAMPLE` names.

    :param now: the moment at which it begins; all times are seconds of one monotonic clock.
    :param also: other names at other servers, such as those of a reverse zone.
    :param tolerate: what does not keep the gate shut.
    :param endpoints: TCP ports that must accept a connection once all names are right.
    :param chance: picks the sample.
    :raises InvalidInput: when there is nothing to ask, or nobody.
    """

    def __init__(
        self,
        expectations: Iterable[Expectation],
        servers: Sequence[Server],
        *,
        now: float,
        passes: int = 1,
        also: Iterable[Inquiry] = (),
        tolerate: Collection[Tolerance] = (),
        endpoints: Iterable[Endpoint] = (),
        chance: random.Random | None = None,
    ) -> None:
        inquiries = [Inquiry(tuple(expectations), tuple(servers)), *also]
        if not all(inquiry.expectations and inquiry.servers for inquiry in inquiries):
            raise InvalidInput("nothing to prove: a survey needs at least one record and one server")
        if passes < 1:
            raise InvalidInput(f"passes is {passes}, it must be at least 1")
        self._expectations: dict[Key, Expectation] = {}
        self._asked_of: dict[Key, tuple[Server, ...]] = {}
        for inquiry in inquiries:
            for expectation in inquiry.expectations:
                # What is known exactly counts, should a name be given twice.
                if self._expectations.setdefault(expectation.key, expectation) is expectation:
                    self._asked_of[expectation.key] = inquiry.servers
        self._keys = tuple(self._expectations)
        self._given = frozenset(self._keys)
        self._groups = tuple(dict.fromkeys(inquiry.servers for inquiry in inquiries))
        self._servers = tuple(dict.fromkeys(server for group in self._groups for server in group))
        self._names = len({name for name, _ in self._keys})
        self._tolerate = frozenset(tolerate)
        self._passes_wanted = passes
        self._passes = 0
        self._answers = 0
        self._began = now
        # The sample is no secret: it only has to differ from pass to pass.
        self._chance = chance or random.Random()  # noqa: S311
        self._open: dict[Server, dict[Key, _Open | None]] = {}
        self._failed: set[Key] = set()
        self._found: dict[Key, tuple[str, ...]] = {}  # what the servers say of a name whose data is not known
        self._long_ttl: set[Key] = set()
        self._dead: frozenset[Server] = frozenset()  # and tolerated
        self._heard: set[Server] = set()  # since they were last asked
        self._ports: dict[Endpoint, str | None] = dict.fromkeys(endpoints, None)  # "" is open, None not tried
        self._open_pass()

    @property
    def passes(self) -> int:
        """How many whole passes in a row are done."""
        return self._passes

    @property
    def names_done(self) -> bool:
        """Whether all names are proven; ports may still be open."""
        return self._passes >= self._passes_wanted

    @property
    def finished(self) -> bool:
        return self.names_done and not any(why != "" for why in self._ports.values())

    def due(self, role: Role, now: float, *, unasked_only: bool = False) -> dict[Server, list[Expectation]]:
        """Return what to ask the servers of that role now; ask the authoritative ones first.

        A resolver is not asked before every authoritative server has the name: its denial would be cached.

        :param unasked_only: leave out what was asked in this pass and is to be asked again.
        """
        if self.names_done:
            return {}
        held_back = self._open_at_authority() if role is Role.RESOLVER else set()
        due: dict[Server, list[Expectation]] = {}
        for server in self._servers:
            if server.role is not role:
                continue
            asked = [
                self._expectations[key]
                for key, state in self._open[server].items()
                if (state is None or (state.retry_at <= now and not unasked_only)) and key not in held_back
            ]
            if asked:
                due[server] = asked
                self._heard.discard(server)
        return due

    def record(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Take in what came back for one question and return the verdict."""
        key = expectation.key
        if not answer.silence:
            self._answers += 1
            self._heard.add(server)
        judgement = self._agreed(server, expectation, answer, judge(expectation, answer, server.role), now)
        if judgement.data_right and Tolerance.LONG_TTL in self._tolerate:
            self._long_ttl.add(key)
            judgement = PASSED
        if judgement.verdict is Verdict.PASS:
            self._open[server].pop(key, None)
            self._count_pass()
        elif expectation.either_family and judgement.verdict is Verdict.MISSING and answer.rcode == "NOERROR":
            self._ask_other_family(server, expectation, _Open(judgement, now + judgement.hold))
        else:
            self._fail(server, key, _Open(judgement, now + judgement.hold))
        return judgement

    def settle(self) -> None:
        """Tell that a round of questions is over: who said nothing in it may be dead, and tolerated as such."""
        if Tolerance.DEAD_SERVER not in self._tolerate or self.names_done:
            return
        silent = {server for server, cells in self._open.items() if self._silent(server, cells)}
        tolerated: set[Server] = set()
        for group in self._groups:
            authorities = [server for server in group if server.role is Role.AUTHORITATIVE]
            dead = silent.intersection(authorities)
            if 2 * len(dead) < len(authorities):
                tolerated |= dead
        self._dead = frozenset(tolerated)
        self._count_pass()

    def ports_due(self) -> list[Endpoint]:
        """The ports to try now: none before all names are right."""
        return [endpoint for endpoint, why in self._ports.items() if why != ""] if self.names_done else []

    def record_port(self, endpoint: Endpoint, why: str) -> None:
        """Take in how a connection went: "" for well."""
        self._ports[endpoint] = why

    def answers(self) -> dict[Key, tuple[str, ...]]:
        """What the servers answered for each name and type that is right at all of them; the first one's words."""
        still_open = set().union(*(cells for server, cells in self._open.items() if server not in self._dead))
        exact = {key: e.rrdatas for key, e in self._expectations.items() if e.rrdatas is not None}
        return {key: rrdatas for key, rrdatas in (exact | self._found).items() if key not in still_open}

    def report(self, now: float) -> Report:
        """Return counts, and the first failures of every kind at every server."""
        steps = self.report_steps(now)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return cast("Report", done.value)

    def report_steps(self, now: float) -> Generator[None, None, Report]:
        """`report`, with a pause every few thousand names; the generator returns it. Answers may come in between."""
        kinds: dict[tuple[Verdict, Server], list[Failure]] = {}
        verdicts: Counter[Verdict] = Counter()
        waiting = held = 0
        asked_again_in = 0.0
        open_names: set[str] = set()
        most_open: tuple[int, str] = (0, "")
        for server in self._servers:
            if server in self._dead:
                continue
            cells = list(self._open[server].items())
            most_open = max(most_open, (len(cells), server.label), key=lambda pair: pair[0])
            for start in range(0, len(cells), _AT_A_TIME):
                for key, state in cells[start : start + _AT_A_TIME]:
                    open_names.add(key[0])
                    if state is None:
                        waiting += 1
                        continue
                    if state.retry_at > now:
                        asked_again_in = min(asked_again_in, state.retry_at - now) if held else state.retry_at - now
                        held += 1
                    verdict = self._refined(key, state.judgement.verdict)
                    verdicts[verdict] += 1
                    shown = kinds.setdefault((verdict, server), [])
                    if len(shown) < FAILURES_SHOWN:
                        shown.append(self._failure(server, key, state.judgement, verdict))
                yield
        in_turn = [failure for row in zip_longest(*kinds.values()) for failure in row if failure is not None]
        return Report(
            names=self._names,
            names_right=self._names - len(open_names),
            servers=tuple(server.label for server in self._servers),
            answers=self._answers,
            passes=self._passes,
            passes_wanted=self._passes_wanted,
            seconds=now - self._began,
            verdicts=dict(verdicts),
            waiting=waiting,
            held=held,
            asked_again_in=asked_again_in,
            slowest=most_open[1],
            failures=tuple(in_turn[:FAILURES_SHOWN]),
            warnings=self._warnings(),
            ports=self._ports_told(),
        )

    # -- passes

    def _open_pass(self) -> None:
        """Open what the next pass asks for: everything, or what ever failed and a sample."""
        keys: Collection[Key] = self._keys
        if self._passes and len(self._keys) > SAMPLE:
            keys = dict.fromkeys([*sorted(self._failed), *self._chance.sample(self._keys, SAMPLE)])
        self._open = {server: {} for server in self._servers}
        for key in keys:
            for server in self._asked_of[key]:
                self._open[server][key] = None

    def _count_pass(self) -> None:
        if self.names_done or any(cells for server, cells in self._open.items() if server not in self._dead):
            return
        self._passes += 1
        if not self.names_done:
            self._open_pass()

    def _fail(self, server: Server, key: Key, state: _Open) -> None:
        """k passes in a row: a failure in a later one begins anew, with everything if it denies what was proven."""
        if self._passes:
            self._passes = 0
            if state.judgement.verdict not in _NO_CONTRADICTION:
                self._open_pass()
        self._failed.add(key)
        self._open[server][key] = state

    # -- names of which only the name is known

    def _agreed(
        self, server: Server, expectation: Expectation, answer: Answer, judgement: Judgement, now: float
    ) -> Judgement:
        """The judgement, unless another server said something else: then all are asked again, for any may be old."""
        key = expectation.key
        if expectation.rrdatas is not None or judgement.verdict not in (Verdict.PASS, Verdict.STALE):
            return judgement
        rrdatas = answer.rrdatas or answer.behind_alias
        found = self._found.setdefault(key, rrdatas)
        if expectation.outside or same_rrdatas(key, found, rrdatas):
            return judgement
        del self._found[key]
        here, there = shown_rrdatas(rrdatas), shown_rrdatas(found)
        for other in self._asked_of[key]:
            if other is not server and key not in self._open[other]:
                hold = answer.ttl if other.role is Role.RESOLVER else 0
                why = f"servers disagree: {server.label} says {here}"
                self._fail(other, key, _Open(Judgement(Verdict.WRONG, there, why), now + hold))
        hold = answer.ttl if server.role is Role.RESOLVER else 0
        return Judgement(Verdict.WRONG, here, f"servers disagree: another one says {there}", hold)

    def _ask_other_family(self, server: Server, expectation: Expectation, state: _Open) -> None:
        """There is no address of this family: ask for the other one, and fail when there is none of either."""
        other = replace(expectation, type=_OTHER_FAMILY[expectation.type])
        self._expectations.setdefault(other.key, other)
        self._asked_of.setdefault(other.key, self._asked_of[expectation.key])
        self._open[server].pop(expectation.key, None)
        if expectation.key in self._given:
            self._open[server][other.key] = None
        else:
            self._fail(server, other.key, state)

    # -- servers

    def _silent(self, server: Server, cells: dict[Key, _Open | None]) -> bool:
        """Whether a server said nothing when it was last asked, so that nothing but time-outs is open there."""
        timeouts = (state is not None and state.judgement.verdict is Verdict.TIMEOUT for state in cells.values())
        return bool(cells) and server not in self._heard and all(timeouts)

    def _open_at_authority(self) -> set[Key]:
        return set().union(
            *(
                cells
                for server, cells in self._open.items()
                if server.role is Role.AUTHORITATIVE and server not in self._dead
            )
        )

    # -- telling

    def _warnings(self) -> tuple[str, ...]:
        dead = [
            f"name server {server.label} is dead: it answers nothing"
            for server in self._servers
            if server in self._dead
        ]
        if self._long_ttl:
            first = min(self._long_ttl)
            dead.append(
                f"{len(self._long_ttl):,} record(s) may be cached for longer than asked, first {' '.join(first)}"
            )
        return tuple(dead)

    def _ports_told(self) -> Ports:
        failures = [f"{endpoint.name}: {why}" for endpoint, why in self._ports.items() if why]
        open_ports = sum(why == "" for why in self._ports.values())
        return Ports(len(self._ports), open_ports, tuple(failures[:FAILURES_SHOWN]))

    def _right_at(self, key: Key) -> int:
        return sum(key not in self._open[server] for server in self._asked_of[key])

    def _refined(self, key: Key, verdict: Verdict) -> Verdict:
        """Another answer than the right one is stale, not wrong, where another server has the right one already."""
        return Verdict.STALE if verdict is Verdict.WRONG and self._right_at(key) else verdict

    def _failure(self, server: Server, key: Key, judgement: Judgement, verdict: Verdict) -> Failure:
        why = judgement.why
        right, asked = self._right_at(key), len(self._asked_of[key])
        if right:
            why += f"; {right} of {asked} servers right"
        if verdict is Verdict.MISSING and server.role is Role.RESOLVER and asked > 1 and right:
            why += ": has this resolver a cached denial, or a private zone that hides this one?"
        name, kind = key
        return Failure(name, kind, server.label, verdict, self._expectations[key].shown, judgement.got, why)
