"""The `filter` of Compute Engine's lists, as far as it is evaluated here: anything else is refused, never ignored.

labels.job = "bert"        (labels.job = bert) AND (status = RUNNING)        labels.rank:*        name eq 'bert-.*'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.errors import bad_instance_filter

Instance = Mapping[str, Any]
Test = Callable[[Instance], bool]

_TERM = re.compile(
    r"""\s*(?P<open>\(?)\s*(?P<field>name|status|labels\.[a-z][a-z0-9_-]*)\s*
        (?P<operator>!=|=|:\*|\beq\b|\bne\b)\s*
        (?P<value>"[^"]*"|'[^']*'|[^\s()"']+)?\s*(?P<close>\)?)\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"AND\b")
_PATTERNS = frozenset({"eq", "ne"})


def parse(text: str) -> Test:
    """What an instance must be. Raises ApiError 400, in Google's words, for what this does not evaluate."""
    tests: list[Test] = []
    operators = set()
    position = 0
    while position < len(text) or not tests:
        if tests and (conjunction := _AND.match(text, position)):
            position = conjunction.end()
        match = _TERM.match(text, position)
        if match is None or bool(match["open"]) != bool(match["close"]):
            raise bad_instance_filter(text)
        if (match["value"] is None) != (match["operator"] == ":*"):
            raise bad_instance_filter(text)
        tests.append(_test(match, text))
        operators.add(match["operator"] in _PATTERNS)
        position = match.end()
    if len(operators) > 1 or (operators == {True} and len(tests) > 1):
        # Google takes neither both languages at once, nor patterns of several fields.
        raise bad_instance_filter(text)
    return lambda instance: all(test(instance) for test in tests)


def _test(match: re.Match[str], text: str) -> Test:
    field, operator = match["field"], match["operator"]
    value = (match["value"] or "").strip("\"'")
    if operator == ":*":
        return lambda instance: _read(instance, field) is not None
    if operator in _PATTERNS:
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise bad_instance_filter(text) from error
        return lambda instance: (pattern.fullmatch(_read(instance, field) or "") is not None) == (operator == "eq")
    return lambda instance: (_read(instance, field) == value) == (operator == "=")


def _read(instance: Instance, field: str) -> str | None:
    first, _, label = field.partition(".")
    found = instance.get("labels", {}).get(label) if label else instance.get(first)
    return None if found is None else str(found)
