"""The TinyDB index of runs: one summary a run, for the home screen and for comparison.

It holds nothing that the logs do not say: missing, old or damaged entries are made again from them. It is written under a
file lock, see `ser_tui.store.database`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ser_tui.places import private_folder
from ser_tui.store import trash
from ser_tui.store.checksummed_json import read_sealed
from ser_tui.store.files import remove_leftovers
from ser_tui.store.left_behind import seen, settle
from ser_tui.store.queue import waiting
from ser_tui.store.remarks import read_remarks, stamp
from ser_tui.store.runs import RunFolder, described, folders, if_gone, liveness, refuse_hidden, shown_status, unreadable, worker_facts
from ser_tui.study.errors import UserError
from ser_tui.study.frozen import changed
from ser_tui.study.run_summary import RunSummary, from_stored, to_stored

if TYPE_CHECKING:
    # Where a log is read these are imported: see `ser_tui.store.runs`.
    from ser_tui.store.log import LogReader
    from ser_tui.study.state import RunState

LOCK_SECONDS = 10.0
ENDING_SECONDS = 5.0
_UNREAD = -1
"""Bytes of a log that could not be read."""


class Index:
    """The index of one runs/ folder. Keeps the logs that it follows, so that a refresh reads only what is new."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._followed: dict[str, tuple[LogReader, RunState]] = {}

    def refresh(self) -> list[RunSummary]:
        """All runs' summaries, newest first, each with `state` as it is to be shown; what changed is stored.

        A folder whose index cannot be written (read-only, full) is listed all the same.
        """
        # In this order: a run that another process adds meanwhile must not look like one that is gone.
        stored = self._stored()
        present, queued = folders(self.runs), waiting(self.runs)
        fresh: dict[str, RunSummary] = {}
        found: list[RunSummary] = []
        for folder in present:
            summary = self._now(folder, stored)
            if summary is not stored.get(folder.run_id) and summary.log_bytes != _UNREAD:  # who may read it shall not find that it failed
                fresh[folder.run_id] = summary
            found.append(_shown(summary, folder, queued.get(folder.run_id, "")))
        gone = stored.keys() - {folder.run_id for folder in present}
        if fresh or gone:
            self._try_to_store(fresh, gone)
        return found

    def those(self, chosen: Sequence[RunFolder]) -> list[RunSummary]:
        """The summaries of some of the runs, in order, as `refresh` has them; nothing is stored."""
        stored, queued = self._stored(), waiting(self.runs)
        return [_shown(self._now(folder, stored), folder, queued.get(folder.run_id, "")) for folder in chosen]

    def _now(self, folder: RunFolder, stored: Mapping[str, RunSummary]) -> RunSummary:
        """The run's summary as it is now: the very one that is `stored` where that still holds."""
        summary = stored.get(folder.run_id)
        if summary is None or summary.log_bytes != log_size(folder):
            summary = self._summarize(folder)
        return with_remarks(summary, folder)

    def state(self, folder: RunFolder) -> RunState:
        """A run's state, reading only what its log gained since the last call."""
        from ser_tui.store import snapshot
        from ser_tui.store.log import LogReader
        from ser_tui.study.reducer import reduce_all
        from ser_tui.study.state import RunState

        reader, state = self._followed.get(folder.run_id) or snapshot.resumed(folder.log)
        after = reduce_all(reader.each(), state)
        if reader.restarted:
            reader = LogReader(folder.log)
            after = reduce_all(reader.each())
        if reader.refused:  # what was read of it before is read again, once that is allowed
            self._followed[folder.run_id] = (LogReader(folder.log, refused=reader.refused), RunState())
            return unreadable(reader)
        self._followed[folder.run_id] = (reader, after)
        snapshot.keep(reader, after)
        return described(folder, after)

    def discard(self, *chosen: RunFolder, told: Callable[[RunFolder], None] | None = None) -> None:
        """Move runs into the trash, see `ser_tui.store.trash`; each that is there is `told`.

        Raises UserError while a worker is, or may be, on one; those before it are moved then.
        """
        self._take_away(chosen, trash.discard, told)

    def delete(self, *chosen: RunFolder, told: Callable[[RunFolder], None] | None = None) -> None:
        """Remove runs' folders and entries for good, otherwise as `discard`."""
        self._take_away(chosen, lambda folder: trash.remove(self.runs, folder), told)

    def _take_away(self, chosen: Iterable[RunFolder], away: Callable[[RunFolder], None], told: Callable[[RunFolder], None] | None) -> None:
        gone: set[str] = set()
        try:
            for folder in chosen:
                _refuse_if_worked_on(folder, self.state)
                away(folder)
                self._followed.pop(folder.run_id, None)
                gone.add(folder.run_id)
                if told is not None:
                    told(folder)
        finally:
            if gone:  # once for all of them: the index of thousands of runs is written as a whole
                self._try_to_store({}, gone)

    def _summarize(self, folder: RunFolder) -> RunSummary:
        from ser_tui.store import snapshot
        from ser_tui.study.summary import summarize

        if folder.run_id not in self._followed and (kept := snapshot.summary(folder.log)) is not None:
            return changed(kept, run_id=folder.run_id)
        # Before the state: what a worker appends meanwhile must make the log longer than the size that is noted.
        size = log_size(folder)
        state = self.state(folder)
        reader, _ = self._followed[folder.run_id]
        if state.status.over:
            del self._followed[folder.run_id]  # nothing more is to come; a thousand past runs need no memory
        summary = summarize(folder.run_id, state)
        # A torn tail is no news: the size that was seen counts, or the run would be read again at every refresh.
        read = _UNREAD if reader.refused else max(size, reader.offset)
        return changed(summary, log_bytes=read, damaged_lines=len(reader.damaged))

    def _stored(self) -> dict[str, RunSummary]:
        table = (read_sealed(self.runs / "index.json") or {}).get("runs", {})
        # What another version has written is made again of the logs.
        return {key: summary for key, value in table.items() if (summary := from_stored(value)) is not None}

    def _try_to_store(self, fresh: dict[str, RunSummary], gone: set[str]) -> None:
        from ser_tui.store.database import store
        from ser_tui.store.locks import locked

        with suppress(OSError, UserError):  # the list is right without it, and the next refresh tries again
            private_folder(self.runs)
            with locked(self.runs / ".index.lock", "SER_TUI_RUNS", timeout=LOCK_SECONDS):
                remove_leftovers(self.runs / "index.json")
                store(self.runs / "index.json", {key: to_stored(one) for key, one in fresh.items()}, gone)


def with_remarks(summary: RunSummary, folder: RunFolder) -> RunSummary:
    """`summary` with what the run's remarks say now; the same object where they are as they were."""
    written = stamp(folder)
    if written == (summary.remarks_written or 0):
        return summary
    return changed(summary, remarks=read_remarks(folder), remarks_written=written or None)


def _refuse_if_worked_on(folder: RunFolder, state: Callable[[RunFolder], RunState]) -> None:
    refuse_hidden(folder)
    settle(folder, wait=False)
    worker = liveness(folder)
    busy = UserError(f"{folder.run_id} is being worked on; stop it first: `ser-tui stop {folder.run_id}`")
    if worker == "live":
        raise busy
    if worker == "elsewhere" and not state(folder).status.over:
        facts = worker_facts(folder)
        where, todo = (facts.process.host, if_gone(folder, facts)) if facts else ("elsewhere", "try again")
        raise UserError(f"{folder.run_id} may be worked on by host {where}: delete it there, or {todo}")
    if folder.lock.exists():
        # A worker that has just begun holds the lock before it says who it is.
        from filelock import Timeout

        from ser_tui.store.locks import file_lock

        # One that has said that it ends holds it a moment longer, until its process is gone.
        lock = file_lock(folder.lock, timeout=ENDING_SECONDS if worker == "dead" else 0)
        try:
            lock.acquire()
        except Timeout:
            raise busy from None
        except OSError:
            return  # a folder that cannot be written cannot be deleted either, which says more
        lock.release()


def _shown(summary: RunSummary, folder: RunFolder, waits: str) -> RunSummary:
    status = summary.status
    return changed(summary, state=shown_status(status, "none" if status.over else seen(folder), waits))


def log_size(folder: RunFolder) -> int:
    """Bytes of the run's log; 0 where there is none."""
    try:
        return os.stat(f"{folder.path}/events.jsonl").st_size  # a path object for each of thousands of runs takes longer
    except OSError:
        return 0
