"""One step at a time: what a call makes of a world, what a writer does next, and whether the rules hold there.

Everything is found out once: equal worlds have one number, and writers are nodes of the trees of their acts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mldns.providers.errors import PolicyMoved, ZoneMoved
from tests.simulator import rules
from tests.simulator.acts import SMALL, ZONE, Act
from tests.simulator.memory_provider import MemoryProvider, World
from tests.simulator.rules import Broken
from tests.simulator.writers import DONE, WAIT, WRITES, Answer, Call, Node, Tree

LOST = {"lost, applied", "lost, not applied"}

_KEPT = 100_000  # nodes of all trees: a long walk forgets what it knew, rather than fill the memory


@dataclass(frozen=True, slots=True)
class Move:
    """What happens next: the call of writer number `writer`, or the fault that strikes it there."""

    writer: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer in a state: no `node` is a dead one's; `seen` is the world that one looked at who waits."""

    node: Node | None
    seen: int = -1

    @property
    def call(self) -> Call | None:
        """What it would do next."""
        return self.node.call if self.node else None


@dataclass(frozen=True, slots=True)
class State:
    """A world by its number, how many faults there were, and where every writer is."""

    world: int
    faults: int
    writers: tuple[Writer, ...]

    def moves(self, *, faults: int) -> list[Move]:
        """What can happen next, with at most so many faults in all."""
        found = []
        for number, writer in enumerate(self.writers):
            call = writer.call
            if call is None:
                continue
            if call.method != WAIT or self.world != writer.seen or not self._others_move(number):
                found.append(Move(number))
            if self.faults < faults:
                found.append(Move(number, "crash"))
                if call.method != WAIT:
                    found.append(Move(number, "refusal"))
                if call.method in WRITES:
                    found += [Move(number, fault) for fault in sorted(LOST)]
        return found

    def with_writer(self, number: int, writer: Writer) -> State:
        """The same, with another one in that place."""
        return State(self.world, self.faults, (*self.writers[:number], writer, *self.writers[number + 1 :]))

    def _others_move(self, number: int) -> bool:
        """Whether anybody but one who waits can still move."""
        others = [writer for other, writer in enumerate(self.writers) if other != number and writer.call]
        return any(w.call and (w.call.method != WAIT or w.seen != self.world) for w in others)


class BrokenMove(Broken):
    """A rule broken by one move."""

    def __init__(self, move: Move, why: str) -> None:
        self.move = move
        super().__init__(why)


class Engine:
    """All worlds, all acts, and what became of them.

    :param crowded: whether there are more than two writers: then less is certain while they are at it than at rest.
    """

    def __init__(self, *, crowded: bool = False) -> None:
        self._provider = MemoryProvider(ZONE, limits=SMALL)
        self._policy = self._provider.policy(ZONE.name)
        self._crowded = crowded
        self._worlds: list[World] = []
        self._forget()
        self.steps = 0

    def _forget(self) -> None:
        """All but the worlds, whose numbers others may have."""
        self._numbers: dict[object, int] = {rules.key(world): n for n, world in enumerate(self._worlds)}
        self._trees: dict[Act, Tree] = {}
        self._done: dict[tuple[int, Call], tuple[int, Answer]] = {}
        self._sound: set[object] = set()

    def forget_much(self) -> None:
        """Between two walks: make room."""
        if sum(tree.size for tree in self._trees.values()) > _KEPT:
            self._forget()

    @property
    def empty(self) -> int:
        """The world in which nobody has done anything, but for strangers."""
        return self._number(rules.with_strangers(MemoryProvider(ZONE).world))

    def tree(self, act: Act) -> Tree:
        """Everything that an act may come to."""
        if act not in self._trees:
            self._trees[act] = Tree(act.run)
        return self._trees[act]

    def start(self, world: int, acts: Sequence[Act]) -> State:
        """Before anybody's first call."""
        return State(world, 0, tuple(Writer(self.tree(act).root) for act in acts))

    def after(self, state: State, move: Move, acts: Sequence[Act], everybody: Sequence[Act]) -> State:
        """The state after a move.

        :param acts: what each writer is doing.
        :param everybody: all that anybody does in this schedule.
        :raises BrokenMove: a rule does not hold there.
        """
        act, writer = acts[move.writer], state.writers[move.writer]
        assert writer.node and writer.call
        faults, world = state.faults + bool(move.fault), state.world
        if move.fault == "crash":
            return State(world, faults, state.with_writer(move.writer, Writer(None)).writers)
        answer = Answer(value=state.world != writer.seen)
        try:
            if move.fault == "refusal":
                answer = Answer(error="refused")
            elif move.fault == "lost, not applied":
                answer = Answer(error="lost")
            elif writer.call.method != WAIT:
                world, answer = self.perform(world, writer.call)
                self._check_write(state.world, world, act, faults)
                answer = Answer(error="lost") if move.fault and not answer.error else answer
            node = self.tree(act).next(writer.node, answer)
            if node.ended:
                self._check_end(world, act, node, everybody, faults)
        except Broken as broken:
            raise BrokenMove(move, str(broken)) from None
        seen = world if node.call and node.call.method == WAIT else -1
        return State(world, faults, state.with_writer(move.writer, Writer(node, seen)).writers)

    def perform(self, world: int, call: Call) -> tuple[int, Answer]:
        """What a call makes of a world, and its answer."""
        self.steps += 1
        known = self._done.get((world, call))
        if known is None:
            self._provider.world = self._worlds[world]
            answer = self._answer(call)
            known = self._done[world, call] = (self._number(self._provider.world), answer)
        return known

    def alone(self, world: int, act: Act, *, faults: int = 0) -> tuple[int, Node]:
        """Run an act with nobody else there; the world after it, and how it ended."""
        state = self.start(world, [act])
        state = State(world, faults, state.writers)
        while moves := state.moves(faults=faults):
            try:
                state = self.after(state, moves[0], [act], [act])
            except BrokenMove as broken:
                raise Broken(f"{broken}, with nobody else there") from None
        node = state.writers[0].node
        assert node
        return state.world, node

    def world_after(self, *acts: Act) -> int:
        """The world in which some acts have been done."""
        world = self.empty
        for act in acts:
            world = self._done_alone(world, act)
        return world

    def check_rest(self, world: int, acts: Sequence[Act], unfinished: Sequence[Act]) -> None:
        """All have ended: whoever was hit by a fault tries again or not, then every job goes, and nothing is left."""
        known = ("rest", world, tuple(acts), tuple(unfinished))
        if known in self._sound:
            return
        rules.check_noted(self._worlds[world])
        last = world
        for act in unfinished:
            last, _ = self.alone(last, act)
            last, again = self.alone(last, act)
            if rules.wrote(again):
                raise Broken(f"{act} writes again though all is done")
        for start in {world, last}:
            left = start
            for owner in sorted({act.owner for act in acts} | rules.manifests(self._worlds[start]).keys()):
                left = self._leave(left, owner)
            rules.check_empty(self._worlds[left])
        self._sound.add(known)

    def _leave(self, world: int, owner: str) -> int:
        """Unbind and release, whoever holds the names."""
        world = self._done_alone(world, Act("unbind", owner))
        manifest = rules.manifests(self._worlds[world]).get(owner)
        if manifest is None:
            return world
        return self._done_alone(world, Act("release", owner, manifest.lease, manifest.claimant))

    def _done_alone(self, world: int, act: Act) -> int:
        world, end = self.alone(world, act)
        if end.failure:
            raise Broken(f"{act} fails with nobody else there: {end.failure}")
        return world

    def _answer(self, call: Call) -> Answer:
        try:
            if call.method == "rrsets":
                below, name, kind = call.args
                return Answer(tuple(self._provider.rrsets(ZONE, below=below, name=name, type=kind)))
            if call.method == "submit":
                self._provider.submit(ZONE, *call.args)
            elif call.method == "policy.read":
                return Answer(json.dumps(self._policy.read()))
            else:
                self._policy.write(json.loads(*call.args))
        except ZoneMoved as moved:
            return Answer(moved.keys, "moved")
        except PolicyMoved:
            return Answer((), "moved")
        return DONE

    def _number(self, world: World) -> int:
        key = rules.key(world)
        if key not in self._numbers:
            self._numbers[key] = len(self._worlds)
            self._worlds.append(world)
        return self._numbers[key]

    def _check_write(self, before: int, after: int, act: Act, faults: int) -> None:
        known = ("write", before, after, act, bool(faults))
        if before == after or known in self._sound:
            return
        rules.check_covered(self._worlds[after])
        rules.check_write(self._worlds[before], self._worlds[after], act)
        if not self._crowded and not faults:  # else it may be noted a moment later, and has to be at rest
            rules.check_noted(self._worlds[after])
        self._sound.add(known)

    def _check_end(self, world: int, act: Act, end: Node, everybody: Sequence[Act], faults: int) -> None:
        unbinding = any(other.kind == "unbind" and other.owner == act.owner for other in everybody)
        known = ("end", world, act, end, bool(faults), unbinding)
        if known not in self._sound:
            rules.check_end(
                self._worlds[world], act, end, faults=bool(faults), unbinding=unbinding, crowded=self._crowded
            )
            self._sound.add(known)

    def told(self, acts: Sequence[Act], state: State, move: Move) -> str:
        """One move in words."""
        call = state.writers[move.writer].call
        assert call
        refused = "" if move.fault or call.method == WAIT else self.perform(state.world, call)[1].error
        end = move.fault or refused
        return f"{move.writer + 1} {acts[move.writer]}: {describe(call)}" + (f" -> {end}" if end else "")


def describe(call: Call) -> str:
    """A call in a few words."""
    if call.method == "submit":
        (change,) = call.args
        signs = [*(("+", rrset) for rrset in change.additions), *(("-", rrset) for rrset in change.deletions)]
        names = [f"{sign}{rrset.name.removesuffix('.ml.test.')}" for sign, rrset in signs]
        texts = [text for rrset in change.additions for text in rrset.rrdatas[0].split('"')]
        notes = [" ".join(text.split()[:1]) for text in texts if text.startswith(("grant=", "generation="))]
        return " ".join(["change", *names, *notes])
    if call.method == "rrsets":
        below, name, kind = call.args
        return f"list {f'below {below}' if below else name}{f' {kind}' if kind else ''}"
    return {"policy.read": "read policy", "policy.write": "write policy", WAIT: "wait"}[call.method]
