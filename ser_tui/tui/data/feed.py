"""What the home screen lists, kept up to date at the cost of looking at file sizes."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from ser_tui.store.index import Index, with_remarks
from ser_tui.store.queue import waiting
from ser_tui.store.runs import RunFolder, folders, liveness, shown_status
from ser_tui.study.frozen import changed
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize


class RunsFeed:
    """Follows a runs/ folder. Its calls read files: make them in threads; one waits for the other."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._index = Index(runs)
        self._lock = threading.Lock()
        self._summaries: dict[str, RunSummary] = {}
        self._sizes: dict[str, int] = {}
        self._read = False

    @property
    def summaries(self) -> list[RunSummary]:
        """What the last poll found."""
        return list(self._summaries.values())

    def poll(self) -> list[RunSummary] | None:
        """The summaries, newest first, or None where nothing has changed since the last call."""
        with self._lock:
            return self._poll()

    def state(self, folder: RunFolder) -> RunState:
        """A run's state, from its log."""
        with self._lock:
            return self._index.state(folder)

    def discard(self, folders: Iterable[RunFolder]) -> None:
        """Move runs into the trash. Raises UserError while a worker is on one; those before it are moved then."""
        with self._lock:
            for folder in folders:
                self._index.discard(folder)

    def _poll(self) -> list[RunSummary] | None:
        present, queued = folders(self.runs), waiting(self.runs)
        if not self._read or [folder.run_id for folder in present] != list(self._summaries):
            return self._refresh()
        changed = False
        ended = False
        for folder in present:
            before = self._summaries[folder.run_id]
            after = self._looked_at(folder, before, queued.get(folder.run_id, ""))
            if after is not before:
                self._summaries[folder.run_id] = after
                changed = True
                ended |= after.status.over and not before.status.over
        if ended:
            return self._refresh()
        return list(self._summaries.values()) if changed else None

    def _refresh(self) -> list[RunSummary]:
        found = self._index.refresh()
        self._summaries = {summary.run_id: summary for summary in found}
        self._sizes = {run_id: summary.log_bytes or 0 for run_id, summary in self._summaries.items()}
        self._read = True
        return found

    def _looked_at(self, folder: RunFolder, before: RunSummary, waits: str) -> RunSummary:
        """The summary of now: the same object where nothing has happened."""
        size = _size(folder)
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


def _size(folder: RunFolder) -> int:
    try:
        return folder.log.stat().st_size
    except OSError:
        return 0
