"""Paper: the tables of arXiv 2510.07052 beside what the runs here have, and the way to what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.client import papers
from ser_tui.client.papers import PaperTables
from ser_tui.replay.recorded import LEAST
from ser_tui.report.paper_tables import BUDGET
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import PROTOCOL_SETTINGS
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.dialogs.choose import Choosable, choose_number, choose_one
from ser_tui.tui.dialogs.sheets import export_sheet
from ser_tui.tui.views import paper as views
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken, exactly
from ser_tui.tui.widgets.table import Table, cell

DETAIL_LINES = 5
START, QUEUE = "start it now", "queue it"


class PaperTable(Table):
    """The paper's cells and ours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "open / run", tooltip="Show the run; where there is none, start or queue its study")
    ]


class PaperScreen(AppScreen[None]):
    """The runs of one encoder and one protocol, each with its machine, minutes, n and interval."""

    CSS_PATH = "paper.tcss"
    AUTO_FOCUS = "PaperTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "grid", "replay the grid", tooltip="Without a run of the grid: replay it on the trials that runs have recorded"),
        Binding("m", "encoder", "encoder", tooltip="The runs of another encoder, or the tables for one that is ready here"),
        Binding("p", "protocol", "protocol", tooltip="The runs of another protocol; random is the paper's split"),
        Binding("t", "budget", "trials", tooltip="How many trials of each run count"),
        Binding("x", "export", "export", tooltip="Copy the tables as Markdown, LaTeX or CSV; they are written to a file too"),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tables: PaperTables | None = None
        self._encoder, self._protocol, self._budget = "", "random", BUDGET
        self._doing = "reading runs ..."

    def compose(self) -> ComposeResult:
        """Of what, the table, what the highlighted row is, what the numbers are, keys."""
        yield Lines(cell("Paper", "bold"), classes="title", id="head")
        yield PaperTable(views.columns(80), fixed=1)
        yield Lines(*exactly([], DETAIL_LINES), id="detail")
        yield Lines(cell(""), id="note")
        yield KeyBar()

    def on_mount(self) -> None:
        """Gather what the runs have."""
        self._show()
        self._gather()

    def on_screen_resume(self) -> None:
        """In front again: a run may have been started, or have ended."""
        super().on_screen_resume()
        if self._tables is not None and not self._doing:
            self._gather()

    @work(exclusive=True, group="gather")
    async def _gather(self) -> None:
        asked = (self._encoder, self._protocol, self._budget)
        found = await self.attempt(lambda: papers.gathered(self.ser.runs, *asked))
        self._doing = ""
        if found is None:
            if self._tables is not None:
                self._encoder, self._protocol, self._budget = self._tables.encoder, self._tables.protocol, self._tables.budget
        else:
            before = self._tables
            grid = before.rows.get("grid") if before is not None else None
            if before is not None and grid is not None and grid.how == "replayed" and "grid" not in found.rows and _alike(before, found):
                found = papers.replaced_grid(found, grid)
            self._tables = found
        self._show()

    def _show(self) -> None:
        tables, width = self._tables, self.size.width
        line = cell("Paper", "bold")
        if tables is None:
            line.append_text(cell(f"   arXiv 2510.07052   {self._doing}", "accent"))
        else:
            of = f"EmoDB, {tables.protocol} split, best of {counted(tables.budget, 'trial')}, {tables.encoder.rpartition('/')[2]}"
            line.append_text(cell(f"   arXiv 2510.07052 and the runs here: {of}" if width >= views.WIDE else f"   {of}", "accent"))
            line.append_text(cell(f"   {self._doing}" if self._doing else "", "warning"))
            table = self.query_one(PaperTable)
            columns = views.columns(width)
            table.set_columns(columns)
            table.sync(views.rows(tables, columns))
            self.query_one("#note", Lines).show(broken(views.left_line(tables), max(20, width - 2))[:4])
        self.query_one("#head", Lines).show(broken(line, max(20, width - 2), hang=2))
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        if self._tables is not None:
            row = self.query_one(PaperTable).current
            self.query_one("#detail", Lines).show(views.detail(self._tables, row, self.size.width - 2, DETAIL_LINES))

    def on_resize(self, event: events.Resize) -> None:
        """Columns as the width allows."""
        self.call_after_refresh(self._show)

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        tables = self._tables
        if action == "grid":
            return tables is not None and not self._doing and "grid" not in tables.rows and tables.recorded >= LEAST
        return action not in ("encoder", "export") or tables is not None

    @on(Table.Selected)
    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        """Show the run of the highlighted row, or offer to make it."""
        tables, row = self._tables, self.query_one(PaperTable).current
        if tables is None or row is None:
            return
        if not views.is_missing(tables, row) and (run_id := views.run_of(tables, row)) is not None:
            self.ser.open_run(run_id)
        elif " " in row:
            self._evaluate(tables, row.partition(" ")[0])
        else:
            await self._make(tables, row)

    def _evaluate(self, tables: PaperTables, corpus: str) -> None:
        if tables.best_run is None:
            self.ser.tell("zero-shot scores need a search on EmoDB first: take one of the rows above", problem=True)
        else:
            self.ser.open("evaluate", tables.best_run, corpus)

    async def _make(self, tables: PaperTables, kind: str) -> None:
        """Start the study of a row, or let it wait for its turn, if the person says so."""
        from ser_tui.client import launch, queueing

        study = await self.attempt(lambda: papers.missing_study(kind, tables))
        if study is None:
            return
        trials = "up to " + counted(study.budget.minutes or 0.0, "minute", "g")
        if study.budget.trials is not None:
            trials = counted(study.budget.trials, "trial")
        choices = [Choosable(START, "in a worker of its own"), Choosable(QUEUE, "once the runs before it have ended")]
        title = f"{papers.NAMES[kind]}: {trials} on EmoDB with {tables.encoder}"
        found = await choose_one(self, title, choices)
        if found == START:
            folder = await self.attempt(lambda: launch.start(study, self.ser.runs))
            if folder is not None:
                self.ser.open_run(folder.run_id)
        elif found == QUEUE:
            folder = await self.attempt(lambda: queueing.enqueue(study, self.ser.runs))
            if folder is not None:
                self.ser.tell(f"{study.name} waits for its turn; w on the home screen shows the queue")

    @work(exclusive=True, group="grid")
    async def action_grid(self) -> None:
        """Replay the grid on what runs have recorded: some seconds, in a process of its own."""
        tables = self._tables
        if tables is None:
            return
        self._doing = "replaying the grid ..."
        self._show()
        found = await self.attempt(lambda: papers.with_grid(self.ser.runs, tables))
        self._doing = ""
        if found is not None and self._tables is not None and _alike(self._tables, found):
            self._tables = found
        self._show()

    def _again(self) -> None:
        self._doing = "reading runs ..."
        self._show()
        self._gather()

    @work(exclusive=True, group="choose")
    async def action_encoder(self) -> None:
        """The runs of another encoder: one that runs have, or one that is ready here, with which they could be made."""
        from ser_tui.tui.data import knowledge

        if self._tables is None:
            return
        used = [self._tables.encoder, *(name for name in self._tables.encoders if name != self._tables.encoder)]
        ready = await in_thread(lambda: [one for one in knowledge.known_encoders() if one.ready and one.name not in used])
        known = [*map(Choosable, used), *(Choosable(one.name, one.detail, one.ready) for one in ready)]
        if found := await choose_one(self, "Whose runs?", known, now=self._tables.encoder):
            self._encoder = found
            self._again()

    @work(exclusive=True, group="choose")
    async def action_protocol(self) -> None:
        """The runs of another protocol."""
        known = [Choosable(kind, "the paper's split" if kind == "random" else "") for kind in PROTOCOL_SETTINGS]
        if found := await choose_one(self, "Runs of which protocol?", known, now=self._protocol):
            self._protocol = found
            self._again()

    @work(exclusive=True, group="choose")
    async def action_budget(self) -> None:
        """Another number of trials of each run."""
        choices = [Choosable(str(number), "the paper's" if number == BUDGET else "") for number in (5, 10, BUDGET, 30)]
        title = "How many trials of each run count? Shorter runs are left out"
        found = await choose_number(self, title, choices, lambda number: number > 0, "give a number of trials", now=str(self._budget))
        if found is not None:
            self._budget = found
            self._again()

    @work
    async def action_export(self) -> None:
        """Copy the tables and write them to a file: over SSH many terminals ignore the clipboard."""
        if self._tables is not None:
            await export_sheet(self, "the tables", Path("exports") / "paper", views.sheet(self._tables))


def _alike(one: PaperTables, other: PaperTables) -> bool:
    return (one.encoder, one.protocol, one.budget) == (other.encoder, other.protocol, other.budget)
