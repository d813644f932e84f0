"""The whole log of a run: every event in words, or what the libraries printed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Log

from ser_tui.store.files import open_regular
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.text import printable, score
from ser_tui.tui.background import in_thread
from ser_tui.tui.screens.base import AppScreen
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines
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

    def compose(self) -> ComposeResult:
        """Which file, its lines, keys."""
        yield Lines(cell(""), classes="title", id="head")
        yield Log(max_lines=MOST, id="text")
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin with the events."""
        self.query_one(Log).focus()
        self._follow()

    @work(exclusive=True)
    async def _follow(self) -> None:
        log = self.query_one(Log)
        log.clear()
        path = self._folder.worker_log if self._libraries else self._folder.log
        self.query_one("#head", Lines).show([cell(path)])
        if self._libraries:
            lines = await in_thread(tail, path)
            log.write_lines(lines or ["nothing was printed"])
            return
        reader = LogReader(path)
        while True:
            found = await in_thread(reader.read)
            if found:
                log.write_lines([line(event) for event in found])
            await asyncio.sleep(0.01 if found else 0.5)

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


def tail(path: Path) -> list[str]:
    """The last lines of a text file, made harmless; empty where there is none."""
    try:
        with open_regular(path) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL))
            data = stream.read(TAIL)
    except OSError:
        return []
    return [printable(text) for text in data.decode("utf-8", "replace").splitlines()]


def line(event: events.Event) -> str:
    """One event in words."""
    return printable(f"{event.seq:>6} {event.time[11:19]}  {_words(event)}")


def _words(event: events.Event) -> str:
    match event:
        case events.TrialStarted():
            values = ", ".join(f"{name} {value}" for name, value in event.parameters.items())
            return f"trial {event.trial} started ({event.phase or 'proposed'}): {values}"
        case events.EpochFinished():
            loss = "-" if event.loss is None else f"{event.loss:.4f}"
            return f"trial {event.trial} epoch {event.epoch}/{event.epochs}: loss {loss}, BCA {score(event.bca)}, {event.seconds:.1f} s"
        case events.TrialFinished():
            collapsed = ", collapsed" if event.collapsed else ""
            scores = f"BCA {score(event.bca)}, accuracy {score(event.accuracy)}"
            return f"trial {event.trial} finished: {scores}, {event.seconds:.1f} s{collapsed}"
        case events.TrialFailed():
            return f"trial {event.trial} failed ({event.kind}): {event.reason}"
        case events.Note():
            return f"{event.level}: {event.text}"
        case events.RunStarted():
            parts = ", ".join(f"{part} {number}" for part, number in event.utterances.items())
            return "; ".join(["run started", parts, *event.warnings])
        case events.EvaluationStarted() | events.EvaluationProgressed():
            done = f"{event.done} of " if isinstance(event, events.EvaluationProgressed) else ""
            return f"evaluating on {event.corpus}: {done}{event.utterances} utterances"
        case events.EvaluationFinished():
            return f"zero-shot on {event.corpus}: accuracy {score(event.accuracy)}, BCA {score(event.bca)}, n={event.utterances}"
        case events.RunFinished() | events.RunCancelled() | events.RunFailed():
            return f"{event.type.replace('_', ' ')}: {event.reason}"
        case _:
            return event.type.replace("_", " ")
