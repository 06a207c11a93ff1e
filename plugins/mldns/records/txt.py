"""The character strings of a TXT rdata: quoting and unquoting of presentation format (RFC 1035 §5.1).

The stand-alone form is needed because comparing a zone with a wish must not depend on how either was quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mldns.exceptions import InvalidInput

MAX_STRING = 255  # octets of one character string

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+))')
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)


def split_strings(text: str, where: str) -> tuple[bytes, ...]:
    """Return the octets of each string of `"a b" c`; a string above 255 octets is an error, as for the API."""
    strings: list[bytes] = []
    position, bare = 0, text.rstrip()
    while position < len(bare):
        match = _TOKEN.match(bare, position)
        if match is None:
            raise InvalidInput(f"{where}: rrdata {text[:60]!r} has an unbalanced quote")
        strings.append(_unescape(match.group(1) if match.group(1) is not None else match.group(2), where))
        position = match.end()
    for string in strings:
        if len(string) > MAX_STRING:
            raise InvalidInput(f"{where}: a string of {len(string)} octets, a TXT string has at most {MAX_STRING}")
    return tuple(strings)


def quote_strings(strings: Iterable[bytes]) -> str:
    """Return presentation format: every string quoted, as Cloud DNS returns it."""
    return " ".join(f'"{_escape(string)}"' for string in strings)


def _unescape(text: str, where: str) -> bytes:
    """Decode `\\DDD` and `\\c`; text outside ASCII stands for its UTF-8 octets."""
    octets = bytearray()
    position = 0
    for match in _ESCAPE.finditer(text):
        octets += text[position : match.start()].encode()
        code = match.group(1)
        if len(code) == 3 and int(code) > 255:
            raise InvalidInput(f"{where}: rrdata escape \\{code} is above 255")
        octets += bytes((int(code),)) if len(code) == 3 else code.encode()
        position = match.end()
    return bytes(octets + text[position:].encode())


def _escape(string: bytes) -> str:
    return "".join(
        f"\\{chr(octet)}" if octet in b'"\\' else chr(octet) if 32 <= octet < 127 else f"\\{octet:03d}"
        for octet in string
    )
