"""Pages of list answers: `maxResults`, `pageToken`, `nextPageToken`.

A token names the last entry of the page before, so that a list stays whole while others write to it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TypeVar

from localcloud.errors import ApiError, invalid

T = TypeVar("T")


def page_limit(query: Mapping[str, str], page_size: int) -> int:
    """How many entries the page may have. Raises ApiError 400 for a `maxResults` that is no positive number."""
    text = query.get("maxResults")
    if text is None:
        return page_size
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ApiError(400, [invalid("parameters.maxResults", text)])
    return min(int(text), page_size)


def take(entries: Iterable[T], limit: int) -> tuple[list[T], bool]:
    """The first `limit` entries, and whether there are more."""
    page = list(islice(entries, limit + 1))
    return page[:limit], len(page) > limit


def encode_token(*parts: str) -> str:
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode()


def decode_token(query: Mapping[str, str], parts: int) -> tuple[str, ...] | None:
    """What `encode_token` was given, or None on the first page. Raises ApiError 400 for a token that is not ours."""
    token = query.get("pageToken")
    if not token:
        return None
    try:
        decoded = tuple(base64.urlsafe_b64decode(token.encode()).decode().split("\n"))
    except (binascii.Error, UnicodeError, ValueError):
        decoded = ()
    if len(decoded) != parts:
        raise ApiError(400, [invalid("parameters.pageToken", token)])
    return decoded
