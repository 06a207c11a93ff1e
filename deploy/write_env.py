"""Writes .env for docker-compose.yml from .env.example, with fresh secrets: `make env`. Needs Python alone."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path


def fresh_secret(name: str) -> str:
    """Return a random value for the variable `name`, in the form that Airflow wants it."""
    if name == "AIRFLOW_FERNET_KEY":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(32)  # hexadecimal: needs no quoting in a database URL, nor a `$` escaped for compose


def fill(template: str) -> str:
    """Return `template` with a fresh secret behind every `NAME=` that has no value."""
    lines = (
        f"{line}{fresh_secret(line[:-1])}" if line.endswith("=") and line[0] != "#" else line
        for line in template.splitlines()
    )
    return "\n".join(lines) + "\n"


def main(folder: Path) -> int:
    """Write `folder`/.env, readable by its owner alone; an .env that is there stays as it is."""
    target = folder / ".env"
    content = fill((folder / ".env.example").read_text())
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already: left as it is (its secrets belong to data that exists)")
        return 0
    with os.fdopen(descriptor, "w") as sink:
        sink.write(content)
    print(f"wrote {target} with fresh secrets; next: docker compose up --build")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))
