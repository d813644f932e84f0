"""Compare: what came out of runs, then what differs between them, and how they got there in one plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.study.comparison import UNKNOWN_CORPUS, UNKNOWN_UTTERANCES, Pairing
from ser_tui.study.paired_runs import Recalls
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.state import RunState
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views import comparison
from ser_tui.tui.views.comparison_plot import curve, curves_picture
from ser_tui.tui.widgets.keybar import KeyBar, wrap
from ser_tui.tui.widgets.lines import KEPT, Lines, broken, exactly
from ser_tui.tui.widgets.plotted import Plotted
from ser_tui.tui.widgets.table import Table, cell

LEAST_WIDTH, LEAST_HEIGHT = 110, 30
"""From where table and plot have room at the same time."""
LOOK_SECONDS = 5.0
"""Between two looks at runs that go on."""


class ComparisonTable(Table):
    """Rows of labels and one cell a run. Left and right go from run to run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "screen.highlight(-1)", "run", show=False),
        Binding("right", "screen.highlight(1)", "other run", key_display="left/right", tooltip="Highlight the run at the left or right"),
    ]

    def show_column(self, index: int) -> None:
        """Scroll sideways so far that the column is seen."""
        widths = [width + 1 for width in self._widths]
        held, start = sum(widths[: self._fixed]), sum(widths[:index])
        if index < self._fixed:
            return
        room = (self.scrollable_content_region.width or self.size.width) - held
        begin, end = start - held, start - held + widths[index]
        if begin < self.scroll_offset.x or end > self.scroll_offset.x + room:
            self.scroll_to(x=begin if begin < self.scroll_offset.x or widths[index] > room else end - room, animate=False)


class CompareScreen(AppScreen[None]):
    """The runs called `run_ids` side by side. The first one is the reference, which differences are taken to."""

    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "ComparisonTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "equal", "equal settings", tooltip="Show or hide the settings in which the runs do not differ"),
        Binding("p", "pin", "pin", tooltip="Take differences to the highlighted run; left and right highlight another"),
        Binding("g", "plot", "plot", tooltip="Best so far of all runs over the whole screen, and back"),
        Binding("m", "minutes", "minutes", tooltip="Plot over minutes of search, and back over trials"),
        Binding("z", "zoom", "zoom", tooltip="Plot the best scores only, and back to all"),
        Binding("x", "export", "export", tooltip="Copy the table as Markdown, LaTeX or CSV; it is written to a file too"),
        Binding("escape,q,c", "back", "back", key_display="esc"),
    ]

    def __init__(self, run_ids: Sequence[str]) -> None:
        super().__init__()
        self._marked = list(run_ids)
        self._order = list(run_ids)
        self._summaries: dict[str, RunSummary] = {}
        self._states: dict[str, RunState] = {}
        self._recalls: dict[str, Recalls] = {}
        self._pairings: dict[str, Pairing] = {}
        self._paired: tuple[object, ...] = ()
        """Which best trials the pairings are of."""
        self._reading = False
        self._equal = self._plotted = self._minutes = self._zoomed = False
        self._highlighted = 1
        """Where in the order the highlighted run stands."""

    def compose(self) -> ComposeResult:
        """Which runs, the table, the plot, the highlighted row in full, keys."""
        yield Lines(cell("Compare", "bold"), classes="title", id="head")
        yield ComparisonTable([], fixed=2, id="comparison")
        yield Plotted("no run has a score yet", id="curves")
        yield Lines(*exactly([], 2), id="full")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the index, then the logs for what the tests, recalls and curves need; those of runs that go on again and again."""
        self._read()
        self.set_interval(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        goes_on = any(one.under_way for one in self._summaries.values())
        if self.in_front and goes_on and not self._reading:
            self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        self._reading = True  # a read that takes longer than the time between two looks is not begun anew
        try:
            await self._read_all()
        finally:
            self._reading = False

    async def _read_all(self) -> None:
        feed = self.ser.feed()
        await self.attempt(feed.poll)
        self._summaries = {summary.run_id: summary for summary in feed.summaries if summary.run_id in self._marked}
        self._order = [run_id for run_id in self._order if run_id in self._summaries]
        if len(self._order) < 2:
            self.ser.tell("fewer than two of the marked runs are left", problem=True)
            self.dismiss()
            return
        self._highlighted = min(self._highlighted, len(self._order) - 1)
        self._show()
        for run_id in self._order:
            if run_id not in self._states or not self._states[run_id].status.over:
                found = await in_thread(comparison.read, feed, self.folder_of(run_id))
                self._states[run_id], self._recalls[run_id] = found
                self._show_curves()
        await self._pair()

    async def _pair(self) -> None:
        first, *others = self._order
        of = tuple((run_id, (best := self._states[run_id].best) and best.number) for run_id in self._order)
        if of == self._paired:
            self._show()
            return
        pairings = await in_thread(comparison.pair_all, self._states[first], [self._states[one] for one in others])
        self._pairings, self._paired = dict(zip(others, pairings, strict=True)), of
        self._show()

    def _show(self) -> None:
        if not self._summaries:
            return  # a terminal may be resized before they are read
        self.set_class(self._plotted, "plotted")
        self.set_class(self.size.width >= LEAST_WIDTH and self.size.height >= LEAST_HEIGHT, "both")
        summaries = [self._summaries[run_id] for run_id in self._order]
        table = self.query_one(ComparisonTable)
        columns = comparison.columns(summaries, self._numbers, self._highlighted, self.size.width)
        table.set_columns(columns)
        recalls = [self._recalls.get(run_id) for run_id in self._order]
        table.sync(comparison.rows(summaries, self._numbers, self._pairings, recalls, self._equal, columns[-1].width))
        # Two runs may have one title: their ids are whole.
        head = [cell("Compare", "bold"), *comparison.named(self._order, self._numbers)]
        self.query_one("#head", Lines).show(wrap(head, max(20, self.size.width - 2)))
        self.refresh_bindings()
        self.call_after_refresh(self._show_curves)

    @property
    def _numbers(self) -> list[int]:
        """As which each was marked: it keeps its letter and colour by it."""
        return [self._marked.index(run_id) for run_id in self._order]

    def _show_curves(self) -> None:
        curves = [
            curve(number, self._summaries[run_id].title, self._states[run_id], self._apart(run_id))
            for run_id, number in zip(self._order, self._numbers, strict=True)
            if run_id in self._states
        ]
        plot = self.query_one("#curves", Plotted)
        if plot.display:
            plot.show(curves_picture(curves, self._numbers[self._highlighted], self._minutes, self._zoomed))

    def _apart(self, run_id: str) -> str:
        """other corpus, other utterances, corpus not known: why a run's scores are not those of the reference's task."""
        reason = self._pairings.get(run_id, Pairing()).reason
        return reason if reason.startswith("other") or reason in (UNKNOWN_CORPUS, UNKNOWN_UTTERANCES) else ""

    def on_resize(self, event: events.Resize) -> None:
        """Columns as wide as the terminal allows."""
        self.call_after_refresh(self._show)

    @on(Table.Moved)
    def _moved(self) -> None:
        """The row under the cursor, not cut."""
        table = self.query_one(ComparisonTable)
        key = table.current
        if key is None:
            return
        cells = table.cells(key)
        line = cell(f"{cells[0].plain.strip()}: ", "muted")
        label = key.partition(" ")[2]
        full = dict(self._full_rows()).get(label, [value.plain.strip() for value in cells[1:]])
        for run_id, value in zip(self._order, full, strict=False):
            number = self._marked.index(run_id)
            line.append(f"{mark(number)}{KEPT}", run_style(number))
            line.append_text(cell(f"{value}   "))
        self.query_one("#full", Lines).show(exactly(broken(line, max(20, self.size.width - 2)), 2))

    def _full_rows(self) -> list[tuple[str, list[str]]]:
        from ser_tui.study.comparison import outcomes, settings
        from ser_tui.study.paired_runs import recall_rows

        summaries = [self._summaries[run_id] for run_id in self._order]
        differing, equal = settings(summaries)
        alike = comparison.same_utterances(summaries, self._pairings)
        recalls = recall_rows([self._recalls.get(run_id) for run_id in self._order], alike)
        return [(label, list(cells)) for label, cells in [*differing, *equal, *recalls, *outcomes(summaries)]]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of what is not on the screen are not offered."""
        if action in ("equal", "pin") and self._plotted:
            return False
        return action not in ("minutes", "zoom") or self._plotted or self.has_class("both")

    def action_equal(self) -> None:
        """Show or hide what is equal."""
        self._equal = not self._equal
        self._show()

    def action_highlight(self, step: int) -> None:
        """Highlight the run at the left or right."""
        self._highlighted = max(0, min(self._highlighted + step, len(self._order) - 1))
        self._show()
        self.query_one(ComparisonTable).show_column(self._highlighted + 1)

    def action_pin(self) -> None:
        """Make the highlighted run the reference; each keeps its letter and colour."""
        if not self._summaries:
            return
        pinned = self._order.pop(self._highlighted)
        self._order.insert(0, pinned)
        self._highlighted = 1
        self._pairings, self._paired = {}, ()
        self.query_one(ComparisonTable).show_column(self._highlighted + 1)
        self._read()

    def action_plot(self) -> None:
        """The plot over the whole screen, and back."""
        self._plotted = not self._plotted
        self._show()

    def action_minutes(self) -> None:
        """Over minutes, and back over trials."""
        self._minutes = not self._minutes
        self._show_curves()

    def action_zoom(self) -> None:
        """The best scores only, and back to all."""
        self._zoomed = not self._zoomed
        self._show_curves()

    def action_back(self) -> None:
        """From the plot to the table, from there to where this was opened."""
        if self._plotted:
            self.action_plot()
        else:
            self.dismiss()

    @work
    async def action_export(self) -> None:
        """Copy the comparison and write it to a file: over SSH many terminals ignore the clipboard."""
        from ser_tui.tui.dialogs.run_dialogs import export_comparison

        await export_comparison(self, self._order)
