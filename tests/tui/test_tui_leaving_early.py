"""Every screen is left at every message of its mounting: nothing looks for widgets that are gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import finished
from piloting import until_shown
from test_tui_leaving import SCREENS
from textual.message_pump import MessagePump
from textual.screen import Screen

from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.base import AppScreen

pytestmark = pytest.mark.usefixtures("demo")

SECONDS = float(os.environ.get("SER_TUI_TEST_SECONDS", "60"))


class Leaver:
    """Has the screen dismissed just before its message number `at`, or that of a widget of its, is dispatched."""

    def __init__(self) -> None:
        self.screen: Screen[Any] | None = None
        self.at = -1
        self.seen = 0

    def before(self, pump: MessagePump) -> None:
        screen = self.screen
        if screen is None or not (pump is screen or screen in getattr(pump, "ancestors", ())):
            return
        if self.seen == self.at:
            screen.app.call_next(screen.dismiss)
        self.seen += 1


@pytest.fixture
def leaver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leaver]:
    found = Leaver()
    dispatched = MessagePump._dispatch_message

    async def dispatch(pump: MessagePump, message: Any) -> None:
        found.before(pump)
        await asyncio.sleep(0)  # others come in between
        await dispatched(pump, message)

    monkeypatch.setattr(MessagePump, "_dispatch_message", dispatch)
    yield found


MANY = 40
"""Of fewer messages than twice that a screen is left at every one; the form of a new study has thousands, most of fields alike."""


@pytest.mark.parametrize("points", [6, pytest.param(MANY, marks=pytest.mark.slow)], ids=["some", "every"])
@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_can_be_left_at_every_message_of_its_mounting(name: str, points: int, runs: Path, leaver: Leaver) -> None:
    one, other = finished(runs, trials=2).folder, finished(runs, trials=2, number=1).folder
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "2 runs")
        home = app.screen
        number = await mounted_and_left(app, SCREENS[name](one, other), leaver, at=None)
        assert number > 10
        for at in range(0, number, max(1, number // points)):
            await mounted_and_left(app, SCREENS[name](one, other), leaver, at)
            assert app.screen_stack == [home] and app._exception is None, at


async def mounted_and_left(app: SerTuiApp, screen: Screen[Any], leaver: Leaver, at: int | None) -> int:
    """Push `screen`, and leave it at its message number `at`, or once it is there; how many messages it had."""
    assert isinstance(screen, AppScreen)
    leaver.screen, leaver.seen, leaver.at = screen, 0, -1 if at is None else at
    app.push_screen(screen)
    deadline = asyncio.get_running_loop().time() + SECONDS
    for _ in range(200):
        await asyncio.sleep(0)
    if at is None:
        await asyncio.sleep(0.5)
        screen.dismiss()
    while screen.is_attached or not screen.left:
        if leaver.seen <= leaver.at:
            screen.dismiss()  # this time there were fewer
        assert asyncio.get_running_loop().time() < deadline, f"{screen} does not go when it is left at {at}"
        await asyncio.sleep(0.005)
    leaver.screen = None
    return leaver.seen
