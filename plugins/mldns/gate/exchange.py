"""Ask many DNS servers many questions at once, all in one event loop, which is given back after every few messages."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from mldns.gate.expectations import Expectation
from mldns.gate.messages import encode
from mldns.gate.ports import connect_all
from mldns.gate.report import Report
from mldns.gate.servers import Server, ServerRole
from mldns.gate.survey import Survey
from mldns.gate.udp_client import OnAnswer, Pace, ServerClient

Clock = Callable[[], float]
OnProgress = Callable[[Report], object]
PROGRESS_SECONDS = 10.0
DEFAULT_PACE = Pace()
_ENCODED = 4_096  # questions kept, for servers that are behind the first one to ask them: some MB


def run_round_blocking(
    survey: Survey,
    *,
    pace: Pace = DEFAULT_PACE,
    budget: float | None = None,
    clock: Clock = time.monotonic,
    on_progress: OnProgress | None = None,
) -> int:
    """Do as `run_round` does, for callers without an event loop.

    :param survey: takes the answers in; the other parameters and what is returned are those of `run_round`.
    """
    return asyncio.run(run_round(survey, pace=pace, budget=budget, clock=clock, on_progress=on_progress))


async def run_round(
    survey: Survey,
    *,
    pace: Pace = DEFAULT_PACE,
    budget: float | None = None,
    clock: Clock = time.monotonic,
    on_progress: OnProgress | None = None,
) -> int:
    """Ask everything that is due now: the authoritative servers, then the resolvers, then the next pass if all agree.

    Each pass has sockets of its own: another source port may be led to another server behind one address.

    :param survey: takes the answers in.
    :param pace: how hard one server is asked.
    :param budget: seconds after which it stops; what was not answered by then stays open.
    :param clock: the survey's clock, in seconds.
    :param on_progress: gets a report every `PROGRESS_SECONDS`.
    :return: how many questions were asked; 0 when a negative cache is to be waited out.
    """
    asked = 0
    watcher = asyncio.create_task(_report_progress(survey, clock, on_progress)) if on_progress else None
    try:
        async with asyncio.timeout(budget):
            while not survey.finished:
                passes = survey.passes
                for role in ServerRole:
                    asked += await _ask_of(role, survey, pace, clock)
                asked += await _connect(survey)
                if survey.passes <= passes:
                    break
    except TimeoutError:
        pass  # the report says what is open
    finally:
        if watcher is not None:
            watcher.cancel()
    return asked


async def report(survey: Survey, *, clock: Clock = time.monotonic) -> Report:
    """`survey.report`, without holding the event loop for long."""
    steps = survey.report_steps(clock())
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast("Report", done.value)
        await asyncio.sleep(0)


async def _report_progress(survey: Survey, clock: Clock, on_progress: OnProgress) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        on_progress(await report(survey, clock=clock))


async def _ask_of(role: ServerRole, survey: Survey, pace: Pace, clock: Clock) -> int:
    """Ask what is due, then what came up meanwhile: the other address family, or the next pass."""
    asked = 0
    due = survey.due(role, clock())
    while due:
        asked += sum(map(len, due.values()))
        await exchange(
            due,
            lambda server, expectation, answer: survey.record(server, expectation, answer, clock()),
            pace=pace,
        )
        survey.end_round()
        due = survey.due(role, clock(), unasked_only=True)
    return asked


async def _connect(survey: Survey) -> int:
    endpoints = survey.ports_due()
    if endpoints:
        await connect_all(endpoints, survey.record_port)
    return len(endpoints)


async def exchange(
    questions: Mapping[Server, Iterable[Expectation]], on_answer: OnAnswer, *, pace: Pace = DEFAULT_PACE
) -> None:
    """Ask each server its questions, all servers side by side; `on_answer` is called once for every question.

    A server that cannot be reached answers each question with `Answer.silence`; only an error of `on_answer` is raised.

    :param questions: what each server is asked.
    :param on_answer: gets server, expectation and answer.
    :param pace: how hard one server is asked.
    """
    encoder = functools.lru_cache(_ENCODED)(encode)
    async with asyncio.TaskGroup() as clients:
        for server, expectations in questions.items():
            clients.create_task(ServerClient(server, expectations, on_answer, pace, encoder).run())
