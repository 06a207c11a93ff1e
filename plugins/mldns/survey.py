"""How far the proof has come: what is still open at which server, what may be asked now, and the report.

    server \\ name        worker-0   worker-1   worker-2
    ns-cloud-a1 (auth.)   passed     passed     missing     asked again in the next round
    ns-cloud-a2 (auth.)   passed     passed     passed
    10.0.0.2 (resolver)   passed     missing    (waits)     asked once the authoritative servers agree; what it
                                                            denied is asked again after the negative TTL only

Pure: the caller asks, tells what came back and what time it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.records import Key
from mldns.resolution import Answer, Expectation, Judgement, Role, Server, Verdict, judge, shown_rrdatas

FAILURES_SHOWN = 20
JSON_BYTES = 6_000
"""Room for the failures in a report's JSON: what goes into XCom stays under 8 KiB at 10,000 names."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One name at one server that did not answer as it should."""

    name: str
    type: str
    server: str
    verdict: Verdict
    expected: str
    got: str
    why: str

    def __str__(self) -> str:
        return (
            f"{self.name} {self.type} at {self.server}: expected {self.expected}, got {self.got} "
            f"({self.verdict}: {self.why})"
        )

    def to_json(self) -> dict[str, str]:
        return {
            "name": self.name,
            "type": self.type,
            "server": self.server,
            "verdict": self.verdict.value,
            "expected": self.expected,
            "got": self.got,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a survey at one moment. `failures` are the first ones of every kind; `verdicts` counts them all.

    :param names: distinct names; `names_right` of them are right at every server.
    :param answers: answers that came in, over all passes and repetitions.
    :param passes: passes in a row that every server stood, of `passes_wanted`.
    :param waiting: pairs of name and server that were not asked yet, or asked without having been answered yet.
    :param held: pairs that a resolver's cache denies; the first of them may be asked again in `asked_again_in` seconds.
    """

    names: int
    names_right: int
    servers: tuple[str, ...]
    answers: int
    passes: int
    passes_wanted: int
    seconds: float
    verdicts: dict[Verdict, int]
    waiting: int
    held: int
    asked_again_in: float
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        return self.passes >= self.passes_wanted

    def counts(self) -> str:
        """`9,412 of 10,000 names on 4 servers`, and the verdicts on the rest."""
        servers = "1 server" if len(self.servers) == 1 else f"{len(self.servers)} servers"
        verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.items())
        return f"{self.names_right:,} of {self.names:,} names on {servers}" + (f" ({verdicts})" if verdicts else "")

    def summary(self) -> str:
        """One line: `9,412 of 10,000 names on 4 servers (588 missing); first …`."""
        parts = [self.counts()]
        if self.failures:
            parts.append(f"first {self.failures[0]}")
        if self.waiting:
            parts.append(f"{self.waiting:,} still to ask")
        if self.held:
            parts.append(f"{self.held:,} as a resolver may have cached it, asked again in {self.asked_again_in:.0f} s")
        if self.passes_wanted > 1:
            parts.append(f"pass {min(self.passes + 1, self.passes_wanted)} of {self.passes_wanted}")
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return counts and the first failures, as many as fit into `JSON_BYTES`."""
        failures: list[dict[str, str]] = []
        room = JSON_BYTES
        for failure in self.failures:
            row = failure.to_json()
            room -= len(json.dumps(row))
            if room < 0:
                break
            failures.append(row)
        return {
            "ok": self.ok,
            "names": self.names,
            "names_right": self.names_right,
            "servers": list(self.servers),
            "answers": self.answers,
            "passes": self.passes,
            "seconds": round(self.seconds, 3),
            "verdicts": {verdict.value: count for verdict, count in self.verdicts.items()},
            "waiting": self.waiting,
            "failures": failures,
        }


@dataclass(slots=True)
class _Open:
    """A name that a server was asked for and did not answer rightly; it may be asked again from `retry_at` on."""

    judgement: Judgement
    retry_at: float


class Survey:
    """Every expectation at every server, until all of them pass `passes` times in a row.

    :param now: the moment at which it begins; all times are seconds of one monotonic clock.
    :raises InvalidInput: when there is nothing to ask, or nobody.
    """

    def __init__(
        self, expectations: Iterable[Expectation], servers: Sequence[Server], *, now: float, passes: int = 1
    ) -> None:
        self._expectations = {expectation.key: expectation for expectation in expectations}
        if not self._expectations or not servers:
            raise InvalidInput("nothing to prove: a survey needs at least one record and one server")
        if passes < 1:
            raise InvalidInput(f"passes is {passes}, it must be at least 1")
        self._servers = tuple(servers)
        self._names = len({name for name, _ in self._expectations})
        self._passes_wanted = passes
        self._passes = 0
        self._answers = 0
        self._began = now
        self._open: dict[Server, dict[Key, _Open | None]] = {}
        self._open_everything()

    @property
    def passes(self) -> int:
        """How many whole passes in a row are done."""
        return self._passes

    @property
    def finished(self) -> bool:
        return self._passes >= self._passes_wanted

    def due(self, role: Role, now: float) -> dict[Server, list[Expectation]]:
        """Return what to ask the servers of that role now; ask the authoritative ones first.

        A resolver is not asked before every authoritative server has the name: its denial would be cached.
        """
        if self.finished:
            return {}
        held_back = self._open_at_authority() if role is Role.RESOLVER else set()
        due: dict[Server, list[Expectation]] = {}
        for server in self._servers:
            if server.role is not role:
                continue
            asked = [
                self._expectations[key]
                for key, state in self._open[server].items()
                if (state is None or state.retry_at <= now) and key not in held_back
            ]
            if asked:
                due[server] = asked
        return due

    def record(self, server: Server, expectation: Expectation, answer: Answer, now: float) -> Judgement:
        """Take in what came back for one question and return the verdict."""
        still_open = self._open[server]
        judgement = judge(expectation, answer, server.role)
        self._answers += not answer.silence
        if judgement.verdict is not Verdict.PASS:
            self._passes = 0  # k passes in a row: a failure in a later one begins anew
            still_open[expectation.key] = _Open(judgement, now + judgement.hold)
            return judgement
        still_open.pop(expectation.key, None)
        if not any(self._open.values()):
            self._passes += 1
            if not self.finished:
                self._open_everything()
        return judgement

    def report(self, now: float) -> Report:
        """Return counts, and the first failures of every kind at every server."""
        open_names = {name for cells in self._open.values() for name, _ in cells}
        states = [state for cells in self._open.values() for state in cells.values()]
        held = [state.retry_at - now for state in states if state is not None and state.retry_at > now]
        kinds: dict[tuple[Verdict, Server], list[Failure]] = {}
        verdicts: Counter[Verdict] = Counter()
        for server, key, state in self._judged():
            verdict = self._refined(key, state.judgement.verdict)
            verdicts[verdict] += 1
            shown = kinds.setdefault((verdict, server), [])
            if len(shown) < FAILURES_SHOWN:
                shown.append(self._failure(server, key, state.judgement, verdict))
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
            waiting=sum(state is None for state in states),
            held=len(held),
            asked_again_in=min(held, default=0.0),
            failures=tuple(in_turn[:FAILURES_SHOWN]),
        )

    def _open_everything(self) -> None:
        self._open = {server: dict.fromkeys(self._expectations) for server in self._servers}

    def _open_at_authority(self) -> set[Key]:
        authorities = [cells for server, cells in self._open.items() if server.role is Role.AUTHORITATIVE]
        return set().union(*authorities)

    def _judged(self) -> Iterator[tuple[Server, Key, _Open]]:
        for server, cells in self._open.items():
            for key, state in cells.items():
                if state is not None:
                    yield server, key, state

    def _refined(self, key: Key, verdict: Verdict) -> Verdict:
        """Another answer than the right one is stale, not wrong, where another server has the right one already."""
        if verdict is Verdict.WRONG and any(key not in cells for cells in self._open.values()):
            return Verdict.STALE
        return verdict

    def _failure(self, server: Server, key: Key, judgement: Judgement, verdict: Verdict) -> Failure:
        expected = shown_rrdatas(self._expectations[key].rrdatas)
        why = judgement.why
        right = sum(key not in cells for cells in self._open.values())
        if right:
            why += f"; {right} of {len(self._servers)} servers right"
        if verdict is Verdict.MISSING and server.role is Role.RESOLVER and len(self._servers) > 1 and right:
            why += ": has this resolver a cached denial, or a private zone that hides this one?"
        name, kind = key
        return Failure(name, kind, server.label, verdict, expected, judgement.got, why)
