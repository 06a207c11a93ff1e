"""How far a survey has come, in few bytes: one a pair of name and server, compressed. Pure.

0 right   1 not asked   2 failed, may be asked again   3 right, its TTL too long   4 right, and failed before
5 and above: held by a cache, a number for each verdict and moment
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Judgement, Verdict
from mldns.gate.matrix import Cell, Matrix
from mldns.gate.servers import Server
from mldns.inventory.compact import pack_bytes, unpack_bytes
from mldns.records.names import Key

_RIGHT, _UNASKED, _FAILED, _LONG_TTL, _RECOVERED, _FIRST_HELD = range(6)
_MOST_HOLDS = 64  # more different ones are not told: those names are asked for again too early, which only costs time
_MOST_ANSWERS = 16  # told with what was answered: others keep their moment, and of their answer the verdict alone

_Hold = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Restored:
    """What `unpack_cells` found: the open cells, names that ever failed, names whose TTL is too long."""

    cells: list[tuple[Server, Key, Cell | None]]
    failed: set[Key]
    long_ttl: set[Key]


def pack_cells(
    matrix: Matrix,
    keys_of: Mapping[Server, Sequence[Key]],
    *,
    failed: Collection[Key],
    long_ttl: Collection[Key],
    now: float,
) -> dict[str, Any]:
    """Return `{"cells": text, "holds": [[verdict, seconds, answer], …]}`, seconds from `now` on.

    :param keys_of: what each server is asked for, in an order that `unpack_cells` is given again.
    """
    holds: dict[_Hold, int] = {}
    codes = bytearray()
    for server, keys in keys_of.items():
        cells = matrix.cells(server)
        for key in keys:
            if key in cells:
                codes.append(_open_code(cells[key], now, holds))
            elif key in long_ttl:
                codes.append(_LONG_TTL)
            else:
                codes.append(_RECOVERED if key in failed else _RIGHT)
    return {"cells": pack_bytes(bytes(codes)), "holds": [list(hold) for hold in holds]}


def unpack_cells(state: Mapping[str, Any], keys_of: Mapping[Server, Sequence[Key]], then: float) -> Restored:
    """Return what was packed at the moment `then`, for the same servers and names in the same order.

    :raises InvalidInput: they are others.
    """
    pairs = [(server, key) for server, keys in keys_of.items() for key in keys]
    codes = unpack_bytes(state["cells"], most=len(pairs))
    if len(codes) != len(pairs):
        raise InvalidInput(f"the state is one of {len(codes):,} names at servers, not of {len(pairs):,}")
    held = [
        Cell(Judgement(Verdict(verdict), "".join(got) or "another answer", "as it said before"), then + seconds)
        for verdict, seconds, *got in state["holds"]  # a state of an older release has no answers
    ]
    restored = Restored([], set(), set())
    for (server, key), code in zip(pairs, codes, strict=True):
        if code not in (_RIGHT, _UNASKED, _LONG_TTL):
            restored.failed.add(key)
        if code == _LONG_TTL:
            restored.long_ttl.add(key)
        elif code in (_UNASKED, _FAILED):
            restored.cells.append((server, key, None))
        elif code >= _FIRST_HELD:
            restored.cells.append((server, key, held[code - _FIRST_HELD]))
    return restored


def _open_code(cell: Cell | None, now: float, holds: dict[_Hold, int]) -> int:
    if cell is None:
        return _UNASKED
    hold = (cell.judgement.verdict.value, ceil(cell.retry_at - now), cell.judgement.got)
    if hold not in holds and len(holds) >= _MOST_ANSWERS:
        hold = (*hold[:2], "")
    if hold[1] <= 0 or (hold not in holds and len(holds) >= _MOST_HOLDS):
        return _FAILED
    return _FIRST_HELD + holds.setdefault(hold, len(holds))
