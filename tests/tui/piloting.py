"""A way to use the app as a person does: read the screen, press keys, wait for what shall come."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot


def shown(app: App[Any]) -> str:
    """What is on the screen now, as plain text."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(
    pilot: Pilot[Any], condition: Callable[[], object], seconds: float = float(os.environ.get("SER_TUI_TEST_SECONDS", "60"))
) -> None:
    """Wait until `condition()` holds; fail with what is on the screen otherwise."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain; on the screen:\n{shown(pilot.app)}")
        await pilot.pause(0.02)


async def until_shown(pilot: Pilot[Any], *texts: str, seconds: float = float(os.environ.get("SER_TUI_TEST_SECONDS", "60"))) -> None:
    """Wait until all of `texts` are on the screen."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts), seconds)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press `keys`, and type those that begin with a quote: as fast as a terminal pastes."""
    for key in keys:
        if not key.startswith("'"):
            await pilot.press(key)
            continue
        for character in key[1:]:
            pilot.app.post_message(events.Key(character if character.isalnum() else _character_to_key(character), character))
        await pilot.pause()
