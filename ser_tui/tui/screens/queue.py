"""Queue: runs that wait for their turn, in the order in which they start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from ser_tui.client import queueing
from ser_tui.client.queueing import QueueView
from ser_tui.store.queue import MOST_AT_A_TIME, Queue, change_queue, moved
from ser_tui.study.errors import UserError, told
from ser_tui.study.formatting import printable
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.dialogs.confirm import ConfirmScreen
from ser_tui.tui.views import queue as views
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, exactly
from ser_tui.tui.widgets.table import Table, cell

POLL_SECONDS = 1.0
DETAIL_LINES = 3
EMPTY = """No run waits.

  ctrl+t   in the form of a new study: queue it
  r        on a run that was stopped resumes it at once

Or from the shell:  ser-tui run STUDY --queue"""


UNKNOWN = QueueView(Queue(), (), 1, False)


class QueueTable(Table):
    """What waits."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "open", tooltip="Show the run")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There must be a run to open."""
        return action != "select" or bool(self.keys)


class QueueScreen(AppScreen[None]):
    """The queue, and what can be done with it."""

    CSS_PATH = "queue.tcss"
    AUTO_FOCUS = "QueueTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up,K", "move(-1)", "earlier", key_display="K", tooltip="Start it earlier; shift+up too"),
        Binding("shift+down,J", "move(1)", "later", key_display="J", tooltip="Start it later; shift+down too"),
        Binding("p", "pause", "pause / go on", tooltip="Start no more runs, or go on"),
        Binding("r", "retry", "try again", tooltip="Let it wait for its turn once more, when what was wrong is mended"),
        Binding("x", "cancel", "cancel", tooltip="Take the run out of the queue; one that never began goes to the trash"),
        Binding("plus", "at_a_time(1)", "more at a time", key_display="+", tooltip="Let one more run at the same time"),
        Binding("minus", "at_a_time(-1)", "fewer", key_display="-", tooltip="Let one run fewer at the same time"),
        Binding("escape,q", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view, self._problem = UNKNOWN, ""

    def compose(self) -> ComposeResult:
        """List, what is to be said of the highlighted run, keys."""
        yield Lines(cell("Queue", "bold"), classes="title", id="head")
        yield QueueTable(views.COLUMNS)
        yield Static("", id="empty", markup=False)
        yield Lines(*exactly([], DETAIL_LINES), id="detail")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look, again and again."""
        self._follow()

    @work(exclusive=True)
    async def _follow(self) -> None:
        while True:
            if self.in_front:
                await self._look()
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> None:
        def looked() -> QueueView:
            self.ser.feed().poll()
            return queueing.look(self.ser.runs)

        try:
            self._view, self._problem = await in_thread(looked), ""
        except (UserError, OSError) as error:  # it is looked at again and again: said where the rows are, not each time anew
            self._view, self._problem = UNKNOWN, str(error if isinstance(error, UserError) else told(error))
        self._show()

    def _show(self) -> None:
        known = {summary.run_id: summary for summary in self.ser.feed().summaries}
        table, empty = self.query_one(QueueTable), self.query_one("#empty", Static)
        table.display = bool(self._view.runs)
        empty.display = not self._view.runs
        empty.update(self._problem or EMPTY)
        table.sync(views.rows(self._view, known, self.size.width >= 100))
        if table.display and self.focused is None:
            table.focus()
        self.query_one("#head", Lines).show([cell("Queue", "bold") if self._problem else views.head(self._view)])
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        current = self.query_one(QueueTable).current
        self.query_one("#detail", Lines).show(views.detail(self._view, current, self.size.width - 2, DETAIL_LINES))

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines for the new width."""
        self.call_after_refresh(self._show_detail)

    @on(Table.Moved)
    def _moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    @on(Table.Selected)
    def _selected(self) -> None:
        if (run_id := self.query_one(QueueTable).current) is not None:
            self.ser.open_run(run_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the highlighted run and the queue allow."""
        if not self.is_mounted:
            return True
        stands = {one.run_id: stands for one, stands in self._view.runs}
        current = stands.get(self.query_one(QueueTable).current or "")
        if action == "move":
            return len(stands) > 1
        if action == "cancel":
            return current in ("waits", "cannot start")
        if action == "retry":
            return current == "cannot start"
        if action == "pause":
            return bool(stands) or self._view.queue.paused
        if action == "at_a_time":
            return 1 <= self._view.at_a_time + int(str(parameters[0])) <= MOST_AT_A_TIME
        return True

    @work
    async def _change(self, call: Callable[[], object]) -> None:
        await self.succeeds(call)
        await self._look()

    def action_move(self, step: int) -> None:
        """Let the highlighted run start earlier or later."""
        run_id = self.query_one(QueueTable).current
        if run_id is None:
            return

        def change(queue: Queue) -> Queue:
            place = next((number for number, one in enumerate(queue.runs) if one.run_id == run_id), None)
            return queue if place is None else moved(queue, run_id, place + step)

        self._change(lambda: change_queue(self.ser.runs, change))

    def action_pause(self) -> None:
        """Start no more runs, or go on."""
        runs = self.ser.runs
        stop = not self._view.queue.paused and not (self._view.idle and self._view.waiting)
        self._change(lambda: queueing.pause(runs) if stop else queueing.go_on(runs))

    def action_retry(self) -> None:
        """Let the highlighted run, which could not be started, wait again."""
        run_id = self.query_one(QueueTable).current
        if run_id is not None:
            self._change(lambda: queueing.add(self.ser.runs, [self.folder_of(run_id)]))

    def action_at_a_time(self, step: int) -> None:
        """Let more or fewer runs be under way at once."""

        def change(queue: Queue) -> Queue:
            number = max(1, min(MOST_AT_A_TIME, queueing.at_once(queue) + step))
            return replace(queue, at_a_time=number)

        self._change(lambda: change_queue(self.ser.runs, change))

    @work
    async def action_cancel(self) -> None:
        """Take the highlighted run out, after a question."""
        run_id = self.query_one(QueueTable).current
        if run_id is None:
            return
        question = ConfirmScreen(
            f"Take {printable(run_id)} out of the queue?",
            "A run that never began goes to the trash (`ser-tui restore` brings it back); others stay as they are.",
        )
        if await self.app.push_screen_wait(question):
            await self.succeeds(lambda: queueing.cancel(self.ser.runs, [self.folder_of(run_id)]))
            await self._look()
