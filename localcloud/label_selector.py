"""Kubernetes' label selectors: `app=bert,role in (worker, ps),!gone`.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Test = Callable[[Labels], bool]

_KEY = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)?"
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*({_VALUE})\s*")
_AMONG = re.compile(rf"\s*({_KEY})\s+(in|notin)\s+\(\s*({_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)\s*")
_THERE = re.compile(rf"\s*(!?)\s*({_KEY})\s*")


class BadSelector(ValueError):
    """Not a selector; the message is Kubernetes'."""


def parse(text: str) -> Test:
    """Whether labels fit. An empty selector fits all."""
    tests = [_requirement(part) for part in _split(text)] if text.strip() else []
    return lambda labels: all(test(labels) for test in tests)


def _split(text: str) -> list[str]:
    """At the commas outside parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _requirement(part: str) -> Test:
    if match := _EQUAL.fullmatch(part):
        key, operator, value = match.groups()
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if match := _AMONG.fullmatch(part):
        key, operator, several = match.groups()
        values = {value.strip() for value in several.split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if match := _THERE.fullmatch(part):
        absent, key = match.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise BadSelector(f"unable to parse requirement: {part.strip()!r} is no requirement of a label selector")
