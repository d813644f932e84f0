"""Compare: what came out of runs, then what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing
from ser_tui.study.run_summary import RunSummary
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.theme import mark, run_style
from ser_tui.tui.views import comparison
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.table import Table, cell


class ComparisonTable(Table):
    """Rows of labels and one cell a run."""


class CompareScreen(AppScreen[None]):
    """The runs called `run_ids` side by side, the first one pinned."""

    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "ComparisonTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "equal", "equal settings", tooltip="Show or hide the settings in which the runs do not differ"),
        Binding("p", "pin", "pin next", tooltip="Take differences to another run"),
        Binding("escape,q,c", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, run_ids: Sequence[str]) -> None:
        super().__init__()
        self._marked = list(run_ids)
        self._order = list(run_ids)
        self._summaries: dict[str, RunSummary] = {}
        self._pairings: dict[str, Pairing] = {}
        self._equal = False

    def compose(self) -> ComposeResult:
        """Which runs, the table, the highlighted row in full, keys."""
        yield Lines(cell("Compare", "bold"), classes="title", id="head")
        yield ComparisonTable([], fixed=2, id="comparison")
        yield Lines(Text(), Text(), id="full")
        yield KeyBar()

    def on_mount(self) -> None:
        """Read the index, then the logs for the paired differences."""
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        feed = self.ser.feed()
        await self.attempt(feed.poll)
        self._summaries = {
            summary.run_id: summary for summary in feed.summaries if summary.run_id in self._marked
        }
        self._order = [run_id for run_id in self._order if run_id in self._summaries]
        if len(self._order) < 2:
            self.ser.tell("fewer than two of the marked runs are left", problem=True)
            self.dismiss()
            return
        self._show()
        pinned = RunFolder(self.ser.runs / self._order[0])
        for run_id in self._order[1:]:
            other = RunFolder(self.ser.runs / run_id)
            self._pairings[run_id] = await in_thread(comparison.pair, feed, pinned, other)
            self._show()

    def _show(self) -> None:
        if not self._summaries:
            return  # a terminal may be resized before they are read
        summaries = [self._summaries[run_id] for run_id in self._order]
        numbers = [self._marked.index(run_id) for run_id in self._order]
        table = self.query_one(ComparisonTable)
        columns = comparison.columns(summaries, numbers, self.size.width)
        table.set_columns(columns)
        table.sync(comparison.rows(summaries, numbers, self._pairings, self._equal, columns[-1].width))
        line = cell("Compare", "bold")
        for run_id, number in zip(self._order, numbers, strict=True):
            line.append("   ")
            line.append(mark(number), run_style(number))
            line.append_text(cell(f" {run_id}"))
        self.query_one("#head", Lines).show([line])

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
            line.append(f"{mark(number)} ", run_style(number))
            line.append_text(cell(f"{value}   "))
        parts = broken(line, max(20, self.size.width - 2))
        self.query_one("#full", Lines).show([*parts[:2], *[Text()] * (2 - len(parts))])

    def _full_rows(self) -> list[tuple[str, list[str]]]:
        from ser_tui.study.comparison import outcomes, settings

        summaries = [self._summaries[run_id] for run_id in self._order]
        differing, equal = settings(summaries)
        return [(label, list(cells)) for label, cells in [*differing, *equal, *outcomes(summaries)]]

    def action_equal(self) -> None:
        """Show or hide what is equal."""
        self._equal = not self._equal
        self._show()

    def action_pin(self) -> None:
        """Pin the next run; each keeps its letter and colour."""
        self._order = [*self._order[1:], self._order[0]]
        self._pairings = {}
        self._read()
