"""The gate's fixtures, for all tests here."""

from __future__ import annotations

from tests.mldns.gate_fixture import connect, log, private, public

__all__ = ["connect", "log", "private", "public"]
