"""Partial answers: `fields=nextPageToken,rrsets(name,ttl)` selects what an answer holds, as any Google API does it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from localcloud.errors import ApiError, invalid

Mask = dict[str, "Mask | None"]
"""What is selected of an object; None selects all of a field."""

_TOKEN = re.compile(r"[A-Za-z0-9_*]+|[(),/]")


@lru_cache(maxsize=64)
def parse_fields(text: str) -> Mask:
    """Read `a,b/c,d(e,f)`. Raises ApiError 400 for what does not read like that."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text or not tokens:
        raise ApiError(400, [invalid("parameters.fields", text)])
    try:
        mask = _selection(tokens)
    except (IndexError, ValueError):
        mask = {}
    if tokens or not mask:
        raise ApiError(400, [invalid("parameters.fields", text)])
    return mask


def partial(answer: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """What `fields` selects of an answer; all of it without one, or where nothing fits, which Google would refuse."""
    selected: dict[str, Any] = _select(answer, parse_fields(fields)) if fields else answer
    return selected or answer


def _select(value: Any, mask: Mask) -> Any:
    """In a list, it selects of each item."""
    if isinstance(value, list):
        return [_select(item, mask) for item in value]
    if not isinstance(value, dict) or "*" in mask:
        return value
    return {
        key: value[key] if below is None else _select(value[key], below) for key, below in mask.items() if key in value
    }


def _selection(tokens: list[str]) -> Mask:
    mask: Mask = {}
    while True:
        name = tokens.pop(0)
        if name in "(),/":
            raise ValueError(name)
        mask[name] = _below(tokens)
        if not tokens or tokens[0] != ",":
            return mask
        tokens.pop(0)


def _below(tokens: list[str]) -> Mask | None:
    """What follows a field: a path into it, a selection of it, or nothing."""
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        name = tokens.pop(0)
        if name in "(),/":
            raise ValueError(name)
        return {name: _below(tokens)}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        mask = _selection(tokens)
        if tokens.pop(0) != ")":
            raise ValueError(tokens)
        return mask
    return None
