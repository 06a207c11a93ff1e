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

from mldns.gate import exchange
from mldns.gate.expectations import Expectation, Inquiry, Tolerance, Verdict
from mldns.gate.matrix import OpenPorts
from mldns.gate.ports import connect_all, no_way_to
from mldns.gate.report import FAILURES_SHOWN, Failure, Ports, Report
from mldns.gate.servers import Endpoint, Server
from mldns.gate.survey import LEAST_ROUND, Survey
from mldns.handoff.agreement import Disagreement, addresses, disagreements, proven, shared, successor, unproven
from mldns.handoff.reader import HandOff
from mldns.ownership.manifest import ManifestDamaged, decode
from mldns.records.names import Key, manifest_name
from mldns.records.rrset import RRset

ROUND_SECONDS = 1.0  # between two rounds
PROGRESS_SECONDS = 1.0  # between two reports

OnProgress = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be checked.

    :param expectations: the names, asked at `servers`.
    :param alternatives: servers of which a silent one is a warning as long as another one answers (`Survey`).
    :param also: names outside the zone and who is asked for them.
    :param handoff: what the addresses must agree with; None where only names are given.
    :param ports: must accept a connection once all addresses are right.
    :param passes: in a row.
    :param tolerate: what is a warning rather than a failure.
    :param warnings: of the reading of the options, for the report.
    """

    expectations: tuple[Expectation, ...]
    servers: tuple[Server, ...]
    alternatives: tuple[Server, ...] = ()
    also: tuple[Inquiry, ...] = ()
    handoff: HandOff | None = None
    ports: tuple[Endpoint, ...] = ()
    passes: int = 1
    tolerate: Collection[Tolerance] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    :param addresses_proven: every address is proven to be the expected one, rather than merely there.
    :param found: addresses by absolute name.
    """

    report: Report
    addresses_proven: bool
    found: Mapping[str, tuple[str, ...]]


def verify(
    task: Task, *, wait: float, on_progress: OnProgress | None = None, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Check until all is right.

    :param task: what is to be checked.
    :param wait: seconds at most; 0 looks once.
    :param on_progress: gets a report every `PROGRESS_SECONDS`.
    :param clock: seconds of a monotonic clock.
    """
    return asyncio.run(_Verification(task, wait, on_progress, clock).run())


class _Verification:
    def __init__(self, task: Task, wait: float, on_progress: OnProgress | None, clock: Callable[[], float]) -> None:
        self._task = task
        self._clock = clock
        self._began = clock()
        self._deadline = self._began + wait
        self._wait = wait
        self._on_progress = on_progress
        self._answers: dict[Key, tuple[str, ...]] = {}
        self._found: dict[str, tuple[str, ...]] = {}
        self._wrong: list[Disagreement] = []
        self._wrong_since = 0.0
        self._successor = ""
        self._ports = OpenPorts(task.ports)
        self._survey = self._new_survey(task.expectations, task.also)

    async def run(self) -> Outcome:
        async with self._reporting():
            while not await self._round():
                left = self._deadline - self._clock()
                if left <= 0 or self._successor:
                    break
                await asyncio.sleep(min(ROUND_SECONDS, left))
        handoff = self._task.handoff
        exact = all(expectation.rrdatas is not None for expectation in self._task.expectations)
        report = self._with_unreachable(self._with_unproven(self._report(self._survey.report(self._clock()))))
        known = exact or (handoff is not None and proven(handoff, self._found))
        return Outcome(report, report.ok and known, self._found)

    async def _round(self) -> bool:
        """Ask for what is open; whether all is right now."""
        left = self._deadline - self._clock()
        budget = max(left, LEAST_ROUND) if self._wait else None
        await exchange.run_round(self._survey, budget=budget, clock=self._clock)
        self._answers |= self._survey.answers()
        self._found = addresses(self._answers)
        handoff = self._task.handoff
        if handoff is not None:
            wrong = disagreements(handoff, self._found)
            if wrong and not self._wrong:
                self._wrong_since = self._clock()
            self._wrong = wrong
        if not self._survey.finished:
            return False
        if handoff is not None and self._wrong:
            if not self._cached(handoff):
                self._successor = successor(handoff, await self._lease(handoff))
            if self._clock() < self._deadline and not self._successor:
                self._ask_again(handoff)
            return False
        return await self._connect()

    def _cached(self, handoff: HandOff) -> bool:
        """Whether a resolver may still answer with the last run's address: that passes by itself."""
        return self._clock() - self._wrong_since < handoff.ttl

    async def _lease(self, handoff: HandOff) -> str:
        """Ask whose names these are now; empty where the zone does not say."""
        zone = f"{handoff.dns_name}."
        name = manifest_name(handoff.job, zone)
        survey = self._new_survey([Expectation(name, "TXT", None, None)], ())
        await exchange.run_round(survey, budget=LEAST_ROUND, clock=self._clock)
        found = survey.answers().get((name, "TXT"))
        try:
            manifest = decode(RRset(name, "TXT", 0, found), owner=handoff.job, dns_name=zone) if found else None
        except ManifestDamaged:
            return ""
        return manifest.lease if manifest else ""

    def _ask_again(self, handoff: HandOff) -> None:
        """Open a survey of the names that disagree, and of the master, whose alias may be the one that is right."""
        names = {item.name for item in self._wrong} | {f"{handoff.master}.", f"{handoff.master_alias}."}
        again = [expectation for expectation in self._task.expectations if expectation.name in names]
        self._answers = {key: rrdatas for key, rrdatas in self._answers.items() if key[0] not in names}
        self._survey = self._new_survey(again, ())

    def _new_survey(self, expectations: Sequence[Expectation], also: Sequence[Inquiry]) -> Survey:
        task = self._task
        return Survey(
            expectations,
            task.servers,
            now=self._began,
            passes=task.passes,
            also=also,
            tolerate=task.tolerate,
            alternatives=task.alternatives,
        )

    async def _connect(self) -> bool:
        self._ports.find_addresses(self._answers)
        await connect_all(self._ports.due(), self._ports.record)
        return not self._ports.due()

    def _report(self, report: Report) -> Report:
        """The survey's report over all names of the task, with what the survey cannot know."""
        asked = [*self._task.expectations, *(item for inquiry in self._task.also for item in inquiry.expectations)]
        names = len({expectation.name for expectation in asked})
        whole = replace(
            report,
            names=names,
            names_right=names - (report.names - report.names_right),
            ports=Ports(self._ports.wanted, self._ports.open, self._ports.failures(FAILURES_SHOWN)),
            warnings=(*self._task.warnings, *report.warnings),
        )
        if self._wrong:
            return self._with_disagreements(whole)
        if whole.ok and self._task.handoff is None:  # else the digest tells whether that is meant
            own = {item.name for item in self._task.expectations}
            doubles = shared({name: texts for name, texts in self._found.items() if name in own})
            return replace(whole, warnings=(*whole.warnings, *doubles[:FAILURES_SHOWN]))
        return whole

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

    def _with_unreachable(self, report: Report) -> Report:
        """A warning where names have IPv6 addresses alone, and this host no IPv6."""
        alone = {name: texts for name, texts in self._found.items() if all(":" in text for text in texts)}
        if not (report.ok and alone and (why := no_way_to(next(iter(alone.values()))[0]))):
            return report
        others = f" and {len(alone) - 1:,} more" if len(alone) > 1 else ""
        line = (
            f"{next(iter(alone))}{others} has IPv6 addresses alone, and this host no way there ({why}): "
            "give it IPv6, or the names IPv4 addresses"
        )
        return replace(report, warnings=(*report.warnings, line))

    def _with_disagreements(self, report: Report) -> Report:
        cached = self._task.handoff is not None and self._cached(self._task.handoff)
        verdict = Verdict.REPLACED if self._successor else Verdict.STALE if cached else Verdict.WRONG
        servers = ", ".join(report.servers[:3])
        types = {expectation.name: expectation.type for expectation in self._task.expectations}
        why = self._successor
        failures = [
            Failure(item.name, types.get(item.name, "A"), servers, verdict, item.expected, item.got, why or item.why)
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
    async def _reporting(self) -> AsyncIterator[None]:
        """Report the progress every second while the body runs."""
        if self._on_progress is None:
            yield
            return
        task = asyncio.create_task(self._keep_reporting(self._on_progress))
        try:
            yield
        finally:
            task.cancel()

    async def _keep_reporting(self, on_progress: OnProgress) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            on_progress(self._report(await exchange.report(self._survey, clock=self._clock)))
