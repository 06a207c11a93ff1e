"""The one-off service of docker-compose.yml: brings the database up to date and lets the admin in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Migrate the database, then write the simple auth manager's password file; the code of what failed otherwise."""
    migrated = subprocess.run(["airflow", "db", "migrate"], check=False)  # noqa: S607 - the image's own
    if migrated.returncode:
        return migrated.returncode
    passwords = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    passwords.touch(mode=0o600)
    passwords.write_text(json.dumps({"admin": os.environ["AIRFLOW_ADMIN_PASSWORD"]}))
    print("airflow-init: the database is up to date, user admin may log in")
    return 0


if __name__ == "__main__":
    sys.exit(main())
