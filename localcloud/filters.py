"""The `filter` parameter of `resourceRecordSets.list`: the corner of AIP-160 that Cloud DNS documents.

    name="a.example.com."                     name=has_suffix("example.com.") AND type="A"

The documentation also shows backticks around field and function names; they mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from localcloud.errors import ApiError, invalid
from localcloud.rrsets import is_domain_name

_TERM = re.compile(
    r"""\s*`?(?P<field>name|type)`?\s*=\s*
        (?:"(?P<value>[^"]*)"|`?has_suffix`?\s*\(\s*"(?P<suffix>[^"]*)"\s*\))\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"AND(?=\s|`)")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which record sets a list asks for: those at `name`, or at and below `suffix`, or all; of one type or of any."""

    name: str | None = None
    suffix: str | None = None
    type: str | None = None


def parse_filter(text: str) -> Selection:
    """Raises ApiError 400 for anything that is not a name, or a suffix, with at most one type beside it."""
    terms: dict[str, str] = {}
    position = 0
    while True:
        match = _TERM.match(text, position)
        if match is None:
            raise _bad(text)
        key = "suffix" if match["suffix"] is not None else match["field"]
        if key in terms or (key == "suffix" and match["field"] != "name"):
            raise _bad(text)
        terms[key] = match["value"] if match["suffix"] is None else match["suffix"]
        position = match.end()
        if position == len(text):
            break
        conjunction = _AND.match(text, position)
        if conjunction is None:
            raise _bad(text)
        position = conjunction.end()
    domains = [terms[key].lower() for key in ("name", "suffix") if key in terms]
    if len(domains) != 1 or not is_domain_name(domains[0]):
        raise _bad(text)
    name = domains[0] if "name" in terms else None
    return Selection(name=name, suffix=None if name else domains[0], type=terms.get("type"))


def _bad(text: str) -> ApiError:
    return ApiError(400, [invalid("parameters.filter", text)])
