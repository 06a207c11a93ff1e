"""What templates and XCom hand to an operator, as values.

Jinja renders everything to text unless the DAG asks for native objects, which in turn makes an integer of a job named
`007`. So every argument that is not text is accepted both as the value itself (from Python or XCom) and as JSON text,
as in `workers="{{ params.workers | tojson }}"`. This module is the one place where that happens. `""`, `null` and
`None` stand for "not given".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.messages import quoted

_JSON = re.compile(r"[\[{](?![0-9a-fA-F.:%]*:[0-9a-fA-F.:%]*\])")
_ABSENT = ("", "null", "None")
_DIGITS = 20  # leading zeros included: int() refuses thousands of digits in words of its own
_MOST = 10**18
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def value(argument: Any, name: str) -> Any:
    """Return the argument itself, or what JSON text of a list or mapping says; None when not given.

    What a mapped task returned, an instance after the other, is one list: of the items where each returned some.
    """
    if not isinstance(argument, str):
        return _joined(argument) if _is_mapped_output(argument) else argument
    text = argument.strip()
    if text in _ABSENT:
        return None
    return read_json(text, name, hint=": in a template, write {{ … | tojson }}") if is_json(text) else argument


def is_json(text: str) -> bool:
    """Whether text means a list or a mapping in JSON, and no IPv6 address in brackets."""
    return bool(_JSON.match(text))


def read_json(text: str, name: str, *, hint: str = "") -> Any:
    """Return what JSON text says.

    :param name: what it is, for the message.
    :param hint: what to do instead, for the message.
    :raises InvalidInput: it is none, is nested too deep, or holds a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at character {error.pos}"
    except (ValueError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else "a number of too many digits"
    raise InvalidInput(f"{name} is not JSON ({what}){hint}")


def _is_mapped_output(argument: Any) -> bool:
    """Whether this is Airflow's lazy sequence, which fetches an instance's XCom when it comes to it."""
    return isinstance(argument, Sequence) and not isinstance(argument, str | bytes | list | tuple)


def _joined(parts: Iterable[Any]) -> list[Any]:
    return [item for part in parts for item in (part if isinstance(part, list | tuple) else (part,))]


def texts(argument: Any, name: str) -> list[str]:
    """Return a list of texts that is given as such, as JSON text, or as one text alone.

    Blank ones are dropped: the trigger form makes one of a line break at the end.
    """
    found = value(argument, name)
    if found is None:
        return []
    if isinstance(found, str):
        return [found.strip()]
    if isinstance(found, Mapping) or not isinstance(found, Iterable):
        raise InvalidInput(f"{name} must be a list of texts, not {quoted(found)}")
    items = list(found)
    for item in items:
        if not isinstance(item, str):
            raise InvalidInput(f"{name} must be a list of texts, but holds {quoted(item)}")
    return [item.strip() for item in items if item.strip()]


def mapping(argument: Any, name: str) -> dict[str, str] | None:
    """Return a mapping of text to text, such as labels or a condition; None when not given."""
    found = value(argument, name)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise InvalidInput(f"{name} must be a mapping, not {quoted(found)}")
    for key, item in found.items():
        if not isinstance(item, str):
            raise InvalidInput(f"{name} must hold texts, but {key!r} is {quoted(item)}")
    return {str(key): item for key, item in found.items()}


def flag(argument: Any, name: str) -> bool:
    """Return a boolean that is given as such or as its text; False when not given."""
    if argument is None:
        return False
    known = _TRUTH.get(str(argument).strip().lower())
    if known is None:
        raise InvalidInput(f"{name} {quoted(argument)} is not a boolean: write true or false")
    return known


def whole(argument: Any, name: str, *, least: int = 0, most: int = _MOST) -> int:
    """Return a whole number that is given as such or in digits.

    :param name: what it is, for the message; more may follow it, such as whose.
    :param most: 18 digits unless said otherwise, so that text of thousands of digits is no work.
    :raises InvalidInput: it is anything else, a boolean or `8.0` included, or out of bounds.
    """
    digits = "" if isinstance(argument, bool) else str(argument).strip()
    if digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS and least <= int(digits) <= most:
        return int(digits)
    bounds = f"of at least {least}" if most == _MOST else f"from {least} to {most}"
    raise InvalidInput(f"{name} {quoted(argument)} is not a whole number {bounds}".lstrip())


def hours(argument: Any, name: str) -> float | None:
    """Return a positive number of hours; None when not given, which promises no expiry."""
    return _positive(argument, name, "hours")


def seconds(argument: Any, name: str) -> float | None:
    """Return a positive number of seconds; None when not given."""
    return _positive(argument, name, "seconds")


def duration(argument: Any, name: str) -> float:
    """Return seconds, 0 or more, of a number, its text, or a timedelta; 0 when not given."""
    if isinstance(argument, timedelta):
        argument = argument.total_seconds()
    if argument is None or (isinstance(argument, str) and argument.strip() in (*_ABSENT, "0")) or argument == 0:
        return 0.0
    return _positive(argument, name, "seconds") or 0.0


def _positive(argument: Any, name: str, unit: str) -> float | None:
    if argument is None or (isinstance(argument, str) and argument.strip() in _ABSENT):
        return None
    try:
        number = float(argument) if not isinstance(argument, bool) else 0.0
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise InvalidInput(f"{name} {quoted(argument)} is not a positive number of {unit}")
    return number


def text(argument: Any) -> str:
    """Return a text; empty when not given."""
    if argument is None:
        return ""
    found = str(argument).strip()
    return "" if found in _ABSENT else found
