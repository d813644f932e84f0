"""Results: the best trial on parts that no trial saw; follows an evaluation that is under way."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.store.runs import RunFolder
from ser_tui.study.formatting import progress_text
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.follow import Follower
from ser_tui.tui.views.confusions import part_lines
from ser_tui.tui.views.results import all_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.table import cell

TICK = 0.5


class ResultsScreen(AppScreen[None]):
    """Zero-shot results, folds and test part of the run called `run_id`, newest first."""

    CSS_PATH = "results.tcss"
    AUTO_FOCUS = "#results"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "errors", "errors", tooltip="Which utterances the best trial gets wrong, cell by cell"),
        Binding("r", "shares", "row shares", tooltip="Counts, or per cent of the row"),
        Binding("s", "stop", "stop", tooltip="Ask the worker to stop"),
        Binding("escape,q,v", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._follower: Follower | None = None
        self._best: tuple[object, tuple[Explained, ...]] = (None, ())
        """What the best trial's validation score is made of, and of which state of the run."""
        self._shares = False

    def compose(self) -> ComposeResult:
        """One section a result."""
        yield Lines(self._title(""), classes="title", id="head")
        with VerticalScroll(id="results"):
            yield Lines(cell("reading ...", "muted"), id="lines")
        yield KeyBar()

    def _title(self, state: str) -> Text:
        title = cell("Results", "bold")
        title.append_text(cell(f"   {self._run_id}", "muted"))
        title.append_text(cell(f"   {state}", "accent"))
        return title

    def on_mount(self) -> None:
        """Read the log, and go on while a worker writes it."""
        self._follower = Follower(RunFolder(self.ser.runs / self._run_id))
        self._follow(self._follower)

    @work(exclusive=True)
    async def _follow(self, follower: Follower, redraw: bool = False) -> None:
        while True:
            changed = await in_thread(follower.step) or redraw
            redraw = False
            view = follower.view
            if changed and not view.behind:
                under_way = any(one.result is None and not one.reason for one in view.state.evaluations)
                words = (
                    "evaluating"
                    if view.busy and under_way
                    else "its worker is gone: the evaluation ended"
                    if under_way
                    else ""
                )
                stage = view.state.progress
                if view.busy and not under_way and stage is not None:
                    words = progress_text(stage.stage, stage.done, stage.utterances)
                self.query_one("#head", Lines).show([self._title(words)])
                await self._explain(follower)
                nothing = [cell("nothing yet: no test part, no folds, no evaluation", "muted")]
                width = max(40, self.size.width - 4)
                first = [line for part in self._best[1][:1] for line in part_lines(part, width, shares=self._shares)]
                self.query_one("#lines", Lines).show(first + all_lines(view.state, width) or nothing)
                self.refresh_bindings()
            await asyncio.sleep(0.01 if view.behind else TICK)

    async def _explain(self, follower: Follower) -> None:
        """Read the outputs of the best trial, in a thread, where it is another one than before."""
        state = follower.view.state
        mark = (state.best and (state.best.number, state.best.outputs), len(state.truth))
        if mark != self._best[0]:
            found = await in_thread(explained, follower.folder, state) if state.best is not None else ()
            self._best = (mark, found)

    def action_errors(self) -> None:
        """To the matrix with its utterances."""
        self.ser.open("errors", self._run_id)

    def action_shares(self) -> None:
        """Counts, or row shares."""
        self._shares = not self._shares
        if self._follower is not None:
            self._follow(self._follower, redraw=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works can be stopped, and only scores explained."""
        if action in ("errors", "shares"):
            follower = self._follower
            return follower is not None and (not follower.looked or follower.view.state.best is not None)
        return action != "stop" or (self._follower is not None and self._follower.view.busy)

    @work
    async def action_stop(self) -> None:
        """Ask the worker to stop, after a question."""
        from ser_tui.tui.dialogs.run_dialogs import stop_run

        await stop_run(self, self._run_id)
