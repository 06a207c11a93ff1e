"""What a survey found, for people and for programs: one line, a small JSON, an exit class. Pure."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice, zip_longest
from typing import Any

from mldns.gate.expectations import Verdict
from mldns.gate.matrix import Cell, OpenQuestions
from mldns.gate.servers import Server, ServerRole
from mldns.records.names import Key

FAILURES_SHOWN = 20
JSON_BYTES = 6_000
"""Room for the failures in a report's JSON: what goes into XCom stays under 8 KiB at 10,000 names."""

PAIRS_A_STEP = 2_000
"""Pairs of name and server that are counted between two pauses: some milliseconds."""

_WARNINGS_SHOWN = 5
_OTHER_ANSWER = frozenset({Verdict.WRONG, Verdict.STALE, Verdict.REPLACED, Verdict.LONG_TTL})
_MAY_STILL_COME = frozenset({Verdict.MISSING, Verdict.STALE, Verdict.LONG_TTL, Verdict.SERVFAIL, Verdict.TIMEOUT})

ADVICE = {
    Verdict.MISSING: "wait for the change to be served; where that lasts, look at the zone's delegation",
    Verdict.WRONG: "wait for the TTL; where it lasts, another zone or a cache answers for this name",
    Verdict.STALE: "wait: the server or its cache still has what was there before",
    Verdict.REPLACED: "take the new hand-off; where there is none, run the upsert again: somebody changed the record",
    Verdict.LONG_TTL: "wait for that TTL; where it lasts, write the record again, or tolerate long-ttl",
    Verdict.SERVFAIL: "look at that server: it fails to answer",
    Verdict.REFUSED: "let that server answer to this host",
    Verdict.TIMEOUT: "look at that server and the way to it: nothing comes back",
    Verdict.LAME: "take that server out of the delegation: it does not serve the zone",
}
"""What to do about a name that a server does not answer as the zone says."""


def advice(verdicts: Iterable[str]) -> list[str]:
    """Return what to do about names of these verdicts, each once."""
    return [ADVICE[Verdict(verdict)] for verdict in verdicts]


class Exit(IntEnum):
    """How a check ended, as a process says it."""

    PASS = 0
    WARN = 10
    """Open, with something that was to be tolerated."""
    RETRY = 20
    """Shut, and what lacks may still come by itself."""
    FATAL = 30
    """Shut, and somebody has to look: another address, a server that refuses us or does not serve the zone."""


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
class Ports:
    """How many ports must accept a connection, how many did, and the first of the rest: `refused by 10.0.0.7:29500`."""

    wanted: int = 0
    open: int = 0
    failures: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"wanted": self.wanted, "open": self.open, "failures": list(self.failures[:_WARNINGS_SHOWN])}


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a survey at one moment. `failures` are the first ones of every kind; `verdicts` counts them all.

    :param names: distinct names; `names_right` of them are right at every server, tolerated dead servers aside.
    :param answers: answers that came in, over all passes and repetitions.
    :param passes: passes in a row that every server stood, of `passes_wanted`.
    :param waiting: pairs of name and server that were not asked yet, or asked without having been answered yet.
    :param cached: pairs that a resolver may have cached; the first may be asked again in `asked_again_in` seconds.
    :param slowest: the server with the most names still open; "" where all have all.
    :param warnings: what is not as asked and tolerated.
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
    cached: int
    asked_again_in: float
    slowest: str
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    ports: Ports

    @property
    def ok(self) -> bool:
        return self.passes >= self.passes_wanted and self.ports.open == self.ports.wanted

    @property
    def exit(self) -> Exit:
        """The exit class of a check that ends now."""
        if self.ok:
            return Exit.WARN if self.warnings else Exit.PASS
        return Exit.RETRY if self.verdicts.keys() <= _MAY_STILL_COME else Exit.FATAL

    @property
    def lines(self) -> tuple[str, ...]:
        """The first failures, a line each: names, then ports."""
        return (*map(str, self.failures), *self.ports.failures)

    def counts(self) -> str:
        """`9,412 of 10,000 names on 4 servers`, and the verdicts on the rest."""
        servers = "1 server" if len(self.servers) == 1 else f"{len(self.servers)} servers"
        verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.items())
        text = f"{self.names_right:,} of {self.names:,} names on {servers}" + (f" ({verdicts})" if verdicts else "")
        if self.ports.wanted:
            text += f", {self.ports.open:,} of {self.ports.wanted:,} ports"
        return text

    def progress(self) -> str:
        """`9,412 of 10,000 names, slowest ns-cloud-a3`: while a round is on its way."""
        text = f"{self.names_right:,} of {self.names:,} names"
        return f"{text}, slowest {self.slowest}" if self.slowest else text

    def round_line(self, seconds_left: float) -> tuple[int, str]:
        """The log level and the line after a round: what is merely not there yet is news, wrong data is a warning."""
        level = logging.WARNING if _OTHER_ANSWER & self.verdicts.keys() else logging.INFO
        return level, self.summary() + ("" if self.ok else f"; giving up in {max(seconds_left, 0):.0f} s")

    def summary(self) -> str:
        """One line: `9,412 of 10,000 names on 4 servers (588 missing); slowest ns-cloud-a3; first …`."""
        parts = [self.counts()]
        if self.slowest and len(self.servers) > 1:
            parts.append(f"slowest {self.slowest}")
        if self.lines:
            parts.append(f"first {self.lines[0]}")
        if self.waiting:
            parts.append(f"{self.waiting:,} still to ask")
        if self.cached:
            parts.append(
                f"{self.cached:,} as a resolver may have cached it, asked again in {self.asked_again_in:.0f} s"
            )
        if self.passes_wanted > 1:
            parts.append(f"pass {min(self.passes + 1, self.passes_wanted)} of {self.passes_wanted}")
        parts += [f"tolerated: {warning}" for warning in self.warnings]
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
            "exit": int(self.exit),
            "names": self.names,
            "names_right": self.names_right,
            "servers": list(self.servers),
            "answers": self.answers,
            "passes": self.passes,
            "seconds": round(self.seconds, 3),
            "verdicts": {verdict.value: count for verdict, count in self.verdicts.items()},
            "waiting": self.waiting,
            "warnings": list(self.warnings[:_WARNINGS_SHOWN]),
            "failures": failures,
            "ports": self.ports.to_json(),
        }


class OpenCount:
    """What is open, counted pair by pair.

    :param now: seconds of the survey's clock.
    """

    def __init__(self, questions: OpenQuestions, now: float) -> None:
        self._questions = questions
        self._now = now
        self._failures: dict[tuple[Verdict, Server], list[Failure]] = {}
        self.names: set[str] = set()
        self.verdicts: Counter[Verdict] = Counter()
        self.waiting = 0
        self.seconds_cached: list[float] = []
        self.slowest: tuple[int, str] = (0, "")  # names that are open there, and its label

    def add(self, server: Server, key: Key, cell: Cell | None) -> None:
        """Count one pair of a server and a name.

        :param server: where the name is open.
        :param key: the name and its type.
        :param cell: what the server said last; None where it was not asked yet.
        """
        self.names.add(key[0])
        if cell is None:
            self.waiting += 1
            return
        if cell.retry_at > self._now:
            self.seconds_cached.append(cell.retry_at - self._now)
        verdict = cell.judgement.verdict
        if verdict is Verdict.WRONG and self._questions.right_at(key):
            verdict = Verdict.STALE  # another server has the right one already
        self.verdicts[verdict] += 1
        shown = self._failures.setdefault((verdict, server), [])
        if len(shown) < FAILURES_SHOWN:
            shown.append(self._failure(server, key, cell, verdict))

    def failures(self) -> tuple[Failure, ...]:
        """The first failures of every kind at every server in turn."""
        in_turn = (failure for row in zip_longest(*self._failures.values()) for failure in row if failure is not None)
        return tuple(islice(in_turn, FAILURES_SHOWN))

    def _failure(self, server: Server, key: Key, cell: Cell, verdict: Verdict) -> Failure:
        why = cell.judgement.why
        if cell.retry_at > self._now:
            why += f", cached by {server.label} for another {cell.retry_at - self._now:.0f} s"
        right, asked = self._questions.right_at(key), len(self._questions.asked_of(key))
        if right:
            why += f"; {right} of {asked} servers right"
            if verdict is Verdict.MISSING and server.role is ServerRole.RESOLVER:
                why += ": has this resolver a cached denial, or a private zone that hides this one?"
        expected = self._questions.expectations[key].shown
        return Failure(*key, server.label, verdict, expected, cell.judgement.got, why)


def count_open(
    questions: OpenQuestions, *, apart_from: Collection[Server], now: float
) -> Generator[None, None, OpenCount]:
    """Count what is open, with a pause every `PAIRS_A_STEP` pairs; the generator returns the count.

    :param questions: what is open; it may change during a pause.
    :param apart_from: servers that are not counted.
    :param now: seconds of the survey's clock.
    """
    found = OpenCount(questions, now)
    for server in questions.servers:
        if server in apart_from:
            continue
        cells = list(questions.cells(server).items())  # it may change during a pause
        found.slowest = max(found.slowest, (len(cells), server.label), key=lambda pair: pair[0])
        for start in range(0, len(cells), PAIRS_A_STEP):
            for key, cell in cells[start : start + PAIRS_A_STEP]:
                found.add(server, key, cell)
            yield
    return found
