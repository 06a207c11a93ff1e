"""Sets of whole numbers as spans: `[(0, 996), (998, 998)]`, in order, neither touching nor overlapping."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""First and last number."""


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """The spans of any numbers, in any order."""
    return joined((number, number) for number in sorted(numbers))


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of their first numbers, which may touch or overlap, as a set."""
    merged: list[Span] = []
    first, last = 0, -2
    for low, high in spans:
        if low <= last + 1 and merged:
            last = max(last, high)
            merged[-1] = (first, last)
        else:
            first, last = low, high
            merged.append((low, high))
    return merged


def union(one: list[Span], other: list[Span]) -> list[Span]:
    """What is in either set."""
    return joined(sorted([*one, *other])) if one and other else one or other


def difference(spans: list[Span], gone: list[Span]) -> list[Span]:
    """What is in `spans` and not in `gone`."""
    left: list[Span] = []
    position = 0
    for first, last in spans:
        low = first
        while position < len(gone) and gone[position][0] <= last:
            start, end = gone[position]
            if start > low:
                left.append((low, start - 1))
            low = max(low, end + 1)
            if end > last:
                break  # it may reach into the next span, too
            position += 1
        if low <= last:
            left.append((low, last))
    return left
