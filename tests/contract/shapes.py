"""Matching JSON answers: a pattern is JSON whose leaves may be types, regular expressions or predicates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

UINT64 = re.compile(r"[0-9]{1,20}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Closed(dict[str, object]):
    """An object pattern that allows no further keys; a plain dict allows them."""


def expect(actual: object, pattern: object, where: str = "body") -> None:
    """Raise AssertionError, naming the path, unless `actual` matches `pattern`.

    :param pattern: a mapping (each key must be there and match; more keys are fine unless it is `Closed`), a list (same
        length, each element matches), a compiled regular expression (the whole string), a type, or a plain value.
    """
    if isinstance(pattern, Mapping):
        assert isinstance(actual, Mapping), f"{where}: expected an object, got {actual!r}"
        missing = sorted(set(pattern) - set(actual))
        assert not missing, f"{where}: no {', '.join(missing)} in {dict(actual)!r}"
        more = sorted(set(actual) - set(pattern)) if isinstance(pattern, Closed) else []
        assert not more, f"{where}: unexpected {', '.join(more)} in {dict(actual)!r}"
        for key, inner in pattern.items():
            expect(actual[key], inner, f"{where}.{key}")
    elif isinstance(pattern, Sequence) and not isinstance(pattern, str):
        assert isinstance(actual, list), f"{where}: expected a list, got {actual!r}"
        assert len(actual) == len(pattern), f"{where}: expected {len(pattern)} elements, got {actual!r}"
        for index, (element, inner) in enumerate(zip(actual, pattern, strict=True)):
            expect(element, inner, f"{where}[{index}]")
    elif isinstance(pattern, re.Pattern):
        matches = isinstance(actual, str) and pattern.fullmatch(actual)
        assert matches, f"{where}: expected a string like {pattern.pattern!r}, got {actual!r}"
    elif isinstance(pattern, type):
        right = isinstance(actual, pattern) and not (pattern is int and isinstance(actual, bool))
        assert right, f"{where}: expected {pattern.__name__}, got {actual!r}"
    else:
        same = type(actual) is type(pattern) and actual == pattern
        assert same, f"{where}: expected {pattern!r}, got {actual!r}"
