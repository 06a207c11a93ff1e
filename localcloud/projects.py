"""Projects: localcloud knows every one that somebody names, and gives it a number."""

from __future__ import annotations

import hashlib


def project_number(project: str) -> int:
    """A number of twelve digits that stays the same for a project; a numeric project is its own number."""
    if project.isdigit():
        return int(project)
    return 10**11 + int.from_bytes(hashlib.sha256(project.encode()).digest()[:8], "big") % (9 * 10**11)
