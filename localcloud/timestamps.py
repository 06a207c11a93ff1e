"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(unix_seconds: float) -> str:
    """`2024-04-01T12:34:56.123Z`: always with the fraction, which google-cloud-dns cannot parse a time without."""
    return datetime.fromtimestamp(unix_seconds, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
