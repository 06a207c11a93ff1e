"""Properties hold on a busy machine, too: no example has a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mldns", deadline=None)
settings.load_profile("mldns")
