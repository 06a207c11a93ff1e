"""Bytes as short text that JSON takes as it is: compressed, then base 85, whose letters need no escape."""

from __future__ import annotations

import base64
import zlib

from mldns.exceptions import InvalidInput


def pack_bytes(data: bytes) -> str:
    """Return text of five letters for four compressed bytes."""
    return base64.b85encode(zlib.compress(data, 9)).decode("ascii")


def unpack_bytes(text: str, *, most: int) -> bytes:
    """Return what was packed.

    :param most: bytes that are expected at most: compressed text may stand for a thousand times as much.
    :raises InvalidInput: it was packed by nobody, or is longer.
    """
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(base64.b85decode(text), most)
    except (ValueError, zlib.error) as error:
        raise InvalidInput(f"packed text cannot be read: {error}") from None
    if not stream.eof:
        raise InvalidInput(f"packed text cannot be read: cut off, or above {most:,} bytes")
    return data
