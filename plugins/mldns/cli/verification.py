"""Check a job's names until they are right or time is up: the gate as a launcher runs it, next to the workers.

names answer  ──►  addresses agree  ──►  the rendezvous port accepts a connection
     ▲  asked again       │ those that do not are asked again:
     └────────────────────┘ a resolver's cache may have kept the last run's
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mldns.gate.exchange import pursue, tell
from mldns.gate.expectations import Expectation, Inquiry, Tolerance, Verdict
from mldns.gate.ports import connect_all
from mldns.gate.report import FAILURES_SHOWN, Failure, Ports, Report
from mldns.gate.servers import Endpoint, Server
from mldns.gate.survey import LEAST_ROUND, Survey
from mldns.handoff.agreement import Disagreement, addresses, disagreements, proven, shared, unproven
from mldns.handoff.reader import HandOff

ROUND_SECONDS = 1.0  # between two rounds
_TOLD_EVERY = 1.0

Tell = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be checked.

    :param expectations: the names, asked at `servers`.
    :param also: names outside the zone and who is asked for them.
    :param handoff: what the addresses must agree with; None where only names are given.
    :param port: of the master, which must accept a connection, as name and number; None for no such check.
    :param passes: in a row.
    """

    expectations: tuple[Expectation, ...]
    servers: tuple[Server, ...]
    also: tuple[Inquiry, ...] = ()
    handoff: HandOff | None = None
    port: tuple[str, int] | None = None
    passes: int = 1
    tolerate: Collection[Tolerance] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    :param addresses_proven: every address is proven to be the expected one, rather than merely there.
    :param found: addresses by absolute name.
    """

    report: Report
    addresses_proven: bool
    found: Mapping[str, tuple[str, ...]]


def verify(task: Task, *, wait: float, tell_progress: Tell | None = None) -> Outcome:
    """Check until all is right, for `wait` seconds at most; 0 looks once."""
    return asyncio.run(_Verification(task, wait, tell_progress).run())


class _Verification:
    def __init__(self, task: Task, wait: float, tell_progress: Tell | None) -> None:
        self._task = task
        self._began = time.monotonic()
        self._deadline = self._began + wait
        self._wait = wait
        self._tell = tell_progress
        self._found: dict[str, tuple[str, ...]] = {}
        self._wrong: list[Disagreement] = []
        self._wrong_since = 0.0
        self._ports = Ports()
        self._survey = self._new_survey(task.expectations, task.also)

    async def run(self) -> Outcome:
        async with self._telling():
            while not await self._round():
                left = self._deadline - time.monotonic()
                if left <= 0:
                    break
                await asyncio.sleep(min(ROUND_SECONDS, left))
        handoff = self._task.handoff
        exact = all(expectation.rrdatas is not None for expectation in self._task.expectations)
        report = self._with_unproven(self._report(self._survey.report(time.monotonic())))
        known = exact or (handoff is not None and proven(handoff, self._found))
        return Outcome(report, report.ok and known, self._found)

    async def _round(self) -> bool:
        """Ask for what is open; whether all is right now."""
        left = self._deadline - time.monotonic()
        await pursue(self._survey, budget=max(left, LEAST_ROUND) if self._wait else None)
        self._found |= addresses(self._survey.answers())
        if self._task.handoff is not None:
            wrong = disagreements(self._task.handoff, self._found)
            if wrong and not self._wrong:
                self._wrong_since = time.monotonic()
            self._wrong = wrong
        if not self._survey.finished:
            return False
        if self._wrong:
            if time.monotonic() < self._deadline:
                self._ask_again()
            return False
        return await self._connect()

    def _ask_again(self) -> None:
        """Open a survey of the names that disagree, and of the master, whose alias may be the one that is right."""
        names = {item.name for item in self._wrong}
        if self._task.handoff is not None:
            names |= {f"{self._task.handoff.master}.", f"{self._task.handoff.master_alias}."}
        again = [expectation for expectation in self._task.expectations if expectation.name in names]
        for name in names:
            self._found.pop(name, None)
        self._survey = self._new_survey(again, ())

    def _new_survey(self, expectations: Sequence[Expectation], also: Sequence[Inquiry]) -> Survey:
        task = self._task
        return Survey(
            expectations, task.servers, now=self._began, passes=task.passes, also=also, tolerate=task.tolerate
        )

    async def _connect(self) -> bool:
        if self._task.port is None:
            return True
        name, port = self._task.port
        endpoint = Endpoint(name, self._found[name][0], port)
        failures: list[str] = []
        await connect_all([endpoint], lambda _, why: failures.append(f"{name}: {why}") if why else None)
        self._ports = Ports(1, 1 - len(failures), tuple(failures))
        return not failures

    # -- telling

    def _report(self, report: Report) -> Report:
        """The survey's report over all names of the task, with what the survey cannot know."""
        asked = [*self._task.expectations, *(item for inquiry in self._task.also for item in inquiry.expectations)]
        names = len({expectation.name for expectation in asked})
        ports = self._ports if self._ports.wanted or self._task.port is None else Ports(1, 0, ())
        told = replace(report, names=names, names_right=names - (report.names - report.names_right), ports=ports)
        if self._wrong:
            return self._with_disagreements(told)
        if told.ok and self._task.handoff is None:  # else the digest tells whether that is meant
            own = {item.name for item in self._task.expectations}
            doubles = shared({name: texts for name, texts in self._found.items() if name in own})
            return replace(told, warnings=(*told.warnings, *doubles[:FAILURES_SHOWN]))
        return told

    def _with_unproven(self, report: Report) -> Report:
        """A warning where addresses were taken on trust: somebody else's would have passed as well."""
        handoff = self._task.handoff
        if handoff is None or not report.ok:
            return report
        exact = {item.name for item in self._task.expectations if item.rrdatas is not None}
        names = [name for name in unproven(handoff, self._found) if name not in exact]
        if not names:
            return report
        others = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        reason = (
            f"of {handoff.count:,} hosts the hand-off has the digests of groups only"
            if handoff.addresses
            else "the hand-off is of an older release, without digests"
        )
        line = (
            f"the address of {names[0]}{others} is answered, not proven to be the one that was handed over: {reason}; "
            "--workers FILE proves it" + (", or a check of all hosts, without --rank" if handoff.addresses else "")
        )
        return replace(report, warnings=(*report.warnings, line))

    def _with_disagreements(self, report: Report) -> Report:
        ttl = self._task.handoff.ttl if self._task.handoff else 0
        # Until its time to live is over a resolver may answer with the last run's address: that passes by itself.
        cached = time.monotonic() - self._wrong_since < ttl
        verdict = Verdict.STALE if cached else Verdict.WRONG
        servers = ", ".join(report.servers[:3])
        types = {expectation.name: expectation.type for expectation in self._task.expectations}
        failures = [
            Failure(item.name, types.get(item.name, "A"), servers, verdict, item.expected, item.got, item.why)
            for item in self._wrong
        ]
        verdicts = Counter(report.verdicts) + Counter({verdict: len(failures)})
        return replace(
            report,
            passes=0,
            names_right=max(report.names_right - len(failures), 0),
            verdicts=dict(verdicts),
            failures=(*failures, *report.failures)[:FAILURES_SHOWN],
        )

    @contextlib.asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """Tell the progress every second while the body runs."""
        if self._tell is None:
            yield
            return
        task = asyncio.create_task(self._keep_telling(self._tell))
        try:
            yield
        finally:
            task.cancel()

    async def _keep_telling(self, tell_progress: Tell) -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY)
            tell_progress(self._report(await tell(self._survey)))
