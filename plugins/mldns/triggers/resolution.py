"""The gate while it waits: in the triggerer, without a worker slot and without Google credentials."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from mldns.gate.report import Report
from mldns.gate.spec import GateSpec
from mldns.gate.survey import LEAST_ROUND, Survey

TRIGGER_BYTES = 45_000
"""Of a trigger's arguments as JSON. Encrypted they grow by a third, and MySQL keeps 65,535 bytes of them. Ten thousand
IPv4 addresses scattered over 10.0.0.0/8 take 38,000; neighbouring ones a twentieth of that."""


class DNSResolutionTrigger(BaseTrigger):
    """Ask until all names are proven or the deadline is over, then report how it ended: one event.

    All arguments are small plain JSON and hold no secret. A triggerer that is started again begins with them: it asks
    for what was open when the task was deferred, until the same deadline.

    :param spec: what is to be proven (`GateSpec.pack`).
    :param state: how far it had come (`Survey.checkpoint`) at the moment `since`.
    :param since: seconds of the wall clock.
    :param deadline: seconds of the wall clock.
    :param poke_interval: seconds between two rounds.

    The event is `{"result": Report.to_json(), "counts": text, "lines": [text, …]}`.
    """

    def __init__(
        self, *, spec: dict[str, Any], state: dict[str, Any], since: float, deadline: float, poke_interval: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.spec = spec
        self.state = state
        self.since = since
        self.deadline = deadline
        self.poke_interval = poke_interval

    @classmethod
    def of_survey(cls, spec: GateSpec, survey: Survey, *, left: float, poke_interval: float) -> DNSResolutionTrigger:
        """Return the trigger that goes on where a survey stands.

        :param spec: of which the survey is.
        :param survey: stands where the trigger goes on.
        :param left: seconds until the gate's deadline.
        :param poke_interval: seconds between two rounds.
        """
        now = time.time()
        state = survey.checkpoint(time.monotonic())
        return cls(spec=spec.pack(), state=state, since=now, deadline=now + left, poke_interval=poke_interval)

    def too_large(self) -> str:
        """Why a database may cut its arguments off, and what to do; "" where they are small enough."""
        size = len(json.dumps(self.serialize()[1]))
        if size <= TRIGGER_BYTES:
            return ""
        return (
            f"the arguments of its trigger take {size:,} bytes, more than the {TRIGGER_BYTES:,} that every database "
            'keeps; split the job, or set mode="reschedule"'
        )

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "spec": self.spec,
                "state": self.state,
                "since": self.since,
                "deadline": self.deadline,
                "poke_interval": self.poke_interval,
            },
        )

    def __repr__(self) -> str:
        """Short: it stands in logs, and the packed addresses say nothing to a reader."""
        return f"<{type(self).__name__} of job {self.spec.get('job')!r} in {self.spec.get('dns_name')!r}>"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Nothing outlives the coroutine: when it is cancelled, all its sockets are closed."""
        report = await self._ask_until_the_deadline()
        payload = {"result": report.to_json(), "counts": report.counts(), "lines": list(report.lines)}
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]

    async def _ask_until_the_deadline(self) -> Report:
        # dnspython takes a quarter of a second to load, and ten thousand names some to unpack.
        survey, exchange = await asyncio.to_thread(self._begin)
        deadline = time.monotonic() + self.deadline - time.time()
        while True:
            left = deadline - time.monotonic()
            asked = await exchange.run_round(survey, budget=max(left, LEAST_ROUND), on_progress=self._log_progress)
            report: Report = await exchange.report(survey)
            left = deadline - time.monotonic()
            if asked:  # else a negative cache is being waited out, as the line before said
                level, line = report.round_line(left)
                self.log.log(level, "%s", line)
            if report.ok or left <= 0:
                return report
            await asyncio.sleep(min(self.poke_interval, left))

    def _begin(self) -> tuple[Survey, ModuleType]:
        from mldns.gate import exchange

        now = time.monotonic()
        survey = GateSpec.unpack(self.spec).survey(now)
        survey.resume(self.state, now=now, ago=max(time.time() - self.since, 0.0))
        return survey, exchange

    def _log_progress(self, report: Report) -> None:
        self.log.info("%s", report.progress())
