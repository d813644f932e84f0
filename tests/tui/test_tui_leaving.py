"""A screen that is left while something is still being read for it: what comes late finds no screen, and harms none."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fabricated_runs import finished
from piloting import until, until_shown
from textual.events import Resize
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from ser_tui.store.runs import RunFolder
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data import background
from ser_tui.tui.screens.compare import CompareScreen
from ser_tui.tui.screens.corpora import CorporaList, CorporaScreen
from ser_tui.tui.screens.encoders import EncodersScreen
from ser_tui.tui.screens.evaluate import EvaluateScreen
from ser_tui.tui.screens.log import LogScreen
from ser_tui.tui.screens.new_study import NewStudyScreen
from ser_tui.tui.screens.results import ResultsScreen
from ser_tui.tui.screens.run import RunScreen


class Held:
    """Holds the app's background calls back from the moment on that it is told to, until it lets them go."""

    def __init__(self) -> None:
        self.holding = False
        self._gate = threading.Event()
        self.threads: list[threading.Thread] = []

    def thread(self, target: Callable[[], None], daemon: bool, name: str) -> threading.Thread:
        held = self.holding

        def work() -> None:
            if held:
                self._gate.wait()
            target()

        found = threading.Thread(target=work, daemon=daemon)
        if held:
            self.threads.append(found)
        return found

    async def let_go(self) -> None:
        """Until every answer has come and was taken."""
        self._gate.set()
        for thread in self.threads:
            thread.join()
        await rounds()


async def rounds() -> None:
    """Let the event loop do what it has to do."""
    for _ in range(100):
        await asyncio.sleep(0)


class Last(Widget):
    """The last widget of its screen to go: it lets the answers come when all others have gone."""

    def __init__(self, held: Held) -> None:
        super().__init__()
        self._held = held

    async def on_unmount(self) -> None:
        await rounds()
        await self._held.let_go()


SCREENS: dict[str, Callable[[RunFolder, RunFolder], Screen[Any]]] = {
    "run": lambda one, other: RunScreen(one.run_id),
    "results": lambda one, other: ResultsScreen(one.run_id),
    "log": lambda one, other: LogScreen(one),
    "compare": lambda one, other: CompareScreen([one.run_id, other.run_id]),
    "evaluate": lambda one, other: EvaluateScreen(one.run_id),
    "evaluate nothing": lambda one, other: EvaluateScreen("20260101-000000-gone-aaaa"),
    "corpora": lambda one, other: CorporaScreen(),
    "encoders": lambda one, other: EncodersScreen(),
    "new study": lambda one, other: NewStudyScreen(),
}


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("name", SCREENS)
async def test_an_answer_that_comes_while_its_screen_goes_harms_nothing(name: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    monkeypatch.setattr(background, "threading", SimpleNamespace(Thread=held.thread))
    one, other = finished(runs, trials=2).folder, finished(runs, trials=2, number=1).folder
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "2 runs")
        home = app.screen
        held.holding = True
        screen = SCREENS[name](one, other)
        await app.push_screen(screen)
        await screen.mount(Last(held))
        await until(pilot, lambda: held.threads)
        screen.post_message(Resize(Size(79, 24), Size(79, 24)))
        screen.dismiss()
        await until(pilot, lambda: not screen.is_attached)
        assert app.screen_stack == [home]


async def test_a_download_goes_on_when_its_screen_is_left(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = threading.Event()
    monkeypatch.setattr("ser_tui.corpora.fetching.download.get", lambda name, progress, accept_licence: arrived.wait())
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "o corpora")
        await pilot.press("o")
        await until_shown(pilot, "made when used")
        app.screen.query_one(CorporaList).go_to("ravdess")
        await until_shown(pilot, "g get")
        await pilot.press("g")
        await until_shown(pilot, "y accepts")
        await pilot.press("ctrl+y")
        await until_shown(pilot, "fetching ...")
        await pilot.press("escape")
        await until_shown(pilot, "No runs yet")
        await pilot.press("o")
        await until_shown(pilot, "made when used")
        app.screen.query_one(CorporaList).go_to("ravdess")
        await until_shown(pilot, "fetching ...")
        await pilot.press("escape")
        arrived.set()
        await until_shown(pilot, "ravdess is here now")


async def test_a_screen_that_leaves_by_itself_takes_what_lies_on_it_along(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    monkeypatch.setattr(background, "threading", SimpleNamespace(Thread=held.thread))
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "No runs yet")
        home = app.screen
        held.holding = True
        await app.push_screen(EvaluateScreen("20260101-000000-gone-aaaa"))
        await pilot.press("question_mark")
        await until_shown(pilot, "Zero-shot: what maps")
        await held.let_go()
        await until_shown(pilot, "this run has no model yet")
        assert app.screen_stack == [home]


async def test_a_disk_that_goes_away_under_an_open_run_ends_no_app(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount by FUSE died: the app ended with a traceback."""
    folder = finished(runs, trials=2).folder
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "1 run")
        app.open_run(folder.run_id)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        await until(pilot, lambda: screen.follower is not None and screen.follower.looked)
        assert screen.follower is not None
        view, looked = screen.follower.view, os.stat

        def away(path: Any, *given: Any, **named: Any) -> os.stat_result:
            if str(path) == str(folder.path):
                raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(path))
            return looked(path, *given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", away)
            screen.follower.step()
        assert screen.follower.view == view, "what was known of it stands"

        async def refused() -> None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected", str(folder.path))

        screen.run_worker(refused())
        await until(pilot, lambda: any("Transport endpoint is not connected" in str(one.message) for one in app._notifications))
        assert app.is_running and app.screen is screen
