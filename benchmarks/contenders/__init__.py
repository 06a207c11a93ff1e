"""Who competes. Each is a module with two functions, and each of its steps is a process of its own:

- `stage(job)`: what a person would have written before: configuration files. Not measured.
- `prepare(job)`: everything is imported; the returned function is the operation, which is measured, and which returns
  when Google says `done` of its last change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from benchmarks.job import Job

Operation = Callable[[], object]


class ContenderModule(Protocol):
    """What a module of this package offers."""

    def stage(self, job: Job) -> None: ...

    def prepare(self, job: Job) -> Operation: ...


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to bring a zone to N records.

    :param key: what it is called on the command line.
    :param title: what it is called in the report, which explains it.
    :param quick: a step takes seconds at any size, so that it can be repeated.
    :param most: more records than so many would take a quarter of an hour: they are extrapolated; None for no bound.
    :param steps_without: steps in which it has nothing to do.
    """

    key: str
    title: str
    module: str
    quick: bool = True
    most: int | None = None
    steps_without: tuple[str, ...] = ()

    def load(self) -> ContenderModule:
        """Import its module."""
        return cast("ContenderModule", import_module(f"benchmarks.contenders.{self.module}"))


CONTENDERS = {
    contender.key: contender
    for contender in (
        Contender("mldns", "mldns", "mldns_hook"),
        Contender("ceiling", "ceiling", "bare_requests"),
        Contender("writes", "writes alone", "bare_writes", steps_without=("no-op",)),
        Contender("octodns", "octoDNS", "octodns_sync", quick=False),
        Contender("plain", "plain loop", "plain_loop", quick=False, most=1_000),
    )
}
