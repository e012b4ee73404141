"""A shelf of tables for the tests of this folder: the user's folder is an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of tables, empty."""
    folder = tmp_path / "tables"
    monkeypatch.setenv("NAS_GYM_TABLES", str(folder))
    return folder
