"""Values as text: for a shell's `eval`, for an env file, for a program."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from mldns.exceptions import InvalidInput


def exports(variables: Mapping[str, str]) -> str:
    """`export NAME=value` lines, quoted for `eval "$(…)"` in any POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def dotenv(variables: Mapping[str, str]) -> str:
    """`NAME=value` lines as `docker run --env-file` and `kubectl create configmap --from-env-file` take them: unquoted.

    :raises InvalidInput: a value has a line break, which such a file cannot hold.
    """
    for name, value in variables.items():
        if "\n" in value or "\r" in value:
            raise InvalidInput(f"{name} has a line break, which an env file cannot hold")
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def as_json(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(",", ":")) + "\n"
