"""Follows one run: its log in bounded pieces, its worker by a look at the process."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from ser_tui.store import snapshot
from ser_tui.store.left_behind import seen
from ser_tui.store.log import CHUNK, LogReader
from ser_tui.store.queue import waiting
from ser_tui.store.runs import Liveness, RunFolder, described, shown_status, unreadable, worker_facts
from ser_tui.study.findings import is_imported
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState
from ser_tui.study.status import ShownStatus
from ser_tui.tui.data.garbage import kept

LIVENESS_SECONDS = 1.0
CATCH_UP_SECONDS = 0.15
"""A long log is read so long before what was read is drawn: drawing takes longer than reading a piece."""
LARGE = 1 << 20
"""Bytes of log whose state is so large that looking through it for garbage is felt."""


@dataclass(frozen=True)
class View:
    """A run at one moment. `behind`: share of its log that is still to be read, 0 to 1."""

    state: RunState
    worker: Liveness = "none"
    job: str = ""
    damaged: int = 0
    behind: float = 0.0
    missing: bool = False
    """The folder is not there (any more)."""
    waits: str = ""
    """It is in the queue."""

    @property
    def aside(self) -> tuple[object, ...]:
        """Everything but the state, which is told apart by its identity: comparing thousands of trials takes long."""
        return self.worker, self.job, self.damaged, self.behind, self.missing, self.waits

    @property
    def shown(self) -> ShownStatus:
        """The word for its state, see `ser_tui.store.runs.shown_status`."""
        return shown_status(self.state.status, self.worker, self.waits)

    @property
    def live(self) -> bool:
        """Whether a worker is searching right now."""
        return self.shown.under_way

    @property
    def busy(self) -> bool:
        """Whether a worker is on the run, searching or evaluating."""
        return self.worker == "live"

    @property
    def evaluating(self) -> bool:
        """Whether a worker evaluates the run's model right now: an evaluation without an end in the log may be one that was killed before
        the search went on."""
        return self.busy and self.job == "evaluate"

    @property
    def imported(self) -> bool:
        """Whether these are another program's trials, on which no job runs."""
        return is_imported(self.state.start)


class Follower:
    """Call `step` again and again, from one thread at a time."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.view = View(RunState())
        self._reader = LogReader(folder.log)
        self._looked = 0.0
        self._at_end: tuple[int, int, int] | None = None
        """The log's marks when nothing more could be read."""

    @property
    def looked(self) -> bool:
        """Whether `view` tells of the run: before the first step it tells of none."""
        return self._looked > 0

    def step(self, limit: int = CHUNK) -> bool:
        """Read `limit` bytes of log at most; whether anything is different now. Costs one `stat` where nothing is.

        What the first step finds is different from not knowing, also where it is nothing.
        """
        before, first = self.view, not self.looked
        marks = self._marks()
        due = time.monotonic() - self._looked >= LIVENESS_SECONDS or first
        if not due and marks is not None and marks == self._at_end:
            return False
        state = before.state
        if marks is None or marks != self._at_end:
            if first:
                self._reader, state = snapshot.resumed(self.folder.log)
            position = self._reader.position
            state = self._read(limit, state)
            state = described(self.folder, state) if first else state
            self._at_end = marks if self._reader.position == position and not self._reader.refused else None
        worker, job, waits, missing = before.worker, before.job, before.waits, before.missing
        if due:
            self._looked = time.monotonic()
        with suppress(OSError):  # a disk that is away: what was known before stands
            if due:
                worker = seen(self.folder)
                facts = worker_facts(self.folder)
                job = facts.job if facts else ""
                waits = waiting(self.folder.path.parent).get(self.folder.run_id, "")
            missing = not self.folder.path.is_dir()
        self.view = View(state, worker, job, len(self._reader.damaged), self._behind(), missing, waits)
        return first or self.view.state is not before.state or self.view.aside != before.aside

    def catch_up(self) -> bool:
        """`step`, and further ones while the log is far ahead; whether anything is different now."""
        with kept() if self._ahead() > LARGE else nullcontext():
            deadline = time.monotonic() + CATCH_UP_SECONDS
            changed = self.step()
            while self.view.behind and time.monotonic() < deadline:
                changed = self.step() or changed
            if not self.view.behind:
                snapshot.keep(self._reader, self.view.state)
            return changed

    def _marks(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.folder.log)
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns, found.st_ino

    def _read(self, limit: int, state: RunState) -> RunState:
        events = self._reader.read(limit)
        if self._reader.restarted:
            # The log is shorter than what was read: another one lies there now.
            self._reader = LogReader(self.folder.log)
            return reduce_all(self._reader.read(limit))
        if self._reader.refused and not self._reader.offset:
            found = unreadable(self._reader)
            return state if state == found else found
        return reduce_all(events, state) if events else state

    def _ahead(self) -> int:
        """Bytes of log that are still to be read."""
        marks = self._marks()
        return marks[0] - self._reader.offset if marks else 0

    def _behind(self) -> float:
        left = self._ahead()
        # Less than a piece is the line that is being written, or the next step's.
        return 0.0 if left < CHUNK // 4 else left / (left + self._reader.offset)
