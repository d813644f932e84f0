"""Every screen is left at every message of its mounting: nothing looks for widgets that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricated_runs import finished
from piloting import until_shown
from test_tui_leaving import SCREENS
from textual import events
from textual.message_pump import MessagePump
from textual.screen import Screen

from ser_tui.tui.app import SerTuiApp


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


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_can_be_left_at_every_message_of_its_mounting(name: str, runs: Path, leaver: Leaver) -> None:
    one, other = finished(runs, trials=2).folder, finished(runs, trials=2, number=1).folder
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "2 runs")
        home = app.screen
        leaver.at, leaver.seen = 10**9, 0
        leaver.screen = SCREENS[name](one, other)
        app.push_screen(leaver.screen)
        await pilot.pause(0.5)
        leaver.screen.dismiss()
        number = leaver.seen
        step = max(1, number // 40)
        for at in range(0, number, step):
            while app.screen is not home or app.is_mounted is False:
                await pilot.pause(0.01)
            screen = SCREENS[name](one, other)
            leaver.at, leaver.seen, leaver.screen = at, 0, screen
            app.push_screen(screen)
            for _ in range(400):
                await asyncio.sleep(0)
                if leaver.seen > at and not screen.is_attached:
                    break
            leaver.screen = None
            screen.dismiss()
            await pilot.pause()
        assert app.screen_stack == [home]
