"""Ten thousand addresses as one digest, and which of them do not fit when it differs.

One digest over all addresses says that something is wrong, but not where. So up to 128 hosts have a digest each, and
more of them are laid into a square whose rows and columns have one:

              column 0   column 1   column 2
    row 0     worker-0   worker-1   worker-2
    row 1     worker-3   worker-4   worker-5     a wrong address of worker-4 spoils row 1 and column 1

One wrong host, or several in a row or a column, are named exactly; several elsewhere are among those that are named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from math import isqrt
from typing import Any

from mldns.exceptions import InvalidInput

ONE_EACH = 128
"""Hosts up to which each has a digest of its own: 1 KiB of text, and less than that for a square of 1,000."""

_WHOLE, _PART = 16, 8  # hex digits: of the whole, which decides, and of a part, which only points


def line(role: str, rank: int, address: str) -> str:
    """What is digested of a host: `worker-0 10.0.0.7`.

    :param role: of the host.
    :param rank: of the host in its role, from 0.
    :param address: all its addresses, with blanks between them.
    """
    return f"{role}-{rank} {address}"


def summarise(lines: Sequence[str]) -> dict[str, Any]:
    """The digests of hosts in the order of their roles' names and ranks, plain JSON.

    `digest` is over all lines, each with a line break: `sha256sum` of such a file begins with it.
    """
    width = _width(len(lines))
    return {
        "digest": _digest(lines, _WHOLE),
        "width": width,
        "rows": "".join(_digest(lines[start : start + width], _PART) for start in range(0, len(lines), width)),
        "columns": "".join(_digest(lines[start::width], _PART) for start in range(width)) if width > 1 else "",
    }


def fits(lines: Sequence[str], summary: Mapping[str, Any]) -> bool:
    """Whether these are the addresses that were summarised."""
    return _digest(lines, _WHOLE) == str(summary["digest"])


def suspects(lines: Sequence[str | None], summary: Mapping[str, Any]) -> list[int]:
    """Positions of the lines that do not fit; None is a host not known yet, which spoils nothing."""
    width = summary["width"]
    rows = [lines[start : start + width] for start in range(0, len(lines), width)]
    columns = [lines[start::width] for start in range(width)] if width > 1 else []
    spoilt_rows = _spoilt(rows, summary["rows"])
    spoilt_columns = _spoilt(columns, summary["columns"])
    return [
        position
        for position, found in enumerate(lines)
        if found is not None and position // width in spoilt_rows and (width == 1 or position % width in spoilt_columns)
    ]


def proven_positions(lines: Sequence[str | None], summary: Mapping[str, Any]) -> set[int]:
    """Positions of the known lines that a digest proves: that of all, or of a row or a column that is known in full.

    Of more hosts than `ONE_EACH`, one alone has no digest, so nobody can tell whether its line is right.
    """
    known = [found for found in lines if found is not None]
    if len(known) == len(lines) and fits(known, summary):
        return set(range(len(lines)))
    width = summary["width"]
    rows = [range(start, min(start + width, len(lines))) for start in range(0, len(lines), width)]
    columns = [range(start, len(lines), width) for start in range(width)] if width > 1 else []
    proven: set[int] = set()
    for groups, digests in ((rows, summary["rows"]), (columns, summary["columns"])):
        for number, positions in enumerate(groups):
            members = [found for position in positions if (found := lines[position]) is not None]
            expected = digests[number * _PART : (number + 1) * _PART]
            if len(members) == len(positions) and _digest(members, _PART) == expected:
                proven.update(positions)
    return proven


def check_summary(value: Any, count: int) -> Mapping[str, Any]:
    """Return the summary as it came in a hand-off of `count` hosts, or raise InvalidInput."""
    width = _width(count)
    rows, columns = -(-count // width), width if width > 1 else 0
    expected = {"digest": _WHOLE, "rows": rows * _PART, "columns": columns * _PART}
    if (
        not isinstance(value, Mapping)
        or value.get("width") != width
        or any(not isinstance(value.get(key), str) or len(value[key]) != size for key, size in expected.items())
    ):
        raise InvalidInput(f"hand-off: addresses is not the digest of {count} hosts")
    return value


def _width(count: int) -> int:
    return 1 if count <= ONE_EACH else isqrt(count - 1) + 1


def _spoilt(groups: Sequence[Sequence[str | None]], digests: str) -> set[int]:
    spoilt = set()
    for number, group in enumerate(groups):
        known = [found for found in group if found is not None]
        if len(known) == len(group) and _digest(known, _PART) != digests[number * _PART : (number + 1) * _PART]:
            spoilt.add(number)
    return spoilt


def _digest(lines: Iterable[str], digits: int) -> str:
    return hashlib.sha256("".join(f"{text}\n" for text in lines).encode()).hexdigest()[:digits]
