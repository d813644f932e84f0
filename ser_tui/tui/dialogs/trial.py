"""One trial in full, over the run screen; follows the trial while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from ser_tui.tui.screens.base import AppDialog
from ser_tui.tui.views.trial_details import trial_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from ser_tui.tui.screens.run import RunScreen


class TrialScreen(AppDialog[None]):
    """Trial `number` of the run that `run` shows; left and right go to its neighbours."""

    CSS_PATH = "trial.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Of a higher rank than the scrolling of the dialog, which would hide them from the keys at the bottom.
        Binding("left", "go(-1)", "earlier", priority=True),
        Binding("right", "go(1)", "later", priority=True),
        Binding("escape,q,t,enter", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, run: RunScreen, number: int) -> None:
        super().__init__()
        self._run = run
        self._number = number

    def compose(self) -> ComposeResult:
        """The trial's facts, and the keys."""
        with VerticalScroll(classes="dialog", id="trial"):
            yield Lines(id="facts")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the trial, now and as it goes on."""
        self._show()
        self.set_interval(0.5, self._show)

    def _show(self) -> None:
        trial = self._run.trial(self._number)
        if trial is not None:
            self.query_one("#facts", Lines).show(trial_lines(trial, self._run.view))

    def action_go(self, step: int) -> None:
        """Show the trial `step` further on."""
        self._number = min(max(1, self._number + step), len(self._run.view.state.trials))
        self._show()
