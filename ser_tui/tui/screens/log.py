"""The whole log of a run: every event in words, or what the libraries printed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Log

from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.formatting import local_clock, local_zone, printable
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import reduce
from ser_tui.study.regular import open_regular
from ser_tui.study.state import RunState
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, in_words
from ser_tui.tui.widgets.table import cell

TAIL = 256 * 1024
"""Bytes of worker.log that are shown, from its end."""
MOST = 20_000
"""Lines that the view keeps; the files have them all."""


class LogScreen(AppScreen[None]):
    """Follows the log of the run in `folder`."""

    CSS_PATH = "log.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "switch", "events / libraries", tooltip="Between the run's events and worker.log"),
        Binding("g,home", "first", "first", key_display="g"),
        Binding("G,end", "last", "last", key_display="G"),
        Binding("escape,q,l", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self._folder = folder
        self._libraries = False
        self._width = 0

    def compose(self) -> ComposeResult:
        """Which file, its lines, keys."""
        yield Lines(cell(""), classes="title", id="head")
        yield Log(max_lines=MOST, id="text")
        yield KeyBar()

    def on_mount(self) -> None:
        """The keys belong to the lines; what they are begins with the screen's first size."""
        self.query_one(Log).focus()

    @work(exclusive=True)
    async def _follow(self) -> None:
        log = self.query_one(Log)
        log.clear()
        path = self._folder.worker_log if self._libraries else self._folder.log
        head = cell(f"   times in {local_zone()}", "muted")
        place, room = str(path), max(20, self.size.width - 2 - head.cell_len)
        # Of a long path the end says which run it is.
        shown = place if cell_len(place) <= room else f"…{place[1 - room :]}"
        self.query_one("#head", Lines).show([cell(shown).append_text(head)])
        if self._libraries:
            width = max(40, self.size.width - 4)
            told = await in_thread(lambda: [part for line in tail(path) for part in in_words(line, width, hang=4)])
            log.write_lines(told or ["nothing was printed"])
            return
        reader, state = LogReader(path), RunState()
        while True:
            state, told = await in_thread(_read, reader, state, self.size.width - 4)
            log.write_lines(told)
            await asyncio.sleep(0.01 if told else 0.5)

    def on_resize(self, event: Resize) -> None:
        """Break the lines for the new width."""
        if event.size.width != self._width:
            self._width = event.size.width
            self._follow()

    def action_switch(self) -> None:
        """Show the other file."""
        self._libraries = not self._libraries
        self._follow()

    def action_first(self) -> None:
        """Go to the beginning."""
        self.query_one(Log).scroll_home(animate=False)

    def action_last(self) -> None:
        """Go to the end."""
        self.query_one(Log).scroll_end(animate=False)


def _read(reader: LogReader, state: RunState, width: int) -> tuple[RunState, list[str]]:
    """(the state after what is new in the log, that in words)"""
    told: list[str] = []
    for event in reader.read():
        state = reduce(state, event)
        told += lines(event, state, width)
    return state, told


def tail(path: Path) -> list[str]:
    """The last lines of a text file, made harmless; empty where there is none."""
    try:
        with open_regular(path) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL))
            data = stream.read(TAIL)
    except OSError:
        return []
    return [printable(text) for text in data.decode("utf-8", "replace").splitlines()]


def lines(event: events.Event, state: RunState, width: int) -> list[str]:
    """One event in words, on as many lines of `width` as it needs. `state`: the one after it."""
    told: list[str] = []
    for line in narrate(event, state):
        text = printable(f"{event.seq:>6} {local_clock(event.time)}  {'warning: ' if line.level == 'warning' else ''}{line.whole}")
        told += in_words(text, max(40, width), hang=17)
    return told
