"""Where a command's text goes: standard output, or a file that is whole or not there."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from mldns.exceptions import InvalidInput, MldnsError


class NotProven(MldnsError):
    """DNS does not answer as it must. `code` is the exit code, 20 or 30."""

    def __init__(self, summary: str, code: int) -> None:
        self.code = code
        super().__init__(summary)


def write(text: str, path: str | None) -> None:
    """Write to a file, or to standard output where none is named.

    :raises InvalidInput: the file cannot be written; one that was there before is untouched.
    """
    if path is None or path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        target = Path(path)
        if target.exists() and not target.is_file():
            target.write_text(text)  # a pipe or a device cannot be replaced
        else:
            _replace(target, text)
    except OSError as error:
        raise InvalidInput(f"--output {path}: {error.strerror}") from None


def _replace(target: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
