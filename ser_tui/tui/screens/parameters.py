"""What mattered: the score over each searched hyperparameter on its scale, and their importances."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll

from ser_tui.client.importances import Importances
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.headline import pooled_over, sample, validation_speakers
from ser_tui.study.state import RunState
from ser_tui.study.summary import counted_trials
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.parameter_plots import expectation_picture, front_picture, importance_lines, parameter_pictures
from ser_tui.tui.views.trial_plot import objective_of
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.pictures import Picture
from ser_tui.tui.widgets.plotted import Plotted
from ser_tui.tui.widgets.table import cell, shortened

FRAME_SECONDS = 1 / 30
LOOK_SECONDS = 1.0
"""Between two looks whether the run went on."""
AGAIN_SECONDS = 30.0
"""After an answer, until it is asked again which mattered, where trials have ended since: each time takes seconds of a processor."""
LONGEST_NAME = 24
"""Cells for the name of the run in the heading."""
NOTHING = "every hyperparameter has one value in this study: there is nothing to draw, and none can have mattered"


class ParametersScreen(AppScreen[None]):
    """The run that `view()` shows; follows it while it goes on."""

    CSS_PATH = "parameters.tcss"
    AUTO_FOCUS = "#panels"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "ask", "importance again", tooltip="Ask now which mattered; while the run goes on it is asked every half minute"),
        Binding("z", "zoom", "zoom", tooltip="Plot the best scores only, and back to all"),
        Binding("escape,q,p", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, view: Callable[[], View]) -> None:
        super().__init__()
        self._view = view
        self._drawn: RunState | None = None
        self._zoomed = False
        self._names = view().state.study.varied
        self._importances: Importances | None = None
        self._problem = ""
        """Why it was not told which mattered."""
        self._trials = 0
        """How many have a score by now."""
        self._asked_of: int | None = None
        """Of how many it was asked last which mattered."""
        self._asking = False
        self._answered = 0.0

    def compose(self) -> ComposeResult:
        """Importances, and a panel for each hyperparameter."""
        yield Lines(cell("Parameters", "bold"), classes="title", id="head")
        yield Lines(*self._importance_lines(), id="importance")
        with VerticalScroll(id="panels"), Container(id="grid"):
            for name in self._names:
                yield Plotted(f"{name}: no trial has a score yet", classes="panel")
            yield Plotted(id="front")
            yield Plotted(id="expected")
        yield KeyBar()

    def on_mount(self) -> None:
        """Draw, now and as the run goes on; ask which mattered, and again when trials have ended."""
        self.set_interval(LOOK_SECONDS, self._look)
        self.call_after_refresh(self._draw)
        if self._names:
            self.action_ask()

    def _look(self) -> None:
        self._draw()
        behind = self._asked_of is not None and self._trials != self._asked_of
        if behind and not self._asking and self.in_front and time.monotonic() - self._answered >= AGAIN_SECONDS:
            self.action_ask()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What does not vary cannot matter, and minutes have no best ones to be zoomed to."""
        if action == "zoom":
            return bool(self._names) and objective_of(self._view().state).measure.unit == "share"
        return action != "ask" or bool(self._names)

    def on_resize(self) -> None:
        """Other widths, other lines."""
        self._drawn = None
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        state = self._view().state
        if state is self._drawn:
            return
        self._drawn = state
        self._draw_state(state)

    # Without a description Textual writes one that holds the repr of the arguments: 1.5 s for a state of ten thousand trials.
    @work(exclusive=True, group="pictures", description="parameters' plots")
    async def _draw_state(self, state: RunState) -> None:
        # Of ten thousand trials it takes half a second on a small machine: not on the event loop.
        number, scored, pictures, beside = await in_thread(_pictures, state, self._zoomed)
        head = cell(f"{shortened(state.study.name, LONGEST_NAME)}  parameters", "bold")
        over = "" if state.best is None else sample(state.best.utterances, validation_speakers(state.start))
        part = ", ".join(filter(None, ("validation part", pooled_over(state.start), state.study.transductive, over)))
        of = f"{objective_of(state).label} of {counted(number, 'trial')}"
        head.append_text(cell(f"   {of}, {part}", "muted"))
        self.query_one("#head", Lines).show(broken(head, max(20, self.size.width - 2), hang=2))
        self._trials = scored
        self._show_importances()
        for name, panel in zip(self._names, self.query(".panel").results(Plotted), strict=True):
            panel.show(pictures.get(name))
            await asyncio.sleep(FRAME_SECONDS)  # a frame for each: all at once, no key would be answered for some frames
        for name, picture in beside.items():
            panel = self.query_one(f"#{name}", Plotted)
            appears = picture is not None and not panel.display
            panel.display = picture is not None
            if appears:
                self._drawn = None  # it has no size yet: it is drawn with the next look
            panel.show(picture)

    def _show_importances(self) -> None:
        width = max(20, self.size.width - 2)
        self.query_one("#importance", Lines).show([part for line in self._importance_lines() for part in broken(line, width, hang=2)])

    def _importance_lines(self) -> list[Text]:
        if not self._names:
            return [cell(NOTHING, "muted")]
        return importance_lines(self._importances, self._problem, self._trials)

    def action_zoom(self) -> None:
        """The best scores only, or all again."""
        self._zoomed = not self._zoomed
        self._draw_state(self._view().state)

    @work(exclusive=True, group="importances")
    async def action_ask(self) -> None:
        """Ask a process of its own which hyperparameters mattered."""
        from ser_tui.client.importances import importances

        state = self._view().state
        self._asking, scored = True, await in_thread(_scored, state)
        self._asked_of = self._trials = len(scored)
        self._show_importances()
        space = {name: state.study.search[name] for name in self._names}
        try:
            self._importances, self._problem = await in_thread(importances, space, scored), ""
        except UserError as error:
            self._importances, self._problem = None, str(error)
        self._asking, self._answered = False, time.monotonic()
        self._show_importances()


def _pictures(state: RunState, zoomed: bool) -> tuple[int, int, Mapping[str, Picture], Mapping[str, Picture | None]]:
    """How many trials count, and how many of them have a score; the pictures of the searched hyperparameters, and those of a run that has
    them: the front of two objectives, and what was expected."""
    return (
        len(counted_trials(state)),
        len(_scored(state)),
        parameter_pictures(state, zoomed),
        {"front": front_picture(state), "expected": expectation_picture(state)},
    )


def _scored(state: RunState) -> list[tuple[Mapping[str, Any], float]]:
    value_of = objective_of(state).value
    return [(trial.parameters, value) for trial in counted_trials(state) if (value := value_of(trial)) is not None]
