"""What the suite says about Google's API, how sure we are of it, and what one run found.

A *fact* is a test carrying `@pytest.mark.fact(id=…, grade=…, says=…, source=…)`; this module turns the mark into a
value and a test's outcome into a `Finding`. Nothing here speaks HTTP or DNS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

import pytest

Grade = Literal["R", "D", "Q", "U"]

GRADES: dict[Grade, str] = {
    "R": "read off recorded Google traffic",
    "D": "Google's documentation or discovery document",
    "Q": "an error body quoted in a public thread",
    "U": "unverified: a guess of the stand-in",
}


class Verdict(Enum):
    """Value is what the table prints."""

    HELD = "held"
    FAILED = "did not hold"
    AS_GUESSED = "learned: as guessed"
    NOT_AS_GUESSED = "learned: otherwise"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about the API. `says` is a whole sentence without a full stop; `source` where it was seen."""

    id: str
    grade: Grade
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one run found out about `fact`; `observed` is one line: the answer seen, or why it was not tried."""

    fact: Fact
    verdict: Verdict
    observed: str


def fact_of(item: pytest.Item) -> Fact | None:
    """The fact that a test states, None for a test that states none.

    Raises pytest.UsageError when the mark is incomplete, so that a misspelt fact stops the run instead of vanishing.
    """
    mark = item.get_closest_marker("fact")
    if mark is None:
        return None
    given = dict(mark.kwargs)
    missing = [field for field in ("id", "grade", "says", "source") if not given.get(field)]
    unknown = sorted(set(given) - {"id", "grade", "says", "source"})
    if mark.args or missing or unknown:
        raise pytest.UsageError(
            f"{item.nodeid}: fact mark: missing {missing}, unknown {unknown}, positional {mark.args}"
        )
    if given["grade"] not in get_args(Grade):
        raise pytest.UsageError(f"{item.nodeid}: fact mark: grade {given['grade']!r} is none of {get_args(Grade)}")
    return Fact(**given)


def check_unique(facts: Iterable[Fact]) -> None:
    """Raise pytest.UsageError if two tests state a fact of the same id."""
    seen: dict[str, Fact] = {}
    for fact in facts:
        if seen.setdefault(fact.id, fact) is not fact:
            raise pytest.UsageError(f"two tests state the fact {fact.id!r}")


def judge(fact: Fact, *, passed: bool) -> Verdict:
    """The verdict of a fact that was tried."""
    if fact.grade == "U":
        return Verdict.AS_GUESSED if passed else Verdict.NOT_AS_GUESSED
    return Verdict.HELD if passed else Verdict.FAILED
