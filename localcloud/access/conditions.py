"""Conditions on bindings, as far as they speak of time."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from datetime import datetime

_TIME = re.compile(r"""request\.time\s*(<=?|>=?)\s*timestamp\((["'])([^"']+)\2\)""")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def holds(condition: Mapping[str, str], now: float) -> bool:
    """Whether a condition holds at unix time `now`: comparisons of `request.time`, joined by `&&`.

    localcloud reads no other expression, and a binding whose condition it cannot read grants nothing.
    """
    return all(_comparison_holds(part.strip(), now) for part in condition.get("expression", "").split("&&"))


def _comparison_holds(text: str, now: float) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    try:
        moment = datetime.fromisoformat(found[3])
    except ValueError:
        return False
    return moment.tzinfo is not None and bool(_COMPARE[found[1]](now, moment.timestamp()))
