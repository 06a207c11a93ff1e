"""What a process needs before it can use the hook: imported once, by the process that all others are forked from."""

from __future__ import annotations

import mldns.hooks.cloud_dns  # noqa: F401
