"""A filled-in .env for the compose tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import write_env
from tests.compose.config import ROOT


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """An .env as `make env` writes it."""
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    write_env.main(tmp_path)
    return tmp_path / ".env"
