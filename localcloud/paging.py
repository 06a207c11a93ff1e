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

_INT32_MAX = 2**31 - 1


def page_limit(query: Mapping[str, str], page_size: int) -> int:
    """How many entries the page may have. Raises ApiError 400 for a `maxResults` that is no positive number."""
    text = query.get("maxResults")
    if text is None:
        return page_size
    limit = whole_number(text)
    if not limit:
        raise ApiError(400, [invalid("parameters.maxResults", text)])
    return min(limit, page_size)


def whole_number(text: str) -> int | None:
    """`text` as a number from 0 to 2**31 - 1, the API's int32, or None."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_INT32_MAX))):
        return None
    number = int(text)
    return number if number <= _INT32_MAX else None


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
