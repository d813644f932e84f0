"""Home: what ran, what is running, what to do."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from ser_tui.store.index_preview import glance
from ser_tui.store.runs import misnamed
from ser_tui.study.formatting import counted, printable
from ser_tui.study.run_filter import HELP, run_filter
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.status import ShownStatus
from ser_tui.tui.base import AppScreen
from ser_tui.tui.views import runs
from ser_tui.tui.widgets.filter_field import FilterField
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, with_way
from ser_tui.tui.widgets.table import Table, cell

POLL_SECONDS = 1.0
QUEUE_SECONDS = 15.0
"""Between two looks whether something starts what waits."""
EMPTY = """No runs yet in {runs}

  n   set up a study: corpus, encoder, strategy and bounds, then start it
  o   see which corpora are on this machine, and get or add one
  ?   help

Or from the shell:  ser-tui run demo"""


class RunsTable(Table):
    """The runs; enter and space belong to the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "open", tooltip="Show the run, live or past")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There must be a run to open."""
        return action != "select" or bool(self.keys)


class HomeScreen(AppScreen[None]):
    """The list of runs, newest first, and what can be done with the highlighted one."""

    AUTO_FOCUS = "RunsTable"
    # From where the table has all its columns beside the pane.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (134, "-wide"), (160, "-huge")]  # noqa: RUF012  as in the app
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "new", tooltip="Set up a new study"),
        Binding("space", "mark", "mark", tooltip="Mark the run for comparison"),
        Binding("c", "compare", "compare", tooltip="Compare the marked runs, or this one with others"),
        Binding("e", "evaluate", "evaluate", tooltip="Evaluate the best model on other corpora"),
        Binding("f", "findings", "findings", tooltip="Read all that must be known before the run's scores are believed"),
        Binding("s", "stop", "stop", tooltip="Ask the worker to stop; the run can be resumed"),
        Binding("r", "resume", "resume", tooltip="Take the search up where it ended; a finished one goes on to more trials"),
        Binding("y", "clone", "clone", tooltip="Set up a new study: copy these settings"),
        Binding("h", "report", "report", tooltip="Write an HTML page about the run, or about the marked ones"),
        Binding("d", "delete", "delete", tooltip="Move the run, or the marked ones, to the trash; u brings them back"),
        Binding("u", "undo", "undo delete", tooltip="Bring back from the trash what went there last"),
        Binding("t", "remark", "title, tags", tooltip="Say something of the run: a title, tags, a note"),
        Binding("a", "archive", "archive", tooltip="Leave the run, or the marked ones, out of the list, or not any more"),
        Binding("slash", "filter", "filter", key_display="/", tooltip="Show only some runs: " + HELP),
        Binding("v", "sort", "sort", tooltip="Sort by score, state, time ...; a click on a heading does too"),
        Binding("o", "corpora", "corpora", tooltip="Corpora: which are here, where to get others"),
        Binding("m", "encoders", "encoders", tooltip="Encoders: which are ready, fetch others"),
        Binding("w", "queue", "queue", tooltip="What waits for its turn: reorder, pause, cancel"),
        Binding("b", "replay", "replay", tooltip="Compare strategies on trials that were recorded: of the marked runs, or of tables"),
        Binding("p", "paper", "paper", tooltip="The paper's tables beside these runs; what is missing can be started"),
        Binding("comma", "settings", "settings", key_display=",", tooltip="Colours, time zone, keys, what is told when a run ends"),
        Binding("escape", "clear_filter", "all runs", key_display="esc", tooltip="Show all runs again"),
        Binding("q", "app.quit", "quit", tooltip="Leave the app; runs go on"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.summaries: list[RunSummary] = []
        self.marked: list[str] = []
        self._discarded: list[list[str]] = []
        self._words = ""
        self._order, self._backwards = "run", False
        self._filter = run_filter("")
        self._loaded = False
        self._stood: str | None = None
        """The row under the cursor when this screen came to the front."""
        self._came = False
        """Whether it came to the front since the runs were last looked at: any of them may have been changed from another screen."""
        self._misnamed: list[str] = []
        self._next_queue = 0.0
        self._paused = False
        """Whether runs wait in a queue that starts none."""
        self._number = 0
        """Of how many runs the summaries are the newest, before all are there."""

    def compose(self) -> ComposeResult:
        """Title, list, the pane that wide terminals show, the lines that narrow ones show, keys."""
        yield Lines(cell("ser_tui", "bold"), classes="title", id="title")
        with Horizontal(id="body"):
            table = RunsTable(runs.HOME_COLUMNS, id="runs")
            table.display = False
            yield table
            yield Static("reading runs ...", id="empty", markup=False)
            with VerticalScroll(id="pane", can_focus=False):
                yield Lines(id="full")
        yield Lines(Text(), Text(), id="short")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what the index last said; look at the runs themselves once that is painted."""
        self.summaries, self._number = glance(self.ser.runs)
        if self.summaries:
            self._show()
        self.call_after_refresh(self._follow)

    @work(exclusive=True)
    async def _follow(self) -> None:
        while True:
            if self.in_front:
                # Not what this poll alone has found: other screens poll the feed too.
                in_turn, self._came = not self._came, False
                found = await self.attempt(partial(self._looked, in_turn=in_turn))
                if found is not None and not (self._loaded and found == self.summaries):
                    if not self._loaded:
                        self._misnamed = await self.attempt(lambda: misnamed(self.ser.runs)) or []
                    self._loaded = True
                    self._take(found)
                await self._see_to_the_queue()
            await asyncio.sleep(POLL_SECONDS)

    def _looked(self, *, in_turn: bool = False) -> list[RunSummary]:
        feed = self.ser.feed()
        feed.poll(in_turn=in_turn)
        return feed.summaries

    async def _see_to_the_queue(self) -> None:
        """What waits is started also after a reboot, or where the process that starts it was killed."""
        waiting = any(one.state == ShownStatus.QUEUED for one in self.summaries)
        if not waiting or time.monotonic() < self._next_queue:
            self._say_paused(self._paused and waiting)
            return
        self._next_queue = time.monotonic() + QUEUE_SECONDS

        def see_to_it() -> bool:
            from ser_tui.client import queueing
            from ser_tui.store.queue import read_queue

            queueing.see_to_it(self.ser.runs)
            return read_queue(self.ser.runs).paused

        self._say_paused(await self.attempt(see_to_it) is True)

    def _say_paused(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            self._show()

    def _take(self, summaries: list[RunSummary]) -> None:
        self.summaries = summaries
        present = {summary.run_id for summary in summaries}
        self.marked = [run_id for run_id in self.marked if run_id in present]
        self._show()

    def _show(self) -> None:
        table = self.query_one(RunsTable)
        words = self._words
        matching = [summary for summary in self.summaries if self._filter.matches(summary)]
        shown = runs.ordered(matching, self._order, self._backwards)
        appears = bool(shown) and not table.display
        table.display = bool(shown)
        empty = self.query_one("#empty", Static)
        empty.display = not shown
        if self.summaries and not shown and (self._loaded or self._number <= len(self.summaries)):
            away = "All runs are archived. / archived:yes shows them."
            empty.update(f"No runs match '{printable(words)}'. esc clears the filter." if words else away)
        elif self._loaded and not shown:
            empty.update(EMPTY.format(runs=self.ser.runs))
        year = self.size.width >= 100
        held = {summary.run_id: summary for summary in shown}
        # Before it is first drawn the table has no width; without a pane beside it that is the screen's, but for its bar.
        columns = runs.home_columns(table.size.width or (0 if self._has_pane else self.size.width - 2))
        table.set_columns(columns)
        table.sync_lazily(list(held), lambda key: runs.home_cells(held[key], self._mark_of(key), year, columns))
        self._go_to_opened(table)
        if table.display and self.focused is None:
            table.focus()
        self._show_title(len(shown))
        self._show_detail()
        self.refresh_bindings()
        if appears and self._has_pane:
            self.call_after_refresh(self._show)  # how wide it is, hence which columns it has, is known only then

    def on_screen_resume(self) -> None:
        """In front again: the cursor is on the run that was looked at, at once or when that is listed."""
        super().on_screen_resume()
        self._came, self._next_queue = True, 0.0  # the queue may have been paused, or gone on with
        for table in self.query(RunsTable):
            self._stood = table.current
            self._go_to_opened(table)

    def _go_to_opened(self, table: RunsTable) -> None:
        if self.ser.opened in table.keys and table.current == self._stood:
            table.go_to(str(self.ser.opened))
        if self.ser.opened in table.keys or table.current != self._stood:
            self.ser.opened = None  # it was gone to, or the person went elsewhere before it was listed

    def _show_title(self, shown: int) -> None:
        line = cell("")
        line.append("ser_tui", "bold")
        counts = runs.counts(self.summaries)
        if not self._loaded and self._number > len(self.summaries):
            counts = f"the newest of {counted(self._number, 'run')}"
        line.append(f"   {counts}", "accent")
        if self._paused:
            line.append_text(cell("   queue paused (w)", "warning"))
        if self._filter.problem:  # the words stand in their field
            line.append_text(cell(f"   {shown} shown")).append_text(cell(f"   ! {self._filter.problem}", "warning"))
        elif self._words:
            line.append_text(cell(f"   {shown} shown: {self._words}"))
        if order := runs.order_text(self._order, self._backwards):
            line.append_text(cell(f"   {order}", "muted"))
        if self.marked:
            line.append(f"   {len(self.marked)} marked", "accent")
        if self._misnamed:
            line.append_text(cell(f"   ! {counted(len(self._misnamed), 'run')} under another name: ser-tui runs", "warning"))
        place = cell(f"{self.ser.runs} on {socket.gethostname()}", "muted")
        room = self.size.width - 2 - line.cell_len - 3
        if place.cell_len <= room:
            line.append(" " * (room + 3 - place.cell_len))
            line.append_text(place)
        self.query_one("#title", Lines).show([line])

    def _show_detail(self) -> None:
        summary = self.current
        told = self._filter.found(summary) if summary else ()
        if self._has_pane:
            pane = self.query_one("#full", Lines)
            lines = runs.full_detail(summary, pane.size.width or 40, told) if summary else []
            pane.show(with_way(lines, self.query_one("#pane").size.height, "enter opens the run"))
        else:
            short = self.query_one("#short", Lines)
            short.show(runs.short_detail(summary, self.size.width - 2, told) if summary else [Text(), Text()])

    @property
    def _has_pane(self) -> bool:
        return self.has_class("-wide") or self.has_class("-huge")

    def _mark_of(self, run_id: str) -> int | None:
        return self.marked.index(run_id) if run_id in self.marked else None

    @property
    def current(self) -> RunSummary | None:
        """The summary under the cursor."""
        key = self.query_one(RunsTable).current
        return next((summary for summary in self.summaries if summary.run_id == key), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the highlighted run allows."""
        if not self.is_mounted:
            return True
        if action in ("filter", "sort"):
            return bool(self.summaries)
        if action == "clear_filter":
            return bool(self.query("#filter"))
        if action == "undo":
            return bool(self._discarded)
        if action == "delete":
            return bool(self._chosen) and not any(one.under_way for one in self._chosen)
        summary, needs = self.current, _NEEDS.get(action)
        if action == "compare":
            return len(self.marked) > 1 or (summary is not None and len(self.summaries) > 1)
        return needs is None or (summary is not None and needs(summary))

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    @on(Table.Selected)
    def _selected(self) -> None:
        if (summary := self.current) is not None:
            self.ser.open_run(summary.run_id)

    def on_resize(self, event: events.Resize) -> None:
        """Lay the title and the details out for the new width."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self._loaded:
            self._show()

    def action_mark(self) -> None:
        """Mark or unmark the highlighted run."""
        if (summary := self.current) is None:
            return
        run_id = summary.run_id
        if run_id in self.marked:
            self.marked.remove(run_id)
        else:
            self.marked.append(run_id)
        self._show()

    def action_new(self) -> None:
        """Set up a new study, or go on with a draft of one."""
        from ser_tui.store.drafts import any_drafts

        if any_drafts():
            self._ask_about_drafts()
        else:
            self.ser.open("new study")

    @work
    async def _ask_about_drafts(self) -> None:
        from ser_tui.tui.dialogs.study_dialogs import choose_draft

        chosen = await choose_draft(self)
        if chosen is not None:
            self.ser.open("new study", None, "", chosen or None)

    def action_clone(self) -> None:
        """Set up a new study from the highlighted run's."""
        if (summary := self.current) is not None:
            self.ser.open("new study", summary.study.plain, summary.run_id)

    @work
    async def action_compare(self) -> None:
        """Compare the marked runs; where there are not two, ask with which others the highlighted one is compared."""
        from ser_tui.tui.dialogs.run_dialogs import choose_others

        chosen = self.marked
        if len(chosen) < 2 and (first := next(iter(self._chosen), None)) is not None:
            others = await choose_others(self, first.run_id)
            chosen = [first.run_id, *others] if others else []
        if len(chosen) >= 2:
            self.ser.open("compare", chosen)

    def action_evaluate(self) -> None:
        """Evaluate the highlighted run's best model on other corpora."""
        if (summary := self.current) is not None:
            self.ser.open("evaluate", summary.run_id)

    def action_findings(self) -> None:
        """Show the findings of the highlighted run."""
        from ser_tui.tui.dialogs.findings import FindingsScreen

        if (summary := self.current) is not None:
            self.app.push_screen(FindingsScreen(summary))

    def action_corpora(self) -> None:
        """Show the corpora."""
        self.ser.open("corpora")

    def action_encoders(self) -> None:
        """Show the encoders."""
        self.ser.open("encoders")

    def action_replay(self) -> None:
        """Compare strategies on the trials of the marked runs, or of tables that are named there."""
        self.ser.open("replay", self.marked)

    def action_paper(self) -> None:
        """Show the paper's tables beside what the runs have."""
        self.ser.open("paper")

    def action_settings(self) -> None:
        """Show the settings."""
        self.ser.open("settings")

    def action_queue(self) -> None:
        """Show what waits for its turn."""
        self.ser.open("queue")

    @work
    async def action_stop(self) -> None:
        """Ask the highlighted run's worker to stop, after a question."""
        from ser_tui.tui.dialogs.run_dialogs import stop_run

        if (summary := self.current) is not None:
            await stop_run(self, summary.run_id)

    @work
    async def action_resume(self) -> None:
        """Take the highlighted run up again and show it."""
        from ser_tui.tui.dialogs.run_dialogs import resume_run

        if (summary := self.current) is not None and await resume_run(self, summary.run_id):
            self.ser.open_run(summary.run_id)

    @work
    async def action_report(self) -> None:
        """Write the page about the highlighted run; about those that are marked, where there are some."""
        from ser_tui.tui.dialogs.run_dialogs import write_report

        if (summary := self.current) is not None:
            await write_report(self, self.marked or [summary.run_id])

    @work
    async def action_delete(self) -> None:
        """Move the highlighted run, or the marked ones, to the trash, after a question."""
        from ser_tui.tui.dialogs.run_dialogs import discard_runs

        chosen = self._chosen
        if chosen and await discard_runs(self, chosen):
            self._discarded.append([one.run_id for one in chosen])
            await self._look_again()

    @work
    async def action_undo(self) -> None:
        """Bring back what was moved to the trash last."""
        from ser_tui.store.trash import restore

        if not self._discarded:
            return
        last = self._discarded.pop()
        if await self.succeeds(lambda: [restore(self.ser.runs, run_id) for run_id in last]):
            self.ser.opened, self._stood = last[0], self.query_one(RunsTable).current
            self.ser.tell(f"{last[0] if len(last) == 1 else f'{len(last)} runs'} back from the trash")
        await self._look_again()

    @work
    async def action_remark(self) -> None:
        """Ask for title, tags and note of the highlighted run."""
        from ser_tui.tui.dialogs.run_dialogs import remark_on

        if (summary := self.current) is not None and await remark_on(self, summary):
            await self._look_again()

    @work
    async def action_archive(self) -> None:
        """Put the highlighted run, or the marked ones, away, or back."""
        from ser_tui.tui.dialogs.run_dialogs import archive_runs

        if (chosen := self._chosen) and await archive_runs(self, chosen):
            self.marked = []
            await self._look_again()

    @work
    async def action_sort(self) -> None:
        """Ask what to sort by; what the runs are sorted by already, the other way round."""
        from ser_tui.tui.dialogs.choose import Choosable, choose_one

        choices = [Choosable(key, f"{words}; now: again turns it round" if key == self._order else words)
                   for key, (words, _, _) in runs.ORDERS.items()]  # fmt: skip
        if found := await choose_one(self, "Sort by", choices, now=self._order):
            self._sort_by(found)

    @on(Table.HeadingTaken)
    def _heading_taken(self, event: Table.HeadingTaken) -> None:
        if event.column in runs.ORDERS:
            self._sort_by(event.column)

    def _sort_by(self, order: str) -> None:
        self._backwards = order == self._order and not self._backwards
        self._order = order
        self._show()

    async def _look_again(self) -> None:
        found = await self.attempt(self._looked)
        self._take(found if found is not None else self.summaries)

    @property
    def _chosen(self) -> list[RunSummary]:
        """The marked runs; without any the one under the cursor."""
        marked = [one for one in self.summaries if one.run_id in self.marked]
        return marked or [one for one in [self.current] if one is not None]

    async def action_filter(self) -> None:
        """Show only the runs that what is typed wants, while it is typed."""
        if not self.query("#filter"):
            field = FilterField(self._words, placeholder=HELP, id="filter")
            await self.mount(field, after="#body")
        self.query_one("#filter").focus()
        self.refresh_bindings()

    async def action_clear_filter(self) -> None:
        """Show all runs again."""
        await self.query("#filter").remove()
        self._look_for("")
        self.query_one(RunsTable).focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._look_for(event.value.strip())

    def _look_for(self, words: str) -> None:
        self._words, self._filter = words, run_filter(words)
        self._show()

    @on(Input.Submitted, "#filter")
    async def _filter_done(self) -> None:
        if not self._words:
            await self.query("#filter").remove()
        self.query_one(RunsTable).focus()
        self.refresh_bindings()


_NEEDS: Mapping[str, Callable[[RunSummary], bool]] = {
    "mark": lambda summary: True,
    "evaluate": lambda summary: summary.best is not None and not summary.under_way and not summary.imported,
    "findings": lambda summary: bool(runs.all_findings(summary)),
    "stop": lambda summary: summary.under_way or summary.state is ShownStatus.ELSEWHERE,
    "resume": lambda summary: summary.state is not None and (summary.state.resumable or summary.can_go_on) and bool(summary.study),
    "report": lambda summary: True,
    "remark": lambda summary: True,
    "archive": lambda summary: True,
    "clone": lambda summary: bool(summary.study),
}
"""What an action needs of the highlighted run; without a run there is none of them."""
