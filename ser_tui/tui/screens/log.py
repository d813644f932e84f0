"""The whole log of a run: every event in words, or what the libraries printed."""

from __future__ import annotations

import asyncio
import os
import textwrap
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Log

from ser_tui.store.files import open_regular
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.findings import findings_of, said
from ser_tui.study.formatting import (
    counted,
    local_clock,
    local_zone,
    loss_text,
    of_speakers,
    printable,
    progress_text,
    score_with_interval,
)
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
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
        self.query_one("#head", Lines).show([cell(f"{path}   times in {local_zone()}")])
        if self._libraries:
            log.write_lines(await in_thread(tail, path) or ["nothing was printed"])
            return
        reader = LogReader(path)
        while True:
            found = await in_thread(reader.read)
            if found:
                log.write_lines([part for event in found for part in lines(event, self.size.width - 4)])
            await asyncio.sleep(0.01 if found else 0.5)

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


def tail(path: Path) -> list[str]:
    """The last lines of a text file, made harmless; empty where there is none."""
    try:
        with open_regular(path) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL))
            data = stream.read(TAIL)
    except OSError:
        return []
    return [printable(text) for text in data.decode("utf-8", "replace").splitlines()]


def lines(event: events.Event, width: int) -> list[str]:
    """One event in words, on as many lines of `width` as it needs."""
    told = printable(f"{event.seq:>6} {local_clock(event.time)}  {_words(event)}")
    return [told] if len(told) <= width else textwrap.wrap(told, max(40, width), subsequent_indent=" " * 17)


def _words(event: events.Event) -> str:
    match event:
        case events.TrialStarted():
            values = ", ".join(f"{name} {value}" for name, value in event.parameters.items())
            return f"trial {event.trial} started ({event.phase or 'proposed'}): {values}"
        case events.EpochFinished():
            scores = f"loss {loss_text(event.loss)}, BCA {score_with_interval(event.bca, event.interval)}"
            return f"trial {event.trial} epoch {event.epoch}/{event.epochs}: {scores}, {event.seconds:.1f} s"
        case events.Progressed():
            return progress_text(event.stage, event.done, event.utterances)
        case events.TrialFinished():
            collapsed = ", collapsed" if event.collapsed else ""
            return f"trial {event.trial} finished: {_scores(event)}, {event.seconds:.1f} s{collapsed}"
        case events.TrialFailed():
            ended = "cut short" if event.kind == "cut_short" else "failed"
            return f"trial {event.trial} {ended}: {event.reason}"
        case events.ProbeScored():
            return f"probe on the frozen encoder, best of {event.tried}: {_scores(event)}"
        case events.TestScored():
            return f"test part, scored once: {_scores(event)}"
        case events.FoldsScored():
            shown = f"pooled BCA {score_with_interval(event.pooled_bca, event.interval)}, n={event.utterances}"
            return f"{event.protocol}, {counted(len(event.folds), 'fold')}: {shown}"
        case events.EvaluationFailed():
            return f"evaluation on {event.corpus} failed: {event.reason}"
        case events.Note():
            return f"{event.level}: {event.text}"
        case events.RunStarted():
            parts = ", ".join(f"{part} {number} utterances" for part, number in event.utterances.items() if number)
            return "; ".join(["run started", parts, *said(findings_of(event))])
        case events.EvaluationStarted() | events.EvaluationProgressed():
            if isinstance(event, events.EvaluationProgressed):
                return f"evaluating on {event.corpus}: {event.done} of {event.utterances} utterances"
            return f"evaluating on {_target(event)}: {event.utterances} utterances"
        case events.EvaluationFinished():
            accuracy = score_with_interval(event.accuracy, event.accuracy_interval)
            shown = score_with_interval(event.bca, event.bca_interval)
            return f"zero-shot on {_target(event)}: accuracy {accuracy}, BCA {shown}, n={event.utterances}"
        case events.RunFinished() | events.RunCancelled() | events.RunFailed():
            return f"{event.type.replace('_', ' ')}: {event.reason}"
        case events.Unknown():
            return f"{event.kind.replace('_', ' ')} (this version does not know such events)"
        case _:
            return event.type.replace("_", " ")


def _target(event: events.EvaluationStarted | events.EvaluationFinished) -> str:
    whose = of_speakers(event.speakers, event.without)
    return f"{event.corpus} ({whose})" if whose else event.corpus


def _scores(event: events.TrialFinished | events.ProbeScored | events.TestScored) -> str:
    accuracy = score_with_interval(event.accuracy, event.accuracy_interval)
    return f"BCA {score_with_interval(event.bca, event.interval)}, accuracy {accuracy}, n={event.utterances}"
