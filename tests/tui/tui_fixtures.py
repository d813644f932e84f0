"""Folders of their own for the interface's tests."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from ser_tui.corpora import registry
from ser_tui.corpora.locations import installed_folder
from ser_tui.places import cache_folder
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


@pytest.fixture(scope="session")
def _spoken(_own_places: None) -> Path:
    """The session's demo corpus, and beside it what was found out about its files."""
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")
    registry.load_manifest("demo")
    return cache_folder()


@pytest.fixture
def demo(own_machine: None, _spoken: Path) -> None:
    """The demo corpus is on this machine already, as it is from the second time on: to make and to read it takes seconds."""
    installed_folder("demo").parent.mkdir(parents=True)
    installed_folder("demo").symlink_to(_spoken / "corpora" / "demo")
    shutil.copytree(_spoken / "manifests", cache_folder() / "manifests")
