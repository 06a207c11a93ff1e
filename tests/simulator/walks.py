"""Schedules by chance, for more writers and longer lives than can be walked in full: a seed tells which."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tests.simulator.acts import Act
from tests.simulator.engine import Engine, Move, State, Writer
from tests.simulator.rules import Broken
from tests.simulator.scenarios import GRANTS, LATER, LIVE, NAMES
from tests.simulator.schedules import Tally, Violation

Life = tuple[Act, ...]
"""What one writer does, one act after the other."""

_FAULT = 0.04  # of all moves
_MOST_FAULTS = 3
_MOST_ACTS = 4


def walk(engine: Engine, seed: str, *, writers: int) -> Tally:
    """One schedule of some writers' lives; a violation comes with a schedule that has been made as short as could be.

    :param seed: the same seed makes the same walk.
    :param writers: how many there are.
    """
    chance, before = random.Random(seed), engine.steps
    lives = [_life(chance, number) for number in range(writers)]
    run = _Run(engine, lives)
    tally = Tally(schedules=1)
    try:
        while moves := run.state.moves(faults=_MOST_FAULTS):
            faults = [move for move in moves if move.fault]
            run.make(chance.choice(faults if faults and chance.random() < _FAULT else _plain(moves)))
        run.rest()
    except Broken as broken:
        tally.violations.append(_shortest(engine, lives, run.made, str(broken)))
    tally.steps = engine.steps - before
    return tally


def _plain(moves: list[Move]) -> list[Move]:
    return [move for move in moves if not move.fault] or moves


def _life(chance: random.Random, number: int) -> Life:
    """Acts of one run of a job, and of the jobs' grants; sometimes a stranger's."""
    if chance.random() < 0.1:
        return (Act("hand", chance.choice("ab")),)
    run = Act(
        "claim",
        owner=chance.choice("aab"),
        lease=f"run-{chance.randint(1, 3)}",
        claimant=chance.choice(("dag", "dag", "other")),
        network=number + 1,
        workers=chance.randint(1, 3),
        shared=chance.random() < 0.3,
        now=chance.choice((LIVE - 1, LATER)),
        expires=chance.choice((None, LIVE, LATER + 1)),
    )
    kinds = [chance.choice((*NAMES, *GRANTS)) for _ in range(chance.randint(1, _MOST_ACTS))]
    return tuple(replace(run, kind=kind, expires=LATER + 9 if kind == "renew" else run.expires) for kind in kinds)


class _Run:
    """One schedule while it is being made."""

    def __init__(self, engine: Engine, lives: Sequence[Life]) -> None:
        self.engine, self.lives = engine, lives
        self.everybody = [act for life in lives for act in life]
        self.acts = [life[0] for life in lives]
        self.at = [0] * len(lives)
        self.state: State = engine.start(engine.empty, self.acts)
        self.made: list[Move] = []
        self.told: list[str] = []
        self.cut_short: list[Act] = []

    def make(self, move: Move) -> None:
        """Let one move happen; a writer that has ended its act begins with the next one."""
        self.made.append(move)
        self.told.append(self.engine.told(self.acts, self.state, move))
        act = self.acts[move.writer]
        self.state = self.engine.after(self.state, move, self.acts, self.everybody)
        node = self.state.writers[move.writer].node
        if node is None or (node.failure and self.state.faults):
            self.cut_short.append(act)
        if node and node.ended and self.at[move.writer] + 1 < len(self.lives[move.writer]):
            self.at[move.writer] += 1
            self.acts[move.writer] = self.lives[move.writer][self.at[move.writer]]
            root = self.engine.tree(self.acts[move.writer]).root
            self.state = self.state.with_writer(move.writer, Writer(root))

    def rest(self) -> None:
        """Nobody goes on: who is in the middle of an act is dead."""
        pairs = zip(self.acts, self.state.writers, strict=True)
        middle = [act for act, writer in pairs if writer.node and writer.call and writer.node.answers]
        self.engine.check_rest(self.state.world, self.everybody, [*self.cut_short, *middle])


def _replayed(engine: Engine, lives: Sequence[Life], moves: Sequence[Move]) -> Violation | None:
    """The violation at the end of some moves, those left out that cannot be made."""
    run = _Run(engine, lives)
    try:
        for move in moves:
            if move in run.state.moves(faults=_MOST_FAULTS):
                run.make(move)
        run.rest()
    except Broken as broken:
        return Violation(str(broken), tuple(run.told))
    return None


def _shortest(engine: Engine, lives: Sequence[Life], moves: Sequence[Move], why: str) -> Violation:
    """Leave out as many moves as can be, in ever smaller pieces."""
    found = _replayed(engine, lives, moves) or Violation(why, ())
    kept, size = list(moves), len(moves)
    while size:
        position = 0
        while position < len(kept):
            fewer = kept[:position] + kept[position + size :]
            if again := _replayed(engine, lives, fewer):
                kept, found = fewer, again
            else:
                position += size
        size //= 2
    return found
