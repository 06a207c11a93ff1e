"""Writers as values: the real code, run again from its start with the answers that it has had so far.

What a writer does next depends on nothing but its act and those answers: time and randomness are given to it. So one
that has had some answers is a node of a tree. Its code is run once a node, up to the call that has no answer yet, and
nobody needs threads to stop it in the middle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mldns.exceptions import CloudUnavailable, MldnsError, PermissionMissing
from mldns.iam.policy import IamPolicy
from mldns.plan.batches import Change, Limits
from mldns.providers import errors
from mldns.providers.base import ChangeRef, ChangeStatus, Zone
from mldns.providers.errors import AnswerLost, PolicyMoved, ZoneMoved
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset

WAIT = "wait"
WRITES = ("submit", "policy.write")

_TRIES = 30


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a provider, and its arguments; a policy is JSON text here."""

    method: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a value, or by `error` why none did."""

    value: Any = None
    error: str = ""


DONE = Answer("done")
"""That of a write."""


class _Unanswered(BaseException):
    """The writer has come to a call whose answer nobody has decided on yet."""

    def __init__(self, call: Call) -> None:
        self.call = call


@dataclass(eq=False, slots=True)
class Node:
    """A writer after some answers: it waits for that of `call`; or it has ended, with a `result` or a `failure`."""

    answers: tuple[Answer, ...]
    call: Call | None = None
    result: object = None
    failure: BaseException | None = None
    after: dict[Answer, Node] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.call is None

    @property
    def succeeded(self) -> bool:
        return self.call is None and self.failure is None


class Tree:
    """Everything that one act may come to; `run` is the real code over a provider and a policy.

    :param run: takes `Tools`; what it returns or raises is the act's end.
    """

    def __init__(self, run: Callable[[Tools], object]) -> None:
        self._run = run
        self.root = self._at(())
        self.size = 1

    def next(self, node: Node, answer: Answer) -> Node:
        """Where the writer is once its call has had that answer."""
        if answer not in node.after:
            node.after[answer] = self._at((*node.answers, answer))
            self.size += 1
        return node.after[answer]

    def _at(self, answers: tuple[Answer, ...]) -> Node:
        try:
            return Node(answers, result=self._run(Tools(_Replay(answers))))
        except _Unanswered as stop:
            return Node(answers, stop.call)
        except Exception as error:  # noqa: BLE001 - whether it may end like this is for the rules to say
            return Node(answers, failure=error.with_traceback(None))


class _Replay:
    """The answers so far, one by one."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self._answers = iter(answers)

    def ask(self, method: str, *args: Any) -> Any:
        call = Call(method, args)
        answer = next(self._answers, None)
        if answer is None:
            raise _Unanswered(call)
        if answer.error:
            raise _exception(call, answer)
        return answer.value


def _exception(call: Call, answer: Answer) -> Exception:
    """As a provider raises it."""
    where = errors.Call(call.method, "memory", "ml")
    if answer.error == "moved" and call.method == "submit":
        return ZoneMoved("moved", keys=answer.value)
    if answer.error == "moved":
        return PolicyMoved(where, status=409, reason="aborted", message="moved")
    if answer.error == "lost":
        return AnswerLost(where, OSError("cut"), brief="cut")
    return PermissionMissing(permission=call.method, resource="zone 'ml'")


class Untimed(RetryPolicy):
    """Tries again at once: when the next call is made is for the scheduler to say."""

    def run(self, call: Callable[[], Any], **how: Any) -> Any:
        last: BaseException | None = None
        for _ in range(_TRIES):
            try:
                return call()
            except MldnsError as error:
                if not how["repeatable"](error):
                    raise
                last = error
            self.pause(last)
        raise CloudUnavailable(f"{how['what']} never settled") from last

    def pause(self, last: BaseException) -> None:
        """Between two tries."""


@dataclass(frozen=True)
class Patient(Untimed):
    """Waits for others to move, longer than any that lives takes to do so: then they are dead."""

    replay: _Replay | None = None

    def pause(self, last: BaseException) -> None:
        assert self.replay
        if not self.replay.ask(WAIT):
            raise CloudUnavailable("nobody moved") from last


@dataclass(frozen=True)
class Tools:
    """What an act works with."""

    replay: _Replay

    @property
    def patient(self) -> RetryPolicy:
        return Patient(replay=self.replay)

    def provider(self, limits: Limits, zones: Sequence[Zone]) -> ReplayedProvider:
        return ReplayedProvider(self.replay, limits, zones)

    def policy(self) -> ReplayedPolicy:
        return ReplayedPolicy(self.replay)


@dataclass(frozen=True)
class ReplayedProvider:
    """`mldns.providers.base.DnsProvider`, as far as an editor uses it; zones never change."""

    replay: _Replay
    documented: Limits
    zones: Sequence[Zone]
    project: str = "memory"
    retry: RetryPolicy = field(default_factory=Untimed)

    def limits(self, zone: Zone) -> Limits:
        return self.documented

    def list_zones(self, *, dns_name: str | None = None) -> list[Zone]:
        return list(self.zones)

    def rrsets(
        self, zone: Zone, *, below: str | None = None, name: str | None = None, type: str | None = None
    ) -> Iterator[RRset]:
        return iter(self.replay.ask("rrsets", below, name, type))

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        return ChangeRef(self.replay.ask("submit", change), ChangeStatus.DONE)

    def find_change(self, zone: Zone, change: Change | None = None) -> ChangeRef | None:
        return ChangeRef(None, ChangeStatus.DONE)


@dataclass(frozen=True)
class ReplayedPolicy:
    """`mldns.providers.iam.policy_store.IamPolicyStore`."""

    replay: _Replay
    resource: str = "ml"

    def read(self) -> IamPolicy:
        return dict(json.loads(self.replay.ask("policy.read")))

    def write(self, policy: IamPolicy) -> None:
        self.replay.ask("policy.write", json.dumps(policy, sort_keys=True))

    def test(self, permissions: Sequence[str]) -> list[str]:
        return list(permissions)
