"""What the home screen lists, kept up to date at the cost of looking at file sizes."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from ser_tui.store.index import Index, log_size, with_remarks
from ser_tui.store.queue import waiting
from ser_tui.store.runs import RunFolder, folders, liveness, shown_status
from ser_tui.study.frozen import changed
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize

NEWEST, IN_TURN = 64, 128
"""Runs that are over and that every poll looks at: the newest, and of the older ones so many, each in its turn."""
TURN_SECONDS = 0.02
"""So long every poll asks besides, of as many older runs as that suffices for, whether their logs have grown: thousands on a disk of the
machine's own, and on one of a network those alone whose turn it is."""


class RunsFeed:
    """Follows a runs/ folder. Its calls read files: make them in threads; one waits for the other."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._index = Index(runs)
        self._lock = threading.Lock()
        self._summaries: dict[str, RunSummary] = {}
        self._sizes: dict[str, int] = {}
        self._attended: set[str] = set()
        self._read = False
        self._turn = 0
        """Where among the older runs the next poll in turns goes on."""

    @property
    def summaries(self) -> list[RunSummary]:
        """What the last poll found."""
        return list(self._summaries.values())

    def poll(self, *, in_turn: bool = False) -> list[RunSummary] | None:
        """The summaries, newest first, or None where nothing has changed since the last call.

        `in_turn`: for who asks every second. A run that comes, goes, is under way or was attended to is seen at once, and of old runs that
        are over only some are looked at: of thousands, on a disk of a network, one such look at all would take longer than that second.
        Such a one that another process goes on with is seen by its log, which grows, where TURN_SECONDS suffice for all of them; otherwise
        in its turn: of N runs within (N - NEWEST) / IN_TURN such looks.
        """
        with self._lock:
            return self._poll(in_turn)

    def attend(self, run_id: str) -> None:
        """Look at this run at every poll from now on: who opened it may go on with it, and its worker's first word comes later."""
        self._attended.add(run_id)

    def state(self, folder: RunFolder) -> RunState:
        """A run's state, from its log."""
        with self._lock:
            return self._index.state(folder)

    def discard(self, folders: Iterable[RunFolder]) -> None:
        """Move runs into the trash. Raises UserError while a worker is on one; those before it are moved then."""
        with self._lock:
            self._index.discard(*folders)

    def _poll(self, in_turn: bool) -> list[RunSummary] | None:
        present, queued = folders(self.runs), waiting(self.runs)
        if not self._read or [folder.run_id for folder in present] != list(self._summaries):
            return self._refresh()
        changed = False
        ended = False
        for folder in self._due(present, queued) if in_turn else present:
            before = self._summaries[folder.run_id]
            after = self._looked_at(folder, before, queued.get(folder.run_id, ""))
            if after is not before:
                self._summaries[folder.run_id] = after
                changed = True
                ended |= after.status.over and not before.status.over
        if ended:
            return self._refresh()
        return list(self._summaries.values()) if changed else None

    def _due(self, present: list[RunFolder], queued: Collection[str]) -> list[RunFolder]:
        """The runs that this poll in turns looks at."""
        found: list[RunFolder] = []
        settled: list[RunFolder] = []
        for folder in present:
            one = self._summaries[folder.run_id]
            over = one.status.over and one.state == one.status.value and folder.run_id not in queued
            over = over and folder.run_id not in self._attended
            (settled if over else found).append(folder)
        older = settled[NEWEST:]
        begin = self._turn if self._turn < len(older) else 0
        self._turn = begin + IN_TURN
        return [*found, *settled[:NEWEST], *older[begin : self._turn], *self._grown([*older[self._turn :], *older[:begin]])]

    def _grown(self, older: list[RunFolder]) -> list[RunFolder]:
        """Of these runs, as far as the time suffices, those whose log is not as long as it was."""
        until, found = time.monotonic() + TURN_SECONDS, list[RunFolder]()
        for folder in older:
            if time.monotonic() >= until:
                break
            if log_size(folder) != self._sizes.get(folder.run_id):
                found.append(folder)
        return found

    def _refresh(self) -> list[RunSummary]:
        found = self._index.refresh()
        self._summaries = {summary.run_id: summary for summary in found}
        self._sizes = {run_id: summary.log_bytes or 0 for run_id, summary in self._summaries.items()}
        self._read = True
        return found

    def _looked_at(self, folder: RunFolder, before: RunSummary, waits: str) -> RunSummary:
        """The summary of now: the same object where nothing has happened."""
        size = log_size(folder)
        after = before
        if size != self._sizes.get(folder.run_id):
            # Not through the index: that rewrites its whole file, and a live run gains lines all the time.
            state = self._index.state(folder)
            self._sizes[folder.run_id] = size
            after = changed(
                summarize(folder.run_id, state), damaged_lines=before.damaged_lines, remarks=before.remarks,
                remarks_written=before.remarks_written,
            )  # fmt: skip
        after = with_remarks(after, folder)
        shown = shown_status(after.status, "none" if after.status.over else liveness(folder), waits)
        return before if after is before and shown == before.state else changed(after, state=shown)
