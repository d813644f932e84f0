"""Local workers: processes of this machine that stay from trial to trial, each with its share of threads and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

from ser_tui.execution.memory_limit import SHARE, free_bytes
from ser_tui.execution.messages import (
    Cool,
    Done,
    Failed,
    Measured,
    MeasureEpoch,
    PlainLeg,
    Prepare,
    Prepared,
    Refit,
    Save,
    Stop,
    Told,
    Train,
    Trained,
    let_hear,
)
from ser_tui.execution.preparing import preparing
from ser_tui.execution.process import Process
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Hearer, Task, WorkerDied
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import TrialStopped

LOOK_SECONDS = 0.2
"""How long the search waits before it looks again whether it shall stop."""
PATIENCE_SECONDS = 20.0
"""Whoever has not stopped by then is killed: a batch is not as long, and its trial has no score either way."""
MOST_STARTS = 3
"""Workers that end one after the other before they are ready: others would too."""


def threads_of(workers: int) -> int:
    """The share of the threads of each of so many workers."""
    return max(1, cores() // workers)


class LocalWorkers:
    """An executor of several processes: see `ser_tui.experiment.executing.Executor`. They are started at once, and prepared by
    `prepare`."""

    def __init__(self, workers: int, should_stop: Callable[[], bool]) -> None:
        self.crew = Crew(workers, threads_of(workers))
        self._should_stop = should_stop
        self._allowance = int(free_bytes() * SHARE) // workers
        self._prepare: Prepare | None = None
        self._made_for = ("", "")
        """Fingerprint of the encoder, and precision, of the search's own trainer."""
        self._stop_by: float | None = None
        self._failed_starts = 0
        self._processes = [self._started() for _ in range(workers)]

    @property
    def pids(self) -> list[int]:
        """Of their processes."""
        return [one.pid for one in self._processes]

    def pid_of(self, trial: int) -> int | None:
        """Of the process that makes `trial`."""
        return next((one.pid for one in self._processes if one.trial == trial), None)

    def _started(self) -> Process:
        started = Process(self.crew.threads or 1, self._allowance)
        if self._prepare is not None:
            started.ask(self._prepare)
        return started

    def measure(self, message: MeasureEpoch) -> list[Measured]:
        """Let all train at the same time on what `message` holds; what each has measured. Raises TrialStopped, WorkerDied, and what a
        trial raises."""
        for one in self._processes:
            one.ask(message)
        found: list[Measured] = []
        waiting = list(self._processes)
        while waiting:
            if self._should_stop():
                raise TrialStopped
            for one in _heard(waiting):
                answer = one.hear()
                if isinstance(answer, Failed):
                    raise answer.error()
                if isinstance(answer, Measured):
                    waiting.remove(one)
                    found.append(answer)
        return found

    def prepare(self, study: Study, data: SplitCorpus, trainer: Trainer, crew: Crew | None = None) -> None:
        """Tell all the study and its parts; they are free once they have loaded its encoder. `crew`: what else is known of them."""
        self.crew = crew or self.crew
        self._made_for = trainer.encoder_fingerprint, trainer.precision
        self._prepare = preparing(study, data, trainer.precision)
        for one in self._processes:
            one.ask(self._prepare)

    @property
    def free(self) -> bool:
        """Whether one of them is ready, and has no trial."""
        return any(one.ready and one.trial is None for one in self._processes)

    @property
    def place(self) -> str:
        """This machine."""
        return ""

    def submit(self, task: Task) -> None:
        """See `Executor`."""
        one = next(one for one in self._processes if one.ready and one.trial is None)
        one.trial, one.busy = task.trial, True
        rung = None if task.rung is None else PlainLeg.of(task.rung)
        one.ask(Train(parameters=dict(task.parameters), seed=task.seed, rival=task.rival, rung=rung))

    def next(self, hearer: Hearer) -> Ended | None:
        """See `Executor`."""
        for one in _heard(self._processes):
            try:
                if (ended := self._after(one, one.hear(), hearer)) is not None:
                    return ended
            except WorkerDied as error:
                if (ended := self._replaced(one, error)) is not None:
                    return ended
        if self._stop_by is not None and time.monotonic() > self._stop_by:
            for one in self._processes:
                if one.busy and one.trial is not None:
                    trial = one.trial
                    self._replace(one, at_once=True)
                    return Ended(trial, error=TrialStopped())
        return None

    def _after(self, one: Process, message: Told, hearer: Hearer) -> Ended | None:
        """Take in `message` of a process; the end that it tells of."""
        if isinstance(message, Prepared):
            if (message.fingerprint, message.precision) != self._made_for:
                raise UserError("the encoder's files were changed while the search began; resume it once they are as they shall be")
            one.ready, self._failed_starts = True, 0
            return None
        trial = one.trial
        if isinstance(message, Failed) and not one.ready:
            error = message.error()
            raise error if isinstance(error, UserError) else UserError(f"a worker could not be made ready: {message.text or message.kind}")
        if trial is None or not one.busy:
            return None
        if isinstance(message, Trained | Done | Failed):
            one.busy = False
            if isinstance(message, Failed):
                return Ended(trial, error=message.error())
            return Ended(trial, message.result() if isinstance(message, Trained) else None)
        let_hear(hearer, trial, message)
        return None

    def _replaced(self, one: Process, error: WorkerDied) -> Ended | None:
        """Put a fresh process in the place of one that has died; the end of what it was at."""
        trial, busy, ready = one.trial, one.busy, one.ready
        self._replace(one)
        self._failed_starts += not ready
        if self._failed_starts >= MOST_STARTS:
            raise UserError(f"{self._failed_starts} workers in a row ended before they were ready, the last one: {error}")
        return Ended(trial, error=error) if busy and trial is not None else None

    def _replace(self, one: Process, *, at_once: bool = False) -> None:
        one.end(at_once=at_once)
        place = self._processes.index(one)
        self._processes[place : place + 1] = [self._started()] if self._stop_by is None else []

    def _of(self, trial: int) -> Process:
        """Who has the model of `trial`. Raises WorkerDied."""
        for one in self._processes:
            if one.trial == trial:
                return one
        raise WorkerDied("the process that trained it is gone")

    def refit(self, trial: int) -> None:
        """See `Executor`."""
        one = self._of(trial)
        one.busy = True
        one.ask(Refit())

    def cool(self, trial: int, temperature: float) -> None:
        """See `Executor`."""
        self._of(trial).ask(Cool(temperature=temperature))

    def save(self, trial: int, folder: Path) -> None:
        """See `Executor`."""
        one = self._of(trial)
        one.ask(Save(folder=os.fsencode(folder.absolute())))
        give_up: float | None = None
        while True:
            if not wait([one.pipe], LOOK_SECONDS):
                if give_up is None and self._should_stop():
                    give_up = time.monotonic() + PATIENCE_SECONDS
                if give_up is not None and time.monotonic() > give_up:
                    one.kill()  # it hangs, as on a disk that has gone: nobody who wants to stop waits for that
                continue
            try:
                answer = one.hear()
            except WorkerDied:
                self._replace(one)
                raise
            if isinstance(answer, Failed):
                raise answer.error()
            if isinstance(answer, Done):
                return

    def release(self, trial: int) -> None:
        """See `Executor`."""
        for one in self._processes:
            if one.trial == trial:
                one.last, one.trial, one.busy = trial, None, False

    def renew(self, trial: int) -> bool:
        """Replace the process that has failed for memory, which is the one that is free."""
        for one in self._processes:
            if one.ready and one.last == trial:
                self._replace(one)
                break
        return True

    def stop(self) -> None:
        """See `Executor`."""
        self._stop_by = time.monotonic() + PATIENCE_SECONDS
        for one in self._processes:
            one.ask(Stop())

    def close(self) -> None:
        """See `Executor`: they end by themselves, at once, when their pipes close."""
        for one in self._processes:
            one.pipe.close()
        for one in self._processes:
            one.end()
        self._processes = []


def _heard(processes: list[Process]) -> Iterator[Process]:
    """Those of `processes` that have said something, or have died, within LOOK_SECONDS."""
    pipes = {one.pipe: one for one in processes}
    for pipe in wait(list(pipes), LOOK_SECONDS):
        if isinstance(pipe, Connection):
            yield pipes[pipe]
