"""One run, live or past: is it well, how far is it, how good is it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll

from ser_tui.study.constraints import broken_names
from ser_tui.study.state import Trial
from ser_tui.study.status import ShownStatus
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.data.follow import Follower, View
from ser_tui.tui.views import trials
from ser_tui.tui.views.trial_plot import trial_picture
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken, exactly, with_way
from ser_tui.tui.widgets.plotted import Plotted
from ser_tui.tui.widgets.table import Column, Table

TICK = 0.1
"""Seconds between two looks at the log. Without news a look is one `stat`; an event is to be seen within 250 ms."""
FIGURES_SECONDS = 0.15
"""The lines above the table are drawn at most this often, so that an event is on them with the tick that has read it or the
next one: epochs of a tenth of a second would fill a slow line, and the answer to a key would wait behind them."""
TABLE_SECONDS = 0.5
"""The table is drawn at most this often."""
PART_SECONDS = 0.2
"""Between table, log and key bar, when all of them change: the end of a first trial costs 2 kB, a second of a slow line, and
what is not sent yet when a key opens another screen need not be sent."""
PLOT_SECONDS = 1.0
"""The plot is drawn at most this often."""
MOVED_SECONDS = 2.0
"""After all rows have moved down by a new trial, which costs 2.5 kB, nothing is drawn there for so long: a probe takes a
second, and a slow line 3 kB/s."""
AGES_SECONDS = 5.0
"""How long trials under way have taken so far is drawn so often, where nothing else has the table drawn: 40 bytes a trial."""
ROOMY = 32
"""Lines from which on all that stands above the table leaves it enough."""
FEW_TRIALS = 5
"""So many of them do not need more than is left in any case."""
_ENDED = (ShownStatus.DONE, ShownStatus.STOPPED)


class TrialsTable(Table):
    """The trials; enter shows one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "trial", show=False)]


class RunScreen(AppScreen[None]):
    """Follows the log of the run called `run_id`."""

    CSS_PATH = "run.tcss"
    AUTO_FOCUS = "TrialsTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "stop", tooltip="Ask the worker to stop; the run can be resumed"),
        Binding("r", "resume", "resume", tooltip="Take the search up where it ended; a finished one goes on to more trials"),
        Binding("t", "trial", "trial", tooltip="Parameters and epochs of the highlighted trial"),
        Binding("c", "compare", "compare", tooltip="Compare this run with others"),
        Binding("e", "evaluate", "evaluate", tooltip="Evaluate the best model on other corpora"),
        Binding("v", "results", "results", tooltip="The probe, confusion matrices and folds in full"),
        Binding("b", "errors", "errors", tooltip="Confusion matrix of the highlighted trial, and the utterances of each cell"),
        Binding("x", "export", "export", tooltip="Write the trials as CSV and JSON into the run's folder"),
        Binding("h", "report", "report", tooltip="Write an HTML page about the run, with plots, into its folder"),
        Binding("y", "clone", "clone", tooltip="Set up a new study: copy these settings"),
        Binding("p", "parameters", "parameters", tooltip="Scores over each searched hyperparameter, and which mattered"),
        Binding("i", "timeline", "timeline", tooltip="When each trial ran, and beside which others"),
        Binding("m", "minutes", "minutes", tooltip="Plot scores over minutes of search, and back over trials"),
        Binding("z", "zoom", "zoom", tooltip="Plot the best scores only, and back to all"),
        Binding("l", "log", "log", tooltip="The whole log, and what libraries printed"),
        Binding("w", "copy", "copy", tooltip="Copy a summary; it is written to a file too"),
        Binding("escape,q", "home", "home", key_display="esc"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.follower: Follower | None = None
        self._names: list[str] = []
        self._columns: list[Column] = []
        self._next_figures = 0.0
        self._next_rows = 0.0
        self._next_ages = 0.0
        self._stale = False
        self._figured: View | None = None
        """What the figures were last drawn of."""
        self._next_part = 0.0
        self._owed: list[Callable[[], object]] = []
        """What is still to be drawn below the figures, in its order."""
        self._second = -1
        self._log_width = 0
        self._minutes = self._zoomed = False
        self._next_plot = 0.0
        self._placed = False
        """Whether the cursor was put where one begins to look."""

    @property
    def view(self) -> View:
        """The run as it was last read."""
        assert self.follower is not None
        return self.follower.view

    def compose(self) -> ComposeResult:
        """State first, then the number that matters, then how it came about."""
        yield Lines(Text("reading ..."), Text(), classes="title", id="head")
        yield Lines(id="warnings")
        yield Lines(Text(), Text(), Text(), id="figures")
        yield Lines(id="results")
        with Horizontal(id="body"):
            yield TrialsTable(trials.trial_columns([]), id="trials", fixed=1, follow_top=True)
            with Vertical(id="side"):
                yield Plotted("no trial has a score yet", id="plot")
                with VerticalScroll(id="detail-pane", can_focus=False):
                    yield Lines(id="detail")
                yield Lines(id="side-log")
        yield Lines(*exactly([], 4), id="log")
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to follow."""
        self.follower = Follower(self.folder_of(self.run_id))
        self._follow()

    @work(exclusive=True)
    async def _follow(self) -> None:
        follower = self.follower
        assert follower is not None
        while True:
            begun = time.monotonic()
            changed = await in_thread(follower.catch_up)
            if self.in_front:
                self._tick(changed)
            # A long log is read without pauses, but other keys come first.
            await asyncio.sleep(0.01 if follower.view.behind else max(0.05, TICK - (time.monotonic() - begun)))

    def on_screen_resume(self) -> None:
        """Show what has happened while another screen was on top."""
        before = self._figured
        if self.follower is None:
            return
        # It may have been covered before it was ever drawn.
        if before is None or self.view.live or self.view.state is not before.state or self.view.aside != before.aside:
            self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self.call_after_refresh(self._draw)

    def _tick(self, changed: bool) -> None:
        second = int(time.monotonic())
        self._stale |= changed or (self.view.live and second != self._second)
        self._second = second
        if self._stale and time.monotonic() >= self._next_figures:
            self._draw_figures()
        if self._is_wide and self.query_one("#side-log").size.width != self._log_width:
            self._owed += [] if self._draw_log in self._owed else [self._draw_log]
        if changed:
            self._owed += [part for part in self._parts if part not in self._owed]
        if self.view.live and self.view.state.under_way and time.monotonic() >= self._next_ages and self._draw_ages not in self._owed:
            self._owed.append(self._draw_ages)
        if not self.query_one(TrialsTable).keys:
            # A table without rows is filled at once: the keys that act on a row would find none till then. And the last words of the
            # log are what one opens a run for; they cost nothing.
            for part in (self._draw_rows, self._draw_log, self.refresh_bindings):
                if part in self._owed:
                    self._owed.remove(part)
                    part()
        elif time.monotonic() >= self._next_part:
            now = time.monotonic()
            held = [part for part, until in ((self._draw_rows, self._next_rows), (self._draw_plot, self._next_plot)) if now < until]
            due = next((part for part in self._owed if part not in held), None)
            if due is not None:
                self._owed.remove(due)
                due()
                self._next_part = time.monotonic() + PART_SECONDS

    @property
    def _parts(self) -> tuple[Callable[[], object], ...]:
        return self._draw_rows, self._draw_plot, self._draw_log, self.refresh_bindings

    def _draw_owed(self) -> None:
        owed, self._owed = self._owed, []
        for part in owed:
            part()

    def _draw(self) -> None:
        if self.follower is None or not self.follower.looked:
            return  # an empty run would be shown for one that is not read yet
        self._draw_figures()
        self._owed = list(self._parts)
        self._draw_owed()

    def _draw_figures(self) -> None:
        """The lines above the table."""
        self._stale = False
        self._figured = self.view
        self._next_figures = time.monotonic() + FIGURES_SECONDS
        view, width = self.view, self.size.width - 2
        folder = self.folder_of(self.run_id)
        now = datetime.now(UTC)
        self.query_one("#head", Lines).show(trials.header(view, now, folder.study_name, folder.begun, width))
        self._show_or_hide("#warnings", trials.warning_lines(view, now, width))
        self.query_one("#figures", Lines).show(
            [trials.best_line(view.state, width), *trials.current_lines(view, width), trials.spark_line(view.state, width)]
        )
        room = self.size.height >= ROOMY or len(view.state.trials) <= FEW_TRIALS
        most = trials.MOST_RESULTS if room else trials.FEW_RESULTS
        self._show_or_hide("#results", trials.result_lines(view.state, width, most))

    def _show_or_hide(self, selector: str, lines: list[Text]) -> None:
        widget = self.query_one(selector, Lines)
        widget.show(lines)
        widget.display = bool(lines)

    def _draw_rows(self) -> None:
        """The table and the pane beside it."""
        view = self.view
        table = self.query_one(TrialsTable)
        moves = len(table.keys) not in (0, len(view.state.trials))
        self._next_rows = time.monotonic() + (MOVED_SECONDS if moves else TABLE_SECONDS)
        self._names = view.state.study.searched
        self._columns = trials.trial_columns(
            self._names, table.size.width, view.state.study.others, len(view.state.trials), trials.has_rungs(view.state)
        )
        table.set_columns(self._columns)
        # Newest first: what happens now is at the top.
        table.sync_lazily([str(number) for number in range(len(view.state.trials), 0, -1)], self._cells_of)
        self._place_cursor(table)
        self._draw_detail()
        self._next_ages = time.monotonic() + AGES_SECONDS

    def _draw_ages(self) -> None:
        """How long the trials under way have taken so far."""
        self._next_ages = time.monotonic() + AGES_SECONDS
        self.query_one(TrialsTable).look_again()
        self._draw_detail()

    def _place_cursor(self, table: TrialsTable) -> None:
        """Once the log is read: of a run that is done or was stopped the best trial is looked for, of others the newest. Not where a key
        has moved the cursor by then."""
        view, best = self.view, self.view.state.best
        if self._placed or view.behind or not table.keys:
            return
        self._placed = True
        if best is not None and view.shown in _ENDED and table.current == table.keys[0]:
            table.go_to(str(best.number))

    def _draw_plot(self) -> None:
        """The scores of all trials, where there is room beside the table."""
        self._next_plot = time.monotonic() + PLOT_SECONDS
        if not self._is_wide:
            return
        body = self.query_one("#body").size.height
        self.set_class(0 < body < 24, "-low")
        plot = self.query_one("#plot", Plotted)
        plot.show(trial_picture(self.view.state, plot.columns, self._minutes, self._zoomed))

    def _draw_log(self) -> None:
        view = self.view
        log = self.query_one("#side-log" if self._is_wide else "#log", Lines)
        if self._is_wide and not log.size.width:
            return  # not laid out yet; `_tick` draws it once it has a width. A call after every refresh would let nothing else run
        self._log_width = log.size.width
        height = max(4, log.size.height) if self._is_wide else 4
        log.show(exactly(trials.log_lines(view.state, height, max(20, log.size.width or self.size.width - 2)), height))

    @property
    def _is_wide(self) -> bool:
        return self.has_class("-wide") or self.has_class("-huge")

    def _cells_of(self, key: str) -> tuple[Text, ...]:
        state = self.view.state
        trial = state.trial(int(key))
        best = state.best is not None and state.best.number == int(key)
        if trial is None:
            return ()
        broken = broken_names(trial.scores, state.study.constraints)
        return trials.trial_cells(trial, self._names, self._columns, best, self.view.live, broken, datetime.now(UTC))

    @property
    def highlighted(self) -> Trial | None:
        """The trial under the cursor, as far as it has come."""
        key = self.query_one(TrialsTable).current
        return None if key is None else self.view.state.trial(int(key))

    @on(Table.Moved)
    def _moved(self) -> None:
        self._draw_detail()

    def _draw_detail(self) -> None:
        if self._is_wide and (trial := self.highlighted) is not None:
            from ser_tui.tui.views.trial_details import trial_lines

            detail = self.query_one("#detail", Lines)
            width = detail.scrollable_content_region.width or detail.size.width
            # No interval is cut: it goes to a line of its own where the pane is narrow.
            hang = max(2, min(25, width - len("[.927, 1.000]")))
            lines = [part for line in trial_lines(trial, self.view) for part in broken(line, width, hang)]
            detail.show(with_way(lines, self.query_one("#detail-pane").size.height, "t shows all of it"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what the run allows now."""
        if self.follower is None or not self.follower.looked:
            return action == "home"
        view = self.view
        scored = view.state.best is not None
        allowed = {
            "stop": view.busy or view.worker == "elsewhere",
            "resume": (view.shown.resumable or view.state.can_go_on) and not view.busy and bool(view.state.study),
            "trial": len(view.state.trials) > 0,
            "evaluate": scored and not view.busy and not view.imported,
            "results": bool(
                scored or view.state.probe or view.state.test or view.state.folds or view.state.seeds or view.state.evaluations
            ),
            "errors": scored,
            "export": len(view.state.trials) > 0,
            "clone": bool(view.state.study),
            "parameters": view.state.best is not None,
            "timeline": len(view.state.trials) > 0,
            "minutes": self._is_wide and view.state.best is not None,
            "zoom": self._is_wide and view.state.best is not None,
        }
        return allowed.get(action, True)

    @on(Table.Selected)
    def action_trial(self) -> None:
        """Show the highlighted trial in full."""
        from ser_tui.tui.dialogs.trial import TrialScreen

        if (trial := self.highlighted) is not None:
            self.app.push_screen(TrialScreen(lambda: self.view, trial.number))

    @work
    async def action_stop(self) -> None:
        """Ask the worker to stop, after a question."""
        from ser_tui.tui.dialogs.run_dialogs import stop_run

        await stop_run(self, self.run_id)

    @work
    async def action_resume(self) -> None:
        """Start a worker that goes on."""
        from ser_tui.tui.dialogs.run_dialogs import resume_run

        await resume_run(self, self.run_id)

    def action_parameters(self) -> None:
        """Show scores over each hyperparameter."""
        self.ser.open("parameters", lambda: self.view)

    def action_timeline(self) -> None:
        """Show when each trial ran."""
        self.ser.open("timeline", lambda: self.view)

    def action_minutes(self) -> None:
        """Plot over minutes, or over trials again."""
        self._minutes = not self._minutes
        self._draw_plot()

    def action_zoom(self) -> None:
        """Plot the best scores only, or all again."""
        self._zoomed = not self._zoomed
        self._draw_plot()

    def action_clone(self) -> None:
        """Set up a new study from this one's."""
        self.ser.open("new study", self.view.state.study.plain, self.run_id)

    @work
    async def action_compare(self) -> None:
        """Choose runs to lay beside this one."""
        from ser_tui.tui.dialogs.run_dialogs import choose_others

        if chosen := await choose_others(self, self.run_id):
            self.ser.open("compare", [self.run_id, *chosen])

    def action_evaluate(self) -> None:
        """Evaluate the best model on other corpora."""
        self.ser.open("evaluate", self.run_id)

    def action_results(self) -> None:
        """Show confusion matrices and folds."""
        self.ser.open("results", self.run_id)

    def action_errors(self) -> None:
        """Show what the highlighted trial takes for what; where it has no score, the best one."""
        trial = self.highlighted
        self.ser.open("errors", self.run_id, trial.number if trial is not None and trial.scored else None)

    def action_log(self) -> None:
        """Show the whole log."""
        self.ser.open("log", self.folder_of(self.run_id))

    @work
    async def action_export(self) -> None:
        """Write the trials as CSV and JSON."""
        from ser_tui.store.export import export

        folder = self.folder_of(self.run_id)
        paths = await self.attempt(lambda: [export(folder, "csv"), export(folder, "json")])
        if paths:
            self.ser.tell("wrote " + " and ".join(str(path) for path in paths))

    @work
    async def action_report(self) -> None:
        """Write the page about the run."""
        from ser_tui.tui.dialogs.run_dialogs import write_report

        await write_report(self, [self.run_id])

    @work
    async def action_copy(self) -> None:
        """Copy a summary and write it to a file: over SSH many terminals ignore the clipboard."""
        from ser_tui.store.export import summary_text, write_summary

        folder, state = self.folder_of(self.run_id), self.view.state
        if state.seq < 0:
            self.ser.tell("nothing is known of this run yet", problem=True)
            return
        path = await self.attempt(lambda: write_summary(folder, state))
        if path is not None:
            self.app.copy_to_clipboard(summary_text(self.run_id, state))
            self.ser.tell(f"copied, and written to {path}")

    def action_home(self) -> None:
        """Back to where this was opened."""
        self.dismiss()
