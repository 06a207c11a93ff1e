"""How far the proof has come: what is still open at which server, and what may be asked now.

    server \\ name        worker-0   worker-1   worker-2
    ns-cloud-a1 (auth.)   passed     passed     missing     asked again in the next round
    ns-cloud-a2 (auth.)   passed     passed     passed
    10.0.0.2 (resolver)   passed     missing    (waits)     asked once the authoritative servers agree; what it
                                                            denied is asked again after the negative TTL only

Pure: the caller asks, and hands in what came back and what time it is.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from mldns.exceptions import InvalidInput
from mldns.gate import checkpoint
from mldns.gate.checkpoint import SurveyProgress
from mldns.gate.expectations import (
    PASSED,
    Answer,
    Expectation,
    Inquiry,
    Judgement,
    Tolerance,
    Verdict,
    cached_for,
    judge,
    same_rrdatas,
)
from mldns.gate.matrix import Cell, OpenPorts, OpenQuestions
from mldns.gate.report import FAILURES_SHOWN, Ports, Report, count_open
from mldns.gate.servers import Endpoint, Server, ServerRole
from mldns.messages import shown_rrdatas
from mldns.records.names import Key

SAMPLE = 256
"""Names that a later pass asks for beside those that ever failed: it shows a server that is not like its first answer
(one address may stand for many machines) without asking for 10,000 names again."""

LEAST_ROUND = 15.0
"""Seconds that a round may take even at the very end of a deadline: three tries at a silent server, and some."""

_OTHER_FAMILY = {"A": "AAAA", "AAAA": "A"}
_NO_CONTRADICTION = frozenset({Verdict.TIMEOUT, Verdict.SERVFAIL})


class Survey:
    """Every expectation at every server, until all of them pass `passes` times in a row.

    The first pass is over everything; the later ones are over what ever failed and a sample of `SAMPLE` names.

    :param now: the moment at which it begins; all times are seconds of one monotonic clock.
    :param also: other names at other servers, such as those of a reverse zone.
    :param tolerate: what does not keep the gate shut.
    :param alternatives: servers of which the hosts ask the next one where one says nothing, as the C library does with
        those of resolv.conf: a silent one is a warning as long as another one answers.
    :param endpoints: TCP ports that must accept a connection once all names are right; one without an address is tried
        at the first that its name has.
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
        alternatives: Collection[Server] = (),
        endpoints: Iterable[Endpoint] = (),
    ) -> None:
        self._questions = OpenQuestions([Inquiry(tuple(expectations), tuple(servers)), *also])
        if passes < 1:
            raise InvalidInput(f"passes is {passes}, it must be at least 1")
        self._names = len({name for name, _ in self._questions.keys})
        self._tolerate = frozenset(tolerate)
        self._alternatives = frozenset(alternatives)
        self._passes_wanted = passes
        self._so_far = SurveyProgress(began=now)
        # The sample is no secret: it only has to differ from pass to pass.
        self._chance = random.Random(now)  # noqa: S311
        self._found: dict[Key, tuple[str, ...]] = {}  # what the servers say of a name whose data is not known
        self._heard: set[Server] = set()  # since they were last asked
        self._ports = OpenPorts(endpoints)
        self._open_pass()

    @property
    def passes(self) -> int:
        """How many whole passes in a row are done."""
        return self._so_far.passes

    @property
    def names_done(self) -> bool:
        """Whether all names are proven; ports may still be shut."""
        return self._so_far.passes >= self._passes_wanted

    @property
    def finished(self) -> bool:
        return self.names_done and not self._ports.due()

    def due(self, role: ServerRole, now: float, *, unasked_only: bool = False) -> dict[Server, list[Expectation]]:
        """Return what to ask the servers of that role now; ask the authoritative ones first.

        A resolver is not asked before every authoritative server has the name: its denial would be cached.

        :param role: authoritative or resolver.
        :param now: seconds of the survey's clock.
        :param unasked_only: leave out what was asked in this pass and is to be asked again.
        """
        if self.names_done:
            return {}
        too_early: set[Key] = set()
        if role is ServerRole.RESOLVER:
            authorities = (server for server in self._questions.servers if server.role is ServerRole.AUTHORITATIVE)
            too_early = self._questions.open_at(server for server in authorities if server not in self._so_far.dead)
        due: dict[Server, list[Expectation]] = {}
        for server in self._questions.servers:
            if server.role is not role:
                continue
            if asked := self._questions.due(server, now, unasked_only=unasked_only, apart_from=too_early):
                due[server] = asked
                self._heard.discard(server)
        return due

    def record(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Take in what came back for one question.

        :param server: who was asked.
        :param expectation: what it was asked for, as `due` gave it.
        :param answer: what came back.
        :param now: seconds of the survey's clock.
        :return: the verdict.
        """
        if not answer.silence:
            self._so_far.answers += 1
            self._heard.add(server)
        judgement = judge(expectation, answer, server.role)
        if judgement.verdict is Verdict.LONG_TTL and Tolerance.LONG_TTL in self._tolerate:
            self._so_far.long_ttl.add(expectation.key)
            judgement = PASSED
        if judgement.verdict is Verdict.PASS and expectation.rrdatas is None:
            judgement = self._agreed(server, expectation, answer, now)
        if judgement.verdict is Verdict.PASS:
            if self._questions.close(server, expectation.key):
                self._count_pass()
        elif expectation.either_family and judgement.verdict is Verdict.MISSING and answer.rcode == "NOERROR":
            self._ask_other_family(server, expectation, Cell(judgement, now + judgement.cached_for))
        else:
            self._fail(server, expectation.key, Cell(judgement, now + judgement.cached_for))
        return judgement

    def end_round(self) -> None:
        """Take in that a round of questions is over: who said nothing in it may be dead, and tolerated as such."""
        if self.names_done or not (self._alternatives or Tolerance.DEAD_SERVER in self._tolerate):
            return
        quiet = [server for server in self._questions.servers if server not in self._heard]
        # One that was dead in the last pass is so until it is heard: in the next one it was not asked anything yet.
        silent = {server for server in quiet if server in self._so_far.dead or self._questions.only_timeouts(server)}
        tolerated = set() if self._alternatives <= silent else silent & self._alternatives
        if Tolerance.DEAD_SERVER in self._tolerate:
            tolerated |= self._questions.minorities(silent)
        self._so_far.dead = frozenset(tolerated)
        self._count_pass()

    def ports_due(self) -> list[Endpoint]:
        """The ports to try now: none before all names are right."""
        return self._ports.due() if self.names_done else []

    def record_port(self, endpoint: Endpoint, why: str) -> None:
        """See `OpenPorts.record`."""
        self._ports.record(endpoint, why)

    def answers(self) -> dict[Key, tuple[str, ...]]:
        """What the servers answered for each name and type that is right at all of them; the first one's words."""
        dead = self._so_far.dead
        still_open = self._questions.open_at(server for server in self._questions.servers if server not in dead)
        exact = {key: e.rrdatas for key, e in self._questions.expectations.items() if e.rrdatas is not None}
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
        found = yield from count_open(self._questions, apart_from=self._so_far.dead, now=now)
        return Report(
            names=self._names,
            names_right=self._names - len(found.names),
            servers=tuple(server.label for server in self._questions.servers),
            answers=self._so_far.answers,
            passes=self._so_far.passes,
            passes_wanted=self._passes_wanted,
            seconds=now - self._so_far.began,
            verdicts=dict(found.verdicts),
            waiting=found.waiting,
            cached=len(found.seconds_cached),
            asked_again_in=min(found.seconds_cached, default=0.0),
            slowest=found.slowest[1],
            failures=found.failures(),
            warnings=self._warnings(),
            ports=Ports(self._ports.wanted, self._ports.open, self._ports.failures(FAILURES_SHOWN)),
        )

    def checkpoint(self, now: float) -> dict[str, Any]:
        """Return how far it has come, as small plain JSON, for `resume` in another process."""
        return checkpoint.pack(self._questions, self._so_far, now)

    def resume(self, state: Mapping[str, Any], *, now: float, ago: float) -> None:
        """Go on where another survey of the same names and servers stood.

        :param state: of `checkpoint`.
        :param now: seconds of this survey's clock.
        :param ago: seconds since the checkpoint.
        :raises InvalidInput: the checkpoint is of another survey.
        """
        self._so_far = checkpoint.unpack(state, self._questions, now - ago)
        if self.names_done and self._ports.without_address:
            self._so_far.passes = self._passes_wanted - 1  # the addresses to connect to are not in the checkpoint
        # What the others said of a name whose data nobody knows beforehand is not in it, either: all are asked again.
        for key in () if self.names_done else self._questions.keys:
            if self._questions.expectations[key].rrdatas is None:
                for server in self._questions.asked_of(key):
                    self._questions.put(server, key, None)
        self._count_pass()

    def _open_pass(self) -> None:
        """Open what the next pass asks for: everything, or what ever failed and a sample."""
        keys: Collection[Key] = self._questions.keys
        if self._so_far.passes and len(keys) > SAMPLE:
            ever_failed = sorted(self._so_far.failed.intersection(keys))
            keys = dict.fromkeys([*ever_failed, *self._chance.sample(self._questions.keys, SAMPLE)])
        self._questions.open_all(keys)

    def _count_pass(self) -> None:
        if self.names_done or not self._questions.all_right(apart_from=self._so_far.dead):
            return
        self._so_far.passes += 1
        if self.names_done:
            self._ports.find_addresses(self.answers())
        else:
            self._open_pass()

    def _fail(self, server: Server, key: Key, cell: Cell) -> None:
        """k passes in a row: a failure in a later one begins anew, with everything if it denies what was proven."""
        timeout = cell.judgement.verdict is Verdict.TIMEOUT
        if self._so_far.passes and not (timeout and server in self._so_far.dead):
            self._so_far.passes = 0
            if cell.judgement.verdict not in _NO_CONTRADICTION:
                self._open_pass()
        if not timeout:  # the server's, not the name's
            self._so_far.failed.add(key)
        self._questions.put(server, key, cell)

    def _agreed(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Right, unless another server said something else: then all are asked again, for any of them may be old."""
        key = expectation.key
        rrdatas = answer.rrdatas or answer.behind_alias
        found = self._found.setdefault(key, rrdatas)
        if expectation.outside or same_rrdatas(key, found, rrdatas):
            return PASSED
        del self._found[key]
        here, there = shown_rrdatas(rrdatas), shown_rrdatas(found)
        for other in self._questions.asked_of(key):
            if other is not server and key not in self._questions.cells(other):
                why = f"servers disagree: {server.label} says {here}"
                cell = Cell(Judgement(Verdict.WRONG, there, why), now + cached_for(answer.ttl, other.role))
                self._fail(other, key, cell)
        why = f"servers disagree: another one says {there}"
        return Judgement(Verdict.WRONG, here, why, cached_for(answer.ttl, server.role))

    def _ask_other_family(self, server: Server, expectation: Expectation, cell: Cell) -> None:
        """There is no address of this family: ask for the other one, and fail when there is none of either."""
        other = replace(expectation, type=_OTHER_FAMILY[expectation.type])
        self._questions.add(other, like=expectation.key)
        self._questions.close(server, expectation.key)
        if self._questions.was_given(expectation.key):
            self._questions.put(server, other.key, None)
        else:
            self._fail(server, other.key, cell)

    def _warnings(self) -> tuple[str, ...]:
        what = {ServerRole.AUTHORITATIVE: "name server", ServerRole.RESOLVER: "resolver"}
        dead = [server for server in self._questions.servers if server in self._so_far.dead]
        found = [f"{what[server.role]} {server.label} does not answer" for server in dead]
        if long := self._so_far.long_ttl:
            found.append(f"{len(long):,} record(s) may be cached for longer than asked, first {' '.join(min(long))}")
        return tuple(found)
