"""What the home screen lists, kept up to date at the cost of looking at file sizes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder, folders, liveness, shown_status
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus
from ser_tui.study.summary import summarize

Summary = dict[str, Any]


class RunsFeed:
    """Follows a runs/ folder. Its calls read files: make them in threads; one waits for the other."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._index = Index(runs)
        self._lock = threading.Lock()
        self._summaries: dict[str, Summary] = {}
        self._sizes: dict[str, int] = {}
        self._read = False

    @property
    def summaries(self) -> list[Summary]:
        """What the last poll found."""
        return list(self._summaries.values())

    def poll(self) -> list[Summary] | None:
        """The summaries, newest first, or None where nothing has changed since the last call."""
        with self._lock:
            return self._poll()

    def state(self, folder: RunFolder) -> RunState:
        """A run's state, from its log."""
        with self._lock:
            return self._index.state(folder)

    def delete(self, folder: RunFolder) -> None:
        """Remove a run's folder and its entry. Raises UserError while a worker is on it."""
        with self._lock:
            self._index.delete(folder)

    def _poll(self) -> list[Summary] | None:
        present = folders(self.runs)
        if not self._read or [folder.run_id for folder in present] != list(self._summaries):
            return self._refresh()
        changed = False
        ended = False
        for folder in present:
            before = self._summaries[folder.run_id]
            after = self._looked_at(folder, before)
            if after is not before:
                self._summaries[folder.run_id] = after
                changed = True
                ended |= RunStatus(after["status"]).over and not RunStatus(before["status"]).over
        if ended:
            return self._refresh()
        return list(self._summaries.values()) if changed else None

    def _refresh(self) -> list[Summary]:
        found = self._index.refresh()
        self._summaries = {summary["run_id"]: summary for summary in found}
        self._sizes = {run_id: int(summary.get("log_bytes", 0)) for run_id, summary in self._summaries.items()}
        self._read = True
        return found

    def _looked_at(self, folder: RunFolder, before: Summary) -> Summary:
        """The summary of now: the same object where nothing has happened."""
        size = _size(folder)
        after = before
        if size != self._sizes.get(folder.run_id):
            # Not through the index: that rewrites its whole file, and a live run gains lines all the time.
            state = self._index.state(folder)
            self._sizes[folder.run_id] = size
            after = {**summarize(folder.run_id, state), "damaged_lines": before.get("damaged_lines", 0)}
        status = RunStatus(after["status"])
        shown = shown_status(status, "none" if status.over else liveness(folder))
        if after is before and shown == before.get("state"):
            return before
        return {**after, "state": shown}


def _size(folder: RunFolder) -> int:
    try:
        return folder.log.stat().st_size
    except OSError:
        return 0
