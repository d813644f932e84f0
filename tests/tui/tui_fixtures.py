"""Folders of their own for the interface's tests."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ser_tui.study import silence


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the corpora nor the cache of whoever runs the tests; a terminal of 256 colours; and fabricated runs, which were begun days
    ago, do not hang."""
    monkeypatch.setattr(silence, "SILENT_SECONDS", math.inf)
    for name in ("CACHE", "CONFIG"):
        monkeypatch.setenv(f"SER_TUI_{name}", str(tmp_path / name.lower()))
    monkeypatch.delenv("SER_TUI_DATA", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLORTERM", raising=False)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """An empty folder for runs."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder
