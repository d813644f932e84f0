"""When each trial ran, and beside which others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.study.formatting import local_zone
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.follow import View
from ser_tui.tui.views import timeline
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.table import Table, cell

LOOK_SECONDS = 2.0


class Timeline(Table):
    """The trials, the newest first; enter shows one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "trial")]


class TimelineScreen(AppScreen[None]):
    """The run that `view()` shows; follows it while it goes on."""

    CSS_PATH = "timeline.tcss"
    AUTO_FOCUS = "Timeline"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,i", "dismiss", "back", key_display="esc")]

    def __init__(self, view: Callable[[], View]) -> None:
        super().__init__()
        self._view = view
        self._drawn: View | None = None
        self._spans: list[timeline.Span | None] = []

    def compose(self) -> ComposeResult:
        """Heading, rows, keys."""
        yield Lines(cell("timeline", "bold"), classes="title", id="head")
        yield Timeline(timeline.COLUMNS, fixed=1, follow_top=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """Draw, now and as the run goes on."""
        self.set_interval(LOOK_SECONDS, self._draw)
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Bars of another length."""
        self._drawn = None
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        view, before = self._view(), self._drawn
        state = view.state
        # What is under way grows longer, and ends with its worker, also where the log tells nothing.
        if before is not None and before.state is state and not (before.live or view.live):
            return
        self._drawn = view
        now = datetime.now(UTC).isoformat() if view.live else ""
        self._spans = timeline.spans(state, now)
        width = self.size.width - 2
        lines = timeline.head(state, self._spans, width)
        if lines[-1].cell_len + (zone := cell(f"   times in {local_zone()}", "muted")).cell_len <= width:
            lines[-1].append_text(zone)
        self.query_one("#head", Lines).show(lines)
        table = self.query_one(Timeline)
        total = max((span.end for span in self._spans if span is not None), default=0.0)
        columns = timeline.columns(state, table.size.width)
        table.set_columns(columns)
        fixed = sum(column.width + 1 for column in columns if not column.flexible)
        width = max(10, table.size.width - fixed - 2)
        best = state.best.number if state.best is not None else 0

        def cells(key: str) -> tuple[Text, ...]:
            number = int(key)
            trial = self._view().state.trial(number)
            span = self._spans[number - 1] if number <= len(self._spans) else None
            return () if trial is None else timeline.cells(trial, span, total, width, number == best, view.live, columns)

        table.sync_lazily([str(number) for number in range(len(state.trials), 0, -1)], cells)

    @on(Table.Selected)
    def action_trial(self) -> None:
        """Show the highlighted trial in full."""
        from ser_tui.tui.dialogs.trial import TrialScreen

        if (key := self.query_one(Timeline).current) is not None:
            self.app.push_screen(TrialScreen(self._view, int(key)))
