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
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import cast

from mldns.exceptions import InvalidInput
from mldns.gate.checkpoint import Restored, pack_cells, unpack_cells
from mldns.gate.expectations import (
    PASSED,
    Answer,
    Expectation,
    Inquiry,
    Judgement,
    Tolerance,
    Verdict,
    judge,
    same_rrdatas,
)
from mldns.gate.matrix import Cell, Matrix
from mldns.gate.report import FAILURES_SHOWN, Ports, Report, account
from mldns.gate.servers import Endpoint, Role, Server
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
        asked_of: dict[Key, tuple[Server, ...]] = {}
        for inquiry in inquiries:
            for expectation in inquiry.expectations:
                # Of a name that is given twice, the first one counts: what the zone must hold is known exactly.
                if self._expectations.setdefault(expectation.key, expectation) is expectation:
                    asked_of[expectation.key] = inquiry.servers
        self._keys = tuple(self._expectations)
        self._given = frozenset(self._keys)
        self._groups = tuple(dict.fromkeys(asked_of.values()))
        self._names = len({name for name, _ in self._keys})
        self._tolerate = frozenset(tolerate)
        self._passes_wanted = passes
        self._passes = 0
        self._answers = 0
        self._began = now
        # The sample is no secret: it only has to differ from pass to pass.
        self._chance = chance or random.Random()  # noqa: S311
        self._matrix = Matrix(asked_of)
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
        """Whether all names are proven; ports may still be shut."""
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
        held_back: set[Key] = set()
        if role is Role.RESOLVER:
            authorities = (server for server in self._matrix.servers if server.role is Role.AUTHORITATIVE)
            held_back = self._matrix.open_at(server for server in authorities if server not in self._dead)
        due: dict[Server, list[Expectation]] = {}
        for server in self._matrix.servers:
            if server.role is not role:
                continue
            asked = [
                self._expectations[key]
                for key, cell in self._matrix.cells(server).items()
                if (cell is None or (cell.retry_at <= now and not unasked_only)) and key not in held_back
            ]
            if asked:
                due[server] = asked
                self._heard.discard(server)
        return due

    def record(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Take in what came back for one question and return the verdict."""
        if not answer.silence:
            self._answers += 1
            self._heard.add(server)
        judgement = judge(expectation, answer, server.role)
        if judgement.data_right and Tolerance.LONG_TTL in self._tolerate:
            self._long_ttl.add(expectation.key)
            judgement = PASSED
        if judgement.verdict is Verdict.PASS and expectation.rrdatas is None:
            judgement = self._agreed(server, expectation, answer, now)
        if judgement.verdict is Verdict.PASS:
            self._matrix.close(server, expectation.key)
            self._count_pass()
        elif expectation.either_family and judgement.verdict is Verdict.MISSING and answer.rcode == "NOERROR":
            self._ask_other_family(server, expectation, Cell(judgement, now + judgement.hold))
        else:
            self._fail(server, expectation.key, Cell(judgement, now + judgement.hold))
        return judgement

    def settle(self) -> None:
        """Tell that a round of questions is over: who said nothing in it may be dead, and tolerated as such."""
        if Tolerance.DEAD_SERVER not in self._tolerate or self.names_done:
            return
        quiet = [server for server in self._matrix.servers if server not in self._heard]
        # One that was dead in the last pass is so until it is heard: in the next one it was not asked anything yet.
        silent = {server for server in quiet if server in self._dead or self._matrix.only_timeouts(server)}
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
        still_open = self._matrix.open_at(server for server in self._matrix.servers if server not in self._dead)
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
        found = yield from account(self._matrix, self._expectations, apart_from=self._dead, now=now)
        shut = (f"{endpoint.name}: {why}" for endpoint, why in self._ports.items() if why)
        return Report(
            names=self._names,
            names_right=self._names - found.names_open,
            servers=tuple(server.label for server in self._matrix.servers),
            answers=self._answers,
            passes=self._passes,
            passes_wanted=self._passes_wanted,
            seconds=now - self._began,
            verdicts=found.verdicts,
            waiting=found.waiting,
            held=found.held,
            asked_again_in=found.asked_again_in,
            slowest=found.slowest,
            failures=found.failures,
            warnings=self._warnings(),
            ports=Ports(
                len(self._ports),
                sum(why == "" for why in self._ports.values()),
                tuple(islice(shut, FAILURES_SHOWN)),
            ),
        )

    def state(self, now: float) -> dict[str, object]:
        """Return how far it has come, as small plain JSON, for `resume` in another process."""
        return {
            "passes": self._passes,
            "answers": self._answers,
            "seconds": round(now - self._began, 3),
            "dead": [server in self._dead for server in self._matrix.servers],
            **pack_cells(self._matrix, self._keys_by_server(), failed=self._failed, long_ttl=self._long_ttl, now=now),
        }

    def resume(self, state: dict[str, object], *, now: float, ago: float) -> None:
        """Go on where another survey of the same names and servers stood `ago` seconds ago.

        :raises InvalidInput: the state is of another survey.
        """
        restored: Restored = unpack_cells(state, self._keys_by_server(), now - ago)
        self._passes = cast("int", state["passes"])
        self._answers = cast("int", state["answers"])
        self._began = now - ago - cast("float", state["seconds"])
        dead = zip(self._matrix.servers, cast("list[bool]", state["dead"]), strict=True)
        self._dead = frozenset(server for server, is_dead in dead if is_dead)
        self._failed, self._long_ttl = restored.failed, restored.long_ttl
        self._matrix.open_all(())
        for server, key, cell in restored.cells:
            self._matrix.put(server, key, cell)
        # What the others said of a name whose data nobody knows beforehand is not in the state: all are asked again.
        for key in () if self.names_done else self._keys:
            if self._expectations[key].rrdatas is None:
                for server in self._matrix.asked_of(key):
                    self._matrix.put(server, key, None)

    def _keys_by_server(self) -> dict[Server, list[Key]]:
        keys: dict[Server, list[Key]] = {server: [] for server in self._matrix.servers}
        for key in self._keys:
            for server in self._matrix.asked_of(key):
                keys[server].append(key)
        return keys

    # -- passes

    def _open_pass(self) -> None:
        """Open what the next pass asks for: everything, or what ever failed and a sample."""
        keys: Collection[Key] = self._keys
        if self._passes and len(self._keys) > SAMPLE:
            keys = dict.fromkeys([*sorted(self._failed & self._given), *self._chance.sample(self._keys, SAMPLE)])
        self._matrix.open_all(keys)

    def _count_pass(self) -> None:
        if self.names_done or not self._matrix.all_right(apart_from=self._dead):
            return
        self._passes += 1
        if not self.names_done:
            self._open_pass()

    def _fail(self, server: Server, key: Key, cell: Cell) -> None:
        """k passes in a row: a failure in a later one begins anew, with everything if it denies what was proven."""
        timeout = cell.judgement.verdict is Verdict.TIMEOUT
        if self._passes and not (timeout and server in self._dead):
            self._passes = 0
            if cell.judgement.verdict not in _NO_CONTRADICTION:
                self._open_pass()
        if not timeout:  # the server's, not the name's
            self._failed.add(key)
        self._matrix.put(server, key, cell)

    # -- names of which only the name is known

    def _agreed(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Right, unless another server said something else: then all are asked again, for any of them may be old."""
        key = expectation.key
        rrdatas = answer.rrdatas or answer.behind_alias
        found = self._found.setdefault(key, rrdatas)
        if expectation.outside or same_rrdatas(key, found, rrdatas):
            return PASSED
        del self._found[key]
        here, there = shown_rrdatas(rrdatas), shown_rrdatas(found)
        for other in self._matrix.asked_of(key):
            if other is not server and key not in self._matrix.cells(other):
                why = f"servers disagree: {server.label} says {here}"
                hold = answer.ttl if other.role is Role.RESOLVER else 0
                self._fail(other, key, Cell(Judgement(Verdict.WRONG, there, why), now + hold))
        hold = answer.ttl if server.role is Role.RESOLVER else 0
        return Judgement(Verdict.WRONG, here, f"servers disagree: another one says {there}", hold)

    def _ask_other_family(self, server: Server, expectation: Expectation, cell: Cell) -> None:
        """There is no address of this family: ask for the other one, and fail when there is none of either."""
        other = replace(expectation, type=_OTHER_FAMILY[expectation.type])
        self._expectations.setdefault(other.key, other)
        self._matrix.add(other.key, like=expectation.key)
        self._matrix.close(server, expectation.key)
        if expectation.key in self._given:
            self._matrix.put(server, other.key, None)
        else:
            self._fail(server, other.key, cell)

    # -- telling

    def _warnings(self) -> tuple[str, ...]:
        dead = [server.label for server in self._matrix.servers if server in self._dead]
        told = [f"name server {label} does not answer" for label in dead]
        if self._long_ttl:
            first = " ".join(min(self._long_ttl))
            told.append(f"{len(self._long_ttl):,} record(s) may be cached for longer than asked, first {first}")
        return tuple(told)
