"""Ten thousand values in a few characters: `8*9990,4*10` is 9,990 times 8, then 10 times 4."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from mldns.exceptions import InvalidInput


def encode(values: Iterable[object]) -> str:
    """The runs of equal values, in order. The values' texts hold neither `*` nor `,`."""
    return ",".join(f"{value}*{sum(1 for _ in run)}" for value, run in groupby(str(value) for value in values))


def decode(text: str, *, count: int, what: str) -> tuple[str, ...]:
    """The values again.

    :param text: of `encode`.
    :param count: how many there must be: checked before any is made, so that a false number costs nothing.
    :param what: what they are, for the message.
    :raises InvalidInput: the text is no such runs, or of another number of values.
    """
    runs: list[tuple[str, int]] = []
    for run in text.split(","):
        value, star, times = run.partition("*")
        if not (value and star and times.isascii() and times.isdecimal() and len(times) <= len(str(count))):
            raise InvalidInput(f"{what}: {run[:40]!r} is not a run such as '8*16'")
        runs.append((value, int(times)))
    if (found := sum(times for _, times in runs)) != count:
        raise InvalidInput(f"{what}: the runs are {found} values, not {count}")
    return tuple(value for value, times in runs for _ in range(times))
