"""A filled-in .env for the compose tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import write_env
from tests.compose.config import ROOT


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .env as `make env` writes it, not to be written to."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / ".env.example").write_text((ROOT / ".env.example").read_text())
    write_env.main(folder)
    return folder / ".env"
