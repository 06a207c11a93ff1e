"""The gate while it waits: in the triggerer, without a worker slot and without Google credentials."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from mldns.gate.report import Report
from mldns.gate.spec import Proof
from mldns.gate.survey import LEAST_ROUND, Survey


class DNSResolutionTrigger(BaseTrigger):
    """Ask until all names are proven or the deadline is over, then tell how it ended: one event.

    All arguments are small plain JSON and hold no secret. A triggerer that is started again begins with them: it asks
    for what was open when the task was deferred, until the same deadline.

    :param proof: what is to be proven (`Proof.pack`).
    :param state: how far it had come (`Survey.state`) at the moment `since`.
    :param since: seconds of the wall clock.
    :param deadline: seconds of the wall clock.
    :param poke_interval: seconds between two rounds.

    The event is `{"result": Report.to_json(), "counts": text, "lines": [text, …]}`.
    """

    def __init__(
        self, *, proof: dict[str, Any], state: dict[str, Any], since: float, deadline: float, poke_interval: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.proof = proof
        self.state = state
        self.since = since
        self.deadline = deadline
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "proof": self.proof,
                "state": self.state,
                "since": self.since,
                "deadline": self.deadline,
                "poke_interval": self.poke_interval,
            },
        )

    def __repr__(self) -> str:
        """Short: it stands in logs, and the packed addresses say nothing to a reader."""
        return f"<{type(self).__name__} of job {self.proof.get('job')!r} in {self.proof.get('dns_name')!r}>"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Nothing outlives the coroutine: when it is cancelled, all its sockets are closed."""
        report = await self._prove()
        told = {"result": report.to_json(), "counts": report.counts(), "lines": list(report.lines)}
        yield TriggerEvent(told)  # type: ignore[no-untyped-call]

    async def _prove(self) -> Report:
        # dnspython takes a quarter of a second to load, and ten thousand names some to unpack.
        survey, pursue, tell = await asyncio.to_thread(self._begin)
        deadline = time.monotonic() + self.deadline - time.time()
        while True:
            left = deadline - time.monotonic()
            asked = await pursue(survey, budget=max(left, LEAST_ROUND), on_progress=self._log_progress)
            report: Report = await tell(survey)
            left = deadline - time.monotonic()
            if asked:  # else a negative cache is being waited out, as the line before said
                level, line = report.round_line(left)
                self.log.log(level, "%s", line)
            if report.ok or left <= 0:
                return report
            await asyncio.sleep(min(self.poke_interval, left))

    def _begin(self) -> tuple[Survey, Any, Any]:
        from mldns.gate.exchange import pursue, tell

        now = time.monotonic()
        survey = Proof.unpack(self.proof).survey(now)
        survey.resume(self.state, now=now, ago=max(time.time() - self.since, 0.0))
        return survey, pursue, tell

    def _log_progress(self, report: Report) -> None:
        self.log.info("%s", report.progress())
