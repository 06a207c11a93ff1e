"""Which pairs of acts meet, in which relation to each other, and what stands in the zone when they do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.simulator.acts import HOUR, NOW, Act

NAMES = ("claim", "upsert", "sync", "release", "renew", "adopt")
GRANTS = ("bind", "unbind")

LIVE = NOW + HOUR
LATER = NOW + 2 * HOUR


@dataclass(frozen=True, slots=True)
class Scenario:
    """Acts that happen at once, after those of `before`, one by one."""

    acts: tuple[Act, ...]
    before: tuple[Act, ...] = ()

    def __str__(self) -> str:
        first = ", ".join(str(act) for act in self.before) or "nothing"
        return f"after {first}: {' | '.join(str(act) for act in self.acts)}"


FIRST = Act("upsert", expires=LIVE, workers=2)
"""What run-1 may have written before: one worker less than it wants now."""


def _acts(kinds: Sequence[str], **more: object) -> list[Act]:
    """`renew` asks for an hour more than the others, or it would have nothing to do."""
    ends = {"renew": LATER + HOUR, "release": None}
    return [replace(Act(kind, expires=ends.get(kind, LIVE)), **more) for kind in kinds]  # type: ignore[arg-type]


def runs_of_one_job() -> Iterator[Scenario]:
    """Two tasks of one run, its next run while it is live and when it has expired, and a run of its name elsewhere."""
    first = _acts(NAMES)
    for before in ((), (FIRST,)):
        for pair in itertools.combinations_with_replacement(first, 2):
            yield Scenario(pair, before)
        second = [
            *_acts(NAMES, lease="run-2", network=2),
            *_acts(NAMES, lease="run-2", network=2, now=LATER),
            *_acts(NAMES, network=2, claimant="other"),
        ]
        for pair in itertools.product(first, second):
            yield Scenario(pair, before)


def jobs_of_one_name() -> Iterator[Scenario]:
    one = _acts(NAMES, shared=True, workers=1)
    other = _acts(NAMES, shared=True, workers=1, owner="b", lease="run-9", network=2)
    for before in ((), (replace(FIRST, shared=True, workers=1),)):
        for pair in itertools.product(one, other):
            yield Scenario(pair, before)


def grants() -> Iterator[Scenario]:
    """One job against itself and against another, wherever a grant may have got to before."""
    ours, theirs = [Act(kind) for kind in GRANTS], [Act(kind, "b") for kind in GRANTS]
    for before in ((), (Act("bind"),), (Act("bind", "b"),), (Act("bind"), Act("bind", "b"))):
        for pair in [*itertools.combinations_with_replacement(ours, 2), *itertools.product(ours, theirs)]:
            yield Scenario(pair, before)


def names_and_grants() -> Iterator[Scenario]:
    """They share the manifest."""
    for before in ((FIRST,), (FIRST, Act("bind"))):
        for pair in itertools.product(_acts(NAMES), [Act(kind) for kind in GRANTS]):
            yield Scenario(pair, before)


def strangers() -> Iterator[Scenario]:
    for before in ((), (Act("claim", expires=LIVE),)):
        for act in _acts(NAMES):
            yield Scenario((act, Act("hand")), before)


def clean_up() -> Iterator[Scenario]:
    """The scheduled check releases what it saw abandoned, while its run comes to life again."""
    for act in _acts(("claim", "upsert", "sync", "renew")):
        yield Scenario((Act("release", looked_at=1), act), (FIRST,))


FAMILIES = (runs_of_one_job, jobs_of_one_name, grants, names_and_grants, strangers, clean_up)


def pairs() -> Iterator[Scenario]:
    """All pairs of acts, in every relation in which they can get into each other's way."""
    return itertools.chain.from_iterable(family() for family in FAMILIES)
