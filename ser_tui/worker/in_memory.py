"""A job in the caller's own thread, its log in memory: for tests, and for a look at a search that nobody wants to keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import TracebackType

from ser_tui.store.files import write_atomically
from ser_tui.store.held_folders import HeldFolder
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.events import Event, now
from ser_tui.study.load import dumps
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.status import BY_REQUEST
from ser_tui.worker.keeping import FolderKeeper
from ser_tui.worker.recording import OnEvent, Recorder


class InMemory(Recorder):
    """Surroundings of one job on `study` without process, lock, signals or log file. A context manager: models and notes lie in
    a temporary folder until it ends.

    `should_stop`: asked at every batch; `on_event`: called with every event.
    """

    stop_reason = ""

    def __init__(self, study: Study, should_stop: Callable[[], bool] = lambda: False, on_event: OnEvent | None = None) -> None:
        super().__init__(on_event)
        self.events: list[Event] = []
        """All that was told, in order."""
        self._asked = should_stop
        self._begun = time.monotonic()
        self._temporary = HeldFolder()
        folder = RunFolder(self._temporary.path)
        write_atomically(folder.study, dumps(study).encode())
        self.keeper = FolderKeeper(folder)

    def should_stop(self) -> bool:
        """Whether the job has been asked to stop; once it has, it stays so."""
        if not self.stop_reason and self._asked():
            self.stop_reason = BY_REQUEST
        return bool(self.stop_reason)

    def stoppable(self) -> AbstractContextManager[None]:
        """Nothing: the thread is the caller's."""
        return nullcontext()

    def limit_memory(self) -> None:
        """Nothing: the process is the caller's, and so is its memory."""

    def _written(self, event: Event) -> Event:
        clock = round(time.monotonic() - self._begun, 3)
        # Through the log's own words: what could not be logged cannot be told here either.
        written = decode(encode(replace(event, seq=len(self.events), time=now(), clock=clock)))
        self.events.append(written)
        return written

    def __enter__(self) -> InMemory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._temporary.release()
