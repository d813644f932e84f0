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
        pytest.skip(f"needs the field's inputs in {folder}, which a user's machine has not")
    return folder


@pytest.fixture
def field_case(field_cases: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the case of that name in a folder of the test's own."""

    def copied(name: str) -> Path:
        place = tmp_path / "case" / name
        shutil.copytree(field_cases / name, place, symlinks=True)
        return place

    return copied
