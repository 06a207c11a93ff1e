"""Bodies of requests and answers, as Google reads and writes them."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from localcloud.errors import ApiError, Problem

MAX_BODY = 16 << 20
"""Bytes of a request's body, packed and unpacked alike. A thousand additions of long texts are 2 MB."""


def too_large() -> ApiError:
    return ApiError(
        413, [Problem("uploadTooLarge", f"The request is too large: its body may have {MAX_BODY:,} bytes.")]
    )


class JsonAnswer(JSONResponse):
    """An answer with the media type that Google spells out."""

    media_type = "application/json; charset=UTF-8"


async def read_object(request: Request) -> dict[str, Any]:
    """The body as an object, `{}` without one. Raises ApiError 400 for anything else."""
    body = await read_value(request, absent={})
    if not isinstance(body, dict):
        raise _parse_error("the body must be a JSON object")
    return body


async def read_value(request: Request, *, absent: object) -> object:
    """The body as JSON of any kind, `absent` without one.

    :raises ApiError: 400 for what is no JSON, 413 for more than `MAX_BODY` bytes.
    """
    try:
        raw = await request.body()
    except ClientDisconnect as error:  # nobody is left to hear of it
        raise _parse_error("the body breaks off") from error
    if not raw:
        return absent
    try:
        if request.headers.get("content-encoding") in ("gzip", "x-gzip"):  # Google's Java client packs every body
            raw = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(MAX_BODY + 1)
            if len(raw) > MAX_BODY:
                raise too_large()
        body: object = json.loads(raw)
        if b"\\u" in raw:
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair could be stored but never sent back
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise _parse_error(str(error)) from error
    except RecursionError as error:
        raise _parse_error("the body is nested too deeply") from error
    return body


def _parse_error(why: str) -> ApiError:
    return ApiError(400, [Problem("parseError", f"Parse Error: {why}")])
