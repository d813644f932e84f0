"""Inputs that researchers handed in and that once went wrong: the folder of cases beside the project, where it is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def field_cases() -> Path:
    """The folder of field cases; skips where it is absent. SER_TUI_TEST_FIELD names another one."""
    folder = Path(os.environ.get("SER_TUI_TEST_FIELD") or Path(__file__).resolve().parents[3] / "shared" / "field" / "cases")
    if not folder.is_dir():
        pytest.skip(f"needs the field's inputs in {os.path.relpath(folder)} (SER_TUI_TEST_FIELD names another place)")
    return folder


@pytest.fixture
def field_case(field_cases: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the case of that name in a folder of the test's own."""

    def copied(name: str) -> Path:
        place = tmp_path / "case" / name
        shutil.copytree(field_cases / name, place, symlinks=True)
        return place

    return copied


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: cache and configuration that nobody has used, no data folders; where to put files."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)
    return tmp_path
