"""One trial in full, over the run screen; follows the trial while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll

from ser_tui.tui.base import AppDialog
from ser_tui.tui.data.follow import View
from ser_tui.tui.views.epoch_plot import epoch_pictures
from ser_tui.tui.views.trial_details import trial_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.plotted import Plotted


class TrialScreen(AppDialog[None]):
    """Trial `number` of the run that `view()` shows now; left and right go to its neighbours."""

    CSS_PATH = "trial.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Of a higher rank than the scrolling of the dialog, which would hide them from the keys at the bottom.
        Binding("left", "go(-1)", "earlier", priority=True),
        Binding("right", "go(1)", "later", priority=True),
        Binding("escape,q,t,enter", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, view: Callable[[], View], number: int) -> None:
        super().__init__()
        self._view = view
        self._number = number

    def compose(self) -> ComposeResult:
        """What the trial came to epoch by epoch, its facts, and the keys."""
        with Container(classes="dialog", id="trial"):
            with Container(id="curves"):
                yield Plotted(id="scores")
                yield Plotted(id="losses")
            with VerticalScroll(id="facts-pane"):
                yield Lines(id="facts")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the trial, now and as it goes on."""
        self._show()
        self.set_interval(0.5, self._show)

    def on_resize(self) -> None:
        """Both curves above the facts, or left of them where there is room: they have another size."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        view = self._view()
        trial = view.state.trial(self._number)
        if trial is None:
            return
        self.query_one("#facts", Lines).show(self._whole(trial_lines(trial, view)))
        pictures = epoch_pictures(trial, view.state)
        self.set_class(pictures is None, "-plain")
        if pictures is not None:
            for place, picture in zip(("#scores", "#losses"), pictures, strict=True):
                self.query_one(place, Plotted).show(picture)

    def _whole(self, lines: list[Text]) -> list[Text]:
        """Why a trial failed may need more than one line; of a thousand epochs hardly one does."""
        width = self.query_one("#facts-pane", VerticalScroll).scrollable_content_region.width
        if not width:
            return lines  # not laid out yet
        return [part for line in lines for part in ([line] if line.cell_len <= width else broken(line, width, hang=25))]

    def action_go(self, step: int) -> None:
        """Show the trial `step` further on."""
        self._number = min(max(1, self._number + step), len(self._view().state.trials))
        self._show()
