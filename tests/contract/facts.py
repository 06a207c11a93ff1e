"""What the suite says about Google's API, how sure we are of it, and what one run found.

A *fact* is a test under `@fact(id, grade, source)` whose docstring says it; this module turns that into a value and a
test's outcome into a `Finding`. Nothing here speaks HTTP or DNS.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

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
    """One statement about the API. `says` is a whole sentence; `source` where it was seen."""

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


def fact(id: str, grade: Grade, source: str) -> pytest.MarkDecorator:
    """Mark a test as a statement about the API, in the words of its docstring."""
    return pytest.mark.fact(id, grade, source)


def fact_of(item: pytest.Item) -> Fact | None:
    """The fact that a test states, None for a test that states none.

    Raises pytest.UsageError for one without words or of no grade, so that it stops the run instead of vanishing.
    """
    mark = item.get_closest_marker("fact")
    if mark is None:
        return None
    id_, grade, source = mark.args
    says = inspect.getdoc(getattr(item, "function", None))
    if grade not in GRADES or not says:
        raise pytest.UsageError(f"{item.nodeid}: a fact has a grade of {', '.join(GRADES)} and a docstring")
    return Fact(id_, grade, " ".join(says.split()), source)


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
