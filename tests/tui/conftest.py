"""What the interface's tests share: folders of their own, and a way to read the screen as a person does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the corpora nor the cache of whoever runs the tests; a terminal of 256 colours."""
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


def shown(app: App[Any]) -> str:
    """What is on the screen now, as plain text."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(
    pilot: Pilot[Any],
    condition: Callable[[], object],
    seconds: float = float(os.environ.get("SER_TUI_TEST_SECONDS", "60")),
) -> None:
    """Wait until `condition()` holds; fail with what is on the screen otherwise."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain; on the screen:\n{shown(pilot.app)}")
        await pilot.pause(0.02)


async def until_shown(
    pilot: Pilot[Any], *texts: str, seconds: float = float(os.environ.get("SER_TUI_TEST_SECONDS", "60"))
) -> None:
    """Wait until all of `texts` are on the screen."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts), seconds)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press `keys`, and type those that begin with a quote."""
    for key in keys:
        await pilot.press(*(key[1:] if key.startswith("'") else (key,)))
