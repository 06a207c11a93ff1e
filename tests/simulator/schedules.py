"""Every order in which the calls of some writers can be made, with a fault at every one of them.

A state is the world and each writer's node. Two orders that lead to one state are gone on with once: what can happen
from there is the same, and so is whatever a rule looks at. No other order is left out. Each level of the search is one
step deeper than the one before, so the first violation that it meets has the shortest schedule there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.simulator.acts import Act
from tests.simulator.engine import BrokenMove, Engine, Move, State
from tests.simulator.rules import Broken


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold, and the moves that lead there, in words."""

    why: str
    schedule: tuple[str, ...]

    def __str__(self) -> str:
        steps = [f"  {number:2} {step}" for number, step in enumerate(self.schedule, start=1)]
        return "\n".join([f"{self.why}, after {len(steps)} steps:", *steps])


@dataclass(slots=True)
class Tally:
    """How much was tried: `schedules` went through `states`, with so many calls made."""

    schedules: int = 0
    states: int = 0
    steps: int = 0
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.schedules += other.schedules
        self.states += other.states
        self.steps += other.steps
        self.violations += other.violations

    def __str__(self) -> str:
        return f"{self.schedules:,} schedules, {self.steps:,} steps, {len(self.violations)} violations"


def explore(engine: Engine, world: int, acts: Sequence[Act], *, faults: int) -> Tally:
    """Every schedule of `acts`, up to the first violation.

    :param world: the number of the world in which they begin.
    :param faults: how many faults there may be in a schedule.
    """
    first = engine.start(world, acts)
    counts, came_by = Counter([first]), dict[State, tuple[State, Move]]()
    tally, before = Tally(), engine.steps
    while counts and not tally.violations:
        tally.states += len(counts)
        following: Counter[State] = Counter()
        for state, count in counts.items():
            try:
                moves = state.moves(faults=faults)
                for move in moves:
                    after = engine.after(state, move, acts, acts)
                    following[after] += count
                    came_by.setdefault(after, (state, move))
                if not moves:
                    tally.schedules += count
                    engine.check_rest(state.world, acts, _unfinished(state, acts))
            except Broken as broken:
                last = [(state, broken.move)] if isinstance(broken, BrokenMove) else []
                way = [*_way(came_by, state), *last]
                tally.violations.append(Violation(str(broken), tuple(engine.told(acts, *step) for step in way)))
                break
        counts = following
    tally.steps = engine.steps - before
    return tally


def _unfinished(state: State, acts: Sequence[Act]) -> list[Act]:
    """Acts that a fault has cut short, or may have."""
    pairs = zip(acts, state.writers, strict=True)
    return [act for act, writer in pairs if not writer.node or (writer.node.failure and state.faults)]


def _way(came_by: dict[State, tuple[State, Move]], state: State) -> list[tuple[State, Move]]:
    steps = []
    while state in came_by:
        steps.append(came_by[state])
        state = came_by[state][0]
    return steps[::-1]
