"""Counting calls: what `GET /_localcloud/stats` shows."""

from __future__ import annotations

from collections import Counter


class Stats:
    """How often each method answered with each HTTP code, or with nothing: `reset`, `hang`."""

    def __init__(self) -> None:
        self._calls: dict[str, Counter[str]] = {}

    def count(self, method: str, outcome: int | str) -> None:
        self._calls.setdefault(method, Counter())[str(outcome)] += 1

    def clear(self) -> None:
        self._calls.clear()

    def to_json(self) -> dict[str, dict[str, dict[str, int]]]:
        """`{"calls": {"changes.create": {"200": 3}}}`."""
        return {"calls": {method: dict(codes) for method, codes in sorted(self._calls.items())}}
