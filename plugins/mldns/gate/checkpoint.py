"""How far a survey has come, in few bytes: one a pair of name and server, compressed. Pure.

0 right   1 not asked   2 failed, may be asked again   3 right, its TTL too long   4 right, and failed before
5 and above: what a resolver has cached, a number for each verdict, moment and answer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Judgement, Verdict
from mldns.gate.matrix import Cell, OpenQuestions
from mldns.gate.servers import Server
from mldns.inventory.compact import pack_bytes, unpack_bytes
from mldns.records.names import Key

_RIGHT, _UNASKED, _FAILED, _LONG_TTL, _RECOVERED, _FIRST_CACHED = range(6)
_MOST_CACHED = 64  # further ones are not kept: those names are asked for again too early, which only costs time
_MOST_ANSWERS = 16  # kept with what was answered; others keep their moment, and of their answer the verdict alone

_Cached = tuple[str, int, str]


@dataclass(slots=True)
class SurveyProgress:
    """How far a survey has come, apart from what is open.

    :param began: seconds of the survey's clock.
    :param passes: done in a row.
    :param answers: that came in.
    :param dead: servers that do not answer, which is tolerated.
    :param failed: names that ever failed.
    :param long_ttl: names that are right but for their TTL, which is tolerated.
    """

    began: float
    passes: int = 0
    answers: int = 0
    dead: frozenset[Server] = frozenset()
    failed: set[Key] = field(default_factory=set)
    long_ttl: set[Key] = field(default_factory=set)


def pack(questions: OpenQuestions, progress: SurveyProgress, now: float) -> dict[str, Any]:
    """Return both as small plain JSON; the rows of `cached` are `[verdict, seconds from now on, answer]`.

    :param questions: what is open.
    :param progress: how far the survey has come apart from that.
    :param now: seconds of the survey's clock.
    """
    cached: dict[_Cached, int] = {}
    codes = bytearray()
    for server, keys in questions.keys_by_server().items():
        cells = questions.cells(server)
        for key in keys:
            if key in cells:
                codes.append(_open_code(cells[key], now, cached))
            elif key in progress.long_ttl:
                codes.append(_LONG_TTL)
            else:
                codes.append(_RECOVERED if key in progress.failed else _RIGHT)
    return {
        "passes": progress.passes,
        "answers": progress.answers,
        "seconds": round(now - progress.began, 3),
        "dead": [server in progress.dead for server in questions.servers],
        "cells": pack_bytes(bytes(codes)),
        "cached": [list(row) for row in cached],
    }


def unpack(packed: Mapping[str, Any], questions: OpenQuestions, then: float) -> SurveyProgress:
    """Open what was open, and return how far the survey had come.

    :param packed: of `pack`.
    :param questions: the same names and servers in the same order.
    :param then: the moment at which it was packed, in seconds of this survey's clock.
    :raises InvalidInput: they are others.
    """
    pairs = [(server, key) for server, keys in questions.keys_by_server().items() for key in keys]
    codes = unpack_bytes(packed["cells"], most=len(pairs))
    if len(codes) != len(pairs):
        raise InvalidInput(f"the checkpoint is one of {len(codes):,} names at servers, not of {len(pairs):,}")
    cached = [
        Cell(Judgement(Verdict(verdict), got or "another answer", "as it said before"), then + seconds)
        for verdict, seconds, got in packed["cached"]
    ]
    dead = zip(questions.servers, packed["dead"], strict=True)
    progress = SurveyProgress(
        began=then - packed["seconds"],
        passes=packed["passes"],
        answers=packed["answers"],
        dead=frozenset(server for server, is_dead in dead if is_dead),
    )
    questions.open_all(())
    for (server, key), code in zip(pairs, codes, strict=True):
        if code not in (_RIGHT, _UNASKED, _LONG_TTL):
            progress.failed.add(key)
        if code == _LONG_TTL:
            progress.long_ttl.add(key)
        elif code in (_UNASKED, _FAILED):
            questions.put(server, key, None)
        elif code >= _FIRST_CACHED:
            questions.put(server, key, cached[code - _FIRST_CACHED])
    return progress


def _open_code(cell: Cell | None, now: float, cached: dict[_Cached, int]) -> int:
    if cell is None:
        return _UNASKED
    row = (cell.judgement.verdict.value, ceil(cell.retry_at - now), cell.judgement.got)
    if row not in cached and len(cached) >= _MOST_ANSWERS:
        row = (*row[:2], "")
    if row[1] <= 0 or (row not in cached and len(cached) >= _MOST_CACHED):
        return _FAILED
    return _FIRST_CACHED + cached.setdefault(row, len(cached))
