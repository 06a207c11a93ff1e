"""How values look to a reader: shortened lists, clipped texts, rrdatas, points in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_SHOWN_RRDATAS = 3
_SHOWN_CHARACTERS = 120
_SHOWN = 5


def clipped(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """Make one short line of whatever somebody wrote: no control characters, and no middle where it is long."""
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 21]}…{text[-20:]}"


def shown_rrdatas(rrdatas: Sequence[str]) -> str:
    """Name the first rrdatas and how many there are, in one short line."""
    text = clipped(" ".join(rrdatas[:_SHOWN_RRDATAS]))
    return text if len(rrdatas) <= _SHOWN_RRDATAS else f"{text} … ({len(rrdatas)} in all)"


def shorten(items: Sequence[str], shown: int = _SHOWN) -> str:
    """Name the first few items and how many more there are: a message stays one line at 10,000 names."""
    text = ", ".join(items[:shown])
    return text if len(items) <= shown else f"{text} and {len(items) - shown:,} more"


def quoted(value: object) -> str:
    """Quote whatever somebody wrote, as it would stand in Python, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 150 else f"{text[:120]}…{text[-20:]}"


def timestamp(seconds: float) -> str:
    """Write Unix seconds as `2026-01-02T03:04:05Z`; the same width always, so that text sorts as time does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
