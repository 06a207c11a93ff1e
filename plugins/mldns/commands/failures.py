"""How a command ends without having done what was asked, other than by bad input."""

from __future__ import annotations

from mldns.exceptions import MldnsError


class NotProven(MldnsError):
    """DNS does not answer as it must. `code` is the exit code, 20 or 30."""

    def __init__(self, summary: str, code: int) -> None:
        self.code = code
        super().__init__(summary)
