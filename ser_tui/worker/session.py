"""A run folder as the surroundings of a job: the lock on the run, its sign of life, the log and the wish to stop."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from filelock import Timeout

from ser_tui.execution.memory_limit import limit_memory
from ser_tui.store import snapshot
from ser_tui.store.batch_jobs import this_job
from ser_tui.store.files import disk_errors, disk_message, remove_leftovers, write_atomically, write_json
from ser_tui.store.locks import file_lock, told_without_locks
from ser_tui.store.log import LogWriter
from ser_tui.store.lost_studies import LOST, lost_study
from ser_tui.store.processes import identify
from ser_tui.store.runs import Place, RunFolder, refuse_links, worker_facts
from ser_tui.study.errors import UserError
from ser_tui.study.events import EvaluationFailed, Event, Note, RunResumed, RunStarted, now
from ser_tui.study.load import dumps
from ser_tui.study.reducer import reduce_all
from ser_tui.study.regular import open_regular
from ser_tui.study.status import BY_REQUEST
from ser_tui.worker.importing import stoppable
from ser_tui.worker.keeping import FolderKeeper
from ser_tui.worker.recording import OnEvent, Recorder

HEARTBEAT_SECONDS = 10.0
STOP_POLL_SECONDS = 0.2
BALLAST_BYTES = 64 * 1024
"""Room kept in a file of its own, given back when the disk is full so that the log can still say so."""
SCRATCH = ".scratch-"
"""Begins the names of folders that a job needs for a while; a killed one's are removed by the next."""


class Session(Recorder):
    """A worker on one run. A context manager: no other worker can be on the run while it is open.

    `own_process`: this process is there for the job alone, so that signals end the job and its memory is limited. False for a
    job in a caller's thread, whose signals and memory are left alone.
    """

    def __init__(self, folder: RunFolder, job: str, *, own_process: bool = True, on_event: OnEvent | None = None) -> None:
        """Take the run over. Raises UserError where another worker has it or its files cannot be written."""
        super().__init__(on_event)
        self.folder = folder
        self.keeper = FolderKeeper(folder)
        self.own_process = own_process
        self.job = job
        refuse_links(folder)
        self._lock = file_lock(folder.lock)
        self._told_to_stop = ""
        self._next_look = 0.0
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        self._log: LogWriter | None = None
        self.continues = False
        """Set before closing: this process takes the run up again at once, with another image."""
        self._said = False
        """Whether worker.json names this worker."""
        self._take()
        try:
            self._place = Place.of(folder)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _take(self) -> None:
        try:
            with told_without_locks(self.folder.lock, "SER_TUI_RUNS"):
                self._lock.acquire(timeout=1)
        except Timeout:
            facts = worker_facts(self.folder)
            who = f" (pid {facts.process.pid} on {facts.process.host})" if facts else ""
            raise UserError(f"another worker is on {self.folder.run_id}{who}") from None
        except OSError as error:
            raise disk_message(error, "taking the run over", self.folder.lock) from None

    def _begin(self) -> None:
        # Before the sign of life: whoever starts a worker waits for that, and so is told at once where the log is refused.
        self._log = LogWriter(self.folder.log)
        self.state = reduce_all(self._log.events)
        fresh = self.state.start is None and not self.state.trials
        self.changes_status = self.job == "search" and (fresh or self._is_continued())
        """Whether how the job ends is how the run ends: not yet for a search that may not be able to go on."""
        with disk_errors("taking the run over", self.folder.worker):
            if not self._is_continued():
                # A request that was meant for a worker that has died: nobody asks a worker that has not said who it is.
                self.folder.stop_request.unlink(missing_ok=True)
            self._remove_leftovers()
            lost = self._put_study_back()
            self._beat()
            self._said = True
        self._heart.start()
        if self.own_process:
            signal.signal(signal.SIGTERM, self._on_sigterm)
            for ignored in (signal.SIGHUP, signal.SIGINT):
                signal.signal(ignored, signal.SIG_IGN)
        self._keep_ballast()
        if self._log.dropped:
            self.emit(Note(level="warning", text=f"the log's torn last line ({self._log.dropped} bytes) was cut off"))
        if lost:
            self.emit(Note(level="warning", text=f"study.yaml {lost}: it is as the log has it again"))
            with suppress(OSError):
                self.folder.lost_study.unlink(missing_ok=True)
        with disk_errors("putting the best model in place", self.folder.best):
            self.keeper.settle(self.state.best)
        self.keeper.settle_outputs(self.state)
        for evaluation in self.state.evaluations:
            if evaluation.result is None and not evaluation.reason:
                self.emit(EvaluationFailed(corpus=evaluation.corpus, reason="its worker ended"))

    def _put_study_back(self) -> str:
        """Write study.yaml anew where it is lost; what has become of it, else nothing. Raises OSError."""
        found = lost_study(self.folder, self.state.start)
        if found is None:
            return self._lost_before()
        write_atomically(self.folder.study, dumps(found[0]).encode())
        return found[1]

    def _lost_before(self) -> str:
        """What had become of study.yaml before it was written with another budget, else nothing. Raises OSError."""
        try:
            with open_regular(self.folder.lost_study) as stream:
                said = stream.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return said if said in LOST else ""

    def _is_continued(self) -> bool:
        """Whether this very process has worked on the run before it replaced its image, and so could be asked to stop."""
        facts = worker_facts(self.folder)
        return facts is not None and not facts.ended and facts.process == identify(os.getpid())

    def emit(self, event: Event) -> None:
        """Log `event`; it is on the disk when this returns. Raises UserError where it cannot be written, or does not fit."""
        super().emit(event)
        self.changes_status |= isinstance(event, RunStarted | RunResumed)

    def _written(self, event: Event) -> Event:
        assert self._log is not None
        try:
            return self._log.append(event)
        except UserError:
            self._give_ballast_back()
            raise

    def limit_memory(self) -> None:
        """Let this process take most of the memory that is free now, where it is the job's own: see `execution.memory_limit`."""
        if self.own_process:
            limit_memory()

    def stoppable(self) -> AbstractContextManager[None]:
        """See `worker.importing.stoppable`; of a job in a caller's thread nothing can be."""
        return stoppable(self.should_stop) if self.own_process else nullcontext()

    def should_stop(self) -> bool:
        """Whether the worker has been asked to stop. Cheap: it may be asked at every batch."""
        if not self._told_to_stop and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + STOP_POLL_SECONDS
            if os.path.lexists(self.folder.stop_request):
                self._told_to_stop = BY_REQUEST
            elif self._is_gone():
                self._told_to_stop = f"stopped, since {self.folder.path} is not there any more: renamed or deleted"
        return bool(self._told_to_stop)

    @property
    def stop_reason(self) -> str:
        """Why the worker stops; empty while it shall not."""
        return self._told_to_stop

    def close(self) -> None:
        """Give the run back, for a while only where it `continues`. On a full disk as much of it as can be done."""
        self._over.set()
        if self._heart.is_alive():
            self._heart.join()
        if self._log is not None:
            with suppress(OSError):
                self._log.close()
        self._give_ballast_back()
        if self._said and not self.continues:
            self._keep_snapshot()
            with suppress(OSError):
                self.folder.stop_request.unlink(missing_ok=True)
            with suppress(OSError):
                self._beat(ended=True)
        self._lock.release()

    def _keep_snapshot(self) -> None:
        """Leave the state beside the log, for lists of thousands of runs and for long logs: see `ser_tui.store.snapshot`."""
        reader, state = snapshot.resumed(self.folder.log)
        state = reduce_all(reader.each(), state)
        if not reader.refused:
            snapshot.keep(reader, state, least=1)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _on_sigterm(self, number: int, frame: object) -> None:
        self._told_to_stop = "stopped by SIGTERM"

    def _beat_on(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            try:
                self._beat()
            except OSError:
                pass  # a full disk costs the sign of life, not the run

    def _beat(self, ended: bool = False) -> None:
        process = identify(os.getpid())
        if process is not None:
            facts = {"process": process.to_json(), "job": self.job, "heartbeat": now(), "folder": asdict(self._place)}
            if (batch := this_job()) is not None:
                facts["batch"] = batch.to_json()
            write_json(self.folder.worker, {**facts, "ended": True} if ended else facts)

    def _is_gone(self) -> bool:
        """Whether the folder is not at its place any more: renamed, or deleted, so that nothing more can be kept in it."""
        try:
            self.folder.path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            pass
        return False

    @property
    def _ballast(self) -> Path:
        return self.folder.lock.with_name("ballast")

    def _keep_ballast(self) -> None:
        with suppress(OSError):
            # Other bytes than zeros, which some file systems store as nothing.
            write_atomically(self._ballast, os.urandom(BALLAST_BYTES))

    def _give_ballast_back(self) -> None:
        with suppress(OSError):
            self._ballast.unlink(missing_ok=True)

    def _remove_leftovers(self) -> None:
        for path in (self.folder.worker, self.folder.corpus, self.folder.parts, self._ballast):
            remove_leftovers(path)
        for left in self.folder.path.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
