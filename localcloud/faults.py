"""Faults on demand: which of the next calls go wrong, and how. What then happens is done in `mishaps`.

A rule is drawn for by every call of its method, in the order of the calls, from a generator of its own: the same rules
and the same calls make the same faults, whatever other rules there are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from localcloud.errors import ApiError, Problem

Kind = Literal["status", "reset-before", "reset-after", "delay", "hang"]

KINDS: tuple[Kind, ...] = get_args(Kind)
STATUSES = (401, 403, 408, 429, 500, 502, 503, 504)
REASONS_OF_403 = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "forbidden")
ANY_METHOD = "*"

_LONGEST_S = 3_600
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault, as `POST /_localcloud/faults` takes it.

    :param method: as `GET /_localcloud/stats` names it, or `*` for every call.
    :param kind: `status` answers an error; `reset-before` cuts the connection and does nothing; `reset-after` does what
        was asked and cuts the connection; `delay` is slow; `hang` never answers.
    :param status: HTTP code of a `status`.
    :param reason: of a `status` 403: Google says 403 to several things.
    :param retry_after: seconds, the Retry-After header of a `status`.
    :param delay: seconds that a `delay` waits before the call is done.
    :param probability: with which a call is hit.
    :param count: the most calls that are hit; None hits all.
    :param skip: the first so many calls of the method are let through.
    :param seed: of the generator behind `probability`.
    """

    method: str
    kind: Kind
    status: int | None = None
    reason: str | None = None
    retry_after: int | None = None
    delay: float | None = None
    probability: float = 1.0
    count: int | None = None
    skip: int = 0
    seed: int = 0


_FIELDS = tuple(field.name for field in fields(Rule))


def parse_rule(sent: object, *, methods: Collection[str]) -> Rule:
    """The rule that was sent, of a method among `methods`. Raises ApiError 400, in one line."""
    if not isinstance(sent, Mapping):
        raise _invalid("a rule is a JSON object")
    unknown = sorted(set(sent) - set(_FIELDS))
    if unknown:
        raise _invalid(f"{unknown[0]!r} is not one of {', '.join(_FIELDS)}")
    method = sent.get("method")
    if not isinstance(method, str) or (method != ANY_METHOD and method not in methods):
        raise _invalid(f"there is no method {method!r}; stats name them, such as 'changes.create', and '*' is any")
    kind = sent.get("kind")
    if kind not in KINDS:
        raise _invalid(f"'kind' is one of {', '.join(KINDS)}, not {kind!r}")
    rule = Rule(
        method=method,
        kind=kind,
        status=_status(sent.get("status")),
        reason=sent.get("reason"),
        retry_after=_whole(sent, "retry_after", None, most=_LONGEST_S),
        delay=_number(sent, "delay", None, most=_LONGEST_S),
        probability=_number(sent, "probability", 1.0, most=1),
        count=_whole(sent, "count", None, least=1),
        skip=_whole(sent, "skip", 0),
        seed=_whole(sent, "seed", 0),
    )
    _check_fit(rule)
    return rule


def _check_fit(rule: Rule) -> None:
    """Raise ApiError 400 for a field that its kind needs and lacks, or has and does not use."""
    for kind, needed, optional in (("status", "status", "retry_after"), ("delay", "delay", "delay")):
        if rule.kind == kind and getattr(rule, needed) is None:
            raise _invalid(f"kind {kind!r} needs {needed!r}")
        for name in (needed, optional):
            if rule.kind != kind and getattr(rule, name) is not None:
                raise _invalid(f"{name!r} belongs to kind {kind!r}, not to {rule.kind!r}")
    if rule.reason is not None and (rule.status != 403 or rule.reason not in REASONS_OF_403):
        raise _invalid(f"'reason' belongs to status 403 and is one of {', '.join(REASONS_OF_403)}")
    if rule.probability == 0:
        raise _invalid("a rule of 'probability' 0 would never fire")


def _status(sent: object) -> int | None:
    if sent is None or (sent in STATUSES and isinstance(sent, int)):
        return sent
    raise _invalid(f"'status' is one of {', '.join(map(str, STATUSES))}, not {sent!r}")


def _number(sent: Mapping[str, Any], name: str, default: Any, *, most: float) -> Any:
    value = sent.get(name, default)
    if value is default:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or math.isnan(value):
        raise _invalid(f"{name!r} is a number from 0 to {most:,}, not {value!r}")
    return float(value)


def _whole(sent: Mapping[str, Any], name: str, default: Any, *, least: int = 0, most: int = _LARGEST) -> Any:
    value = sent.get(name, default)
    if value is default:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _invalid(f"{name!r} is a whole number from {least} to {most:,}, not {value!r}")
    return value


def _invalid(why: str) -> ApiError:
    return ApiError(400, [Problem("invalid", f"Invalid fault: {why}.")])


@dataclass(slots=True)
class _Draws:
    """A rule at work: how many calls it has seen and how many it has hit."""

    rule: Rule
    generator: random.Random
    seen: int = 0
    fired: int = 0

    def hits(self) -> bool:
        """Whether the call at hand is to be hit, as far as this rule goes."""
        self.seen += 1
        if self.seen <= self.rule.skip:
            return False
        lucky = self.generator.random() < self.rule.probability
        return lucky and (self.rule.count is None or self.fired < self.rule.count)


class FaultBook:
    """The rules in force, in the order in which they came; a call is hit by the first rule that wants it."""

    def __init__(self, methods: Collection[str] = ()) -> None:
        self.methods = methods
        self._rules: list[_Draws] = []

    def add(self, sent: Sequence[object]) -> None:
        """Take over all of the rules, or none of them: raises ApiError 400."""
        rules = [parse_rule(rule, methods=self.methods) for rule in sent]
        # Chosen by the tester so that a run can be repeated; nothing here is secret.
        self._rules += [_Draws(rule, random.Random(rule.seed)) for rule in rules]  # noqa: S311

    def clear(self) -> None:
        self._rules.clear()

    def draw(self, method: str) -> Rule | None:
        """The rule that hits this call of `method`, if any. To be asked once for each call."""
        winner: _Draws | None = None
        for draws in self._rules:
            if draws.rule.method in (ANY_METHOD, method) and draws.hits() and winner is None:
                winner = draws
        if winner is None:
            return None
        winner.fired += 1
        return winner.rule

    def to_json(self) -> list[dict[str, Any]]:
        """Each rule without the fields that were not set, how many calls it saw, and how many it hit."""
        return [
            {
                **{name: value for name, value in asdict(draws.rule).items() if value is not None},
                "seen": draws.seen,
                "fired": draws.fired,
            }
            for draws in self._rules
        ]
