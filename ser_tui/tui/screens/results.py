"""Results: what a trial was scored on, and what each score is made of; follows an evaluation that is under way."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.evaluation.analysis import Explained, explained
from ser_tui.study.formatting import progress_text
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.follow import Follower
from ser_tui.tui.views.confusions import FEW_SPEAKERS, explained_lines, many_speakers
from ser_tui.tui.views.results import all_lines, origin_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.table import cell

TICK = 0.5


class ResultsScreen(AppScreen[None]):
    """What a trial of the run called `run_id`, the best one at first, got right and wrong, a scored part at a time; below it zero-shot
    results, folds and test part of the run, newest first. `awaited`: one of these was just asked for, and they stand above it."""

    CSS_PATH = "results.tcss"
    AUTO_FOCUS = "#results"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "errors", "errors", tooltip="Which utterances the trial gets wrong, cell by cell"),
        Binding("t", "trial", "trial", tooltip="Another trial's confusions, calibration and speakers"),
        Binding("n", "next", "next part", tooltip="Validation part, test part, folds, evaluations"),
        Binding("a", "speakers", "all speakers", tooltip="All speakers, or the lowest ones"),
        Binding("r", "shares", "row shares", tooltip="Counts, or per cent of the row"),
        Binding("u", "emotions", "use it", tooltip="Hear a recording with the best model: its emotions over time"),
        Binding("g", "seeds", "seeds", tooltip="Train the best configuration again with other seeds: mean and interval"),
        Binding("s", "stop", "stop", tooltip="Ask the worker to stop"),
        Binding("escape,q,v", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, run_id: str, awaited: bool = False) -> None:
        super().__init__()
        self._run_id = run_id
        self._awaited = awaited
        self._begun = False
        """Whether what was asked for has been told of."""
        self._follower: Follower | None = None
        self._number: int | None = None
        """The trial that is shown; None: the best one."""
        self._parts: tuple[object, tuple[Explained, ...]] = (None, ())
        """What that trial was scored on, and of which state of the run that is told."""
        self._which = 0
        """The part of these that is shown."""
        self._shares, self._all_speakers = False, False

    def compose(self) -> ComposeResult:
        """One section a result."""
        yield Lines(self._title(""), classes="title", id="head")
        with VerticalScroll(id="results"):
            yield Lines(cell("reading ...", "muted"), id="lines")
        yield KeyBar()

    def _title(self, state: str) -> Text:
        title = cell("Results", "bold")
        title.append_text(cell(f"   {state}" if state else "", "accent"))
        title.append_text(cell(f"   {self._run_id}", "muted"))
        return title

    def on_mount(self) -> None:
        """Read the log, and go on while a worker writes it."""
        self._follower = Follower(self.folder_of(self._run_id))
        self._follow(self._follower)

    @work(exclusive=True, group="follow")
    async def _follow(self, follower: Follower) -> None:
        while True:
            if await in_thread(follower.step) and not follower.view.behind:
                view = follower.view
                under_way = any(one.result is None and not one.reason for one in view.state.evaluations)
                words = "evaluating" if view.evaluating and under_way else "its worker is gone: the evaluation ended" if under_way else ""
                stage = view.state.progress
                if view.busy and not (view.evaluating and under_way) and stage is not None:
                    words = progress_text(stage.stage, stage.done, stage.utterances)
                if self._awaited and view.busy and not words and not self._begun:
                    words = "its worker is getting ready ..."  # for many seconds its log tells nothing
                elif words:
                    self._begun = True
                self.query_one("#head", Lines).show([self._title(words)])
                await self._explain(follower)
                self._draw(follower)
            await asyncio.sleep(0.01 if follower.view.behind else TICK)

    @work(exclusive=True, group="draw")
    async def _again(self) -> None:
        """Draw what was chosen otherwise; nothing where the run was not read yet."""
        follower = self._follower
        if follower is not None and follower.looked and not follower.view.behind:
            await self._explain(follower)
            self._draw(follower)

    def _draw(self, follower: Follower) -> None:
        nothing = [cell("nothing yet: no test part, no seeds, no folds, no evaluation", "muted")]
        width = max(40, self.size.width - 4)
        parts, others = self._part_lines(width), all_lines(follower.view.state, width)
        scored = (others + parts if self._awaited else parts + others) or nothing
        self.query_one("#lines", Lines).show(scored + origin_lines(follower.view.state, str(follower.folder.study), width))
        self.refresh_bindings()

    def _part_lines(self, width: int) -> list[Text]:
        part = self._part
        if part is None:
            return []
        lines = explained_lines(part, width, shares=self._shares, speakers=None if self._all_speakers else FEW_SPEAKERS)
        count = len(self._parts[1])
        return lines if count == 1 else [cell(f"scored part {self._which % count + 1} of {count}: n shows the next", "muted"), *lines]

    @property
    def _part(self) -> Explained | None:
        found = self._parts[1]
        return found[self._which % len(found)] if found else None

    async def _explain(self, follower: Follower) -> None:
        """Read the outputs of the trial, in a thread, where it is another one than before, or was scored on more."""
        state = follower.view.state
        trial = state.best if self._number is None else state.trial(self._number)
        ended = sum(one.result is not None for one in state.evaluations)
        mark = (trial and (trial.number, trial.outputs), len(state.truth), state.test is not None, state.folds, ended)
        if mark != self._parts[0]:
            found = await in_thread(explained, follower.folder, state, self._number) if trial is not None else ()
            self._parts = (mark, found)

    @work
    async def action_seeds(self) -> None:
        """Ask with how many seeds, and start a worker."""
        from ser_tui.tui.dialogs.run_dialogs import train_again

        if self._follower is not None and await train_again(self, self._run_id, self._follower.view.state):
            self._awaited, self._begun = True, False
            self._again()

    def action_errors(self) -> None:
        """To the matrix with its utterances."""
        self.ser.open("errors", self._run_id, self._number)

    def action_emotions(self) -> None:
        """To what the best model hears in a recording."""
        self.ser.open("emotions", self._run_id)

    @work
    async def action_trial(self) -> None:
        """Ask which trial is to be shown."""
        from ser_tui.tui.dialogs.run_dialogs import choose_trial

        if self._follower is None:
            return
        number = await choose_trial(self, self._follower.view.state, self._number)
        if number is not None:
            self._number, self._which, self._awaited = number, 0, False
            self._again()

    def action_next(self) -> None:
        """The next scored part of the trial."""
        self._which += 1
        self._awaited = False
        self.query_one("#results", VerticalScroll).scroll_home(animate=False)
        self._again()

    def action_speakers(self) -> None:
        """All speakers, or the lowest ones."""
        self._all_speakers = not self._all_speakers
        self._again()

    def action_shares(self) -> None:
        """Counts, or row shares."""
        self._shares = not self._shares
        self._again()

    def on_resize(self) -> None:
        """What stands side by side where there is room stands one below the other elsewhere."""
        self._again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works can be stopped, and only scores explained."""
        follower = self._follower
        imported = follower is not None and follower.view.imported
        if action == "emotions" and imported:
            return False  # no model came with it
        if action in ("errors", "shares", "trial", "emotions"):
            return follower is not None and (not follower.looked or follower.view.state.best is not None)
        if action == "next":
            return len(self._parts[1]) > 1
        if action == "speakers":
            part = self._part
            return part is not None and part.answers is not None and many_speakers(part.answers)
        if action == "seeds":
            return follower is not None and follower.view.state.best is not None and not follower.view.busy and not imported
        return action != "stop" or (follower is not None and follower.view.busy)

    @work
    async def action_stop(self) -> None:
        """Ask the worker to stop, after a question."""
        from ser_tui.tui.dialogs.run_dialogs import stop_run

        await stop_run(self, self._run_id)
