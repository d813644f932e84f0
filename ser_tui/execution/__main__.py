"""`python -m ser_tui.execution PIPE THREADS BYTES`: one local worker, which makes trials for the process at the other end of PIPE, the
number of an open file. It keeps its encoder and features from trial to trial, and ends when the pipe closes, whatever it is at.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from ser_tui.execution import messages
from ser_tui.execution.memory_limit import data_bytes, limit_memory
from ser_tui.execution.messages import Asked, Cool, Done, Failed, MeasureEpoch, Prepare, Prepared, Refit, Save, Stop, Told, Train, Trained

if TYPE_CHECKING:
    from ser_tui.training.trainer import Trainer
    from ser_tui.training.trial import EpochReport

STAGE_SECONDS = 0.5
"""How often it says how far it has come: the log is told less often still."""


class LocalWorker:
    """What a local worker does with what it is asked. `allowance`: bytes that it may take beyond what it starts with; 0: no limit."""

    def __init__(self, pipe: Connection, threads: int, allowance: int) -> None:
        self._pipe = pipe
        self._threads = threads
        self._most = (data_bytes() or 0) + allowance if allowance else None
        self._inbox: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._staged = 0.0
        self._trainer: Trainer | None = None
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def _listen(self) -> None:
        """Take in what is asked, a stop at once. Without the process that asks, nothing that this one does is of use to anybody."""
        try:
            while True:
                message = messages.asked(self._pipe.recv_bytes())
                if isinstance(message, Stop):
                    self._stopped.set()
                self._inbox.put(message)
        except (EOFError, OSError):
            os._exit(0)

    def work(self) -> None:
        """Answer to one message after the other, for ever."""
        from ser_tui.training import torch_settings

        torch_settings.apply(self._threads)
        while True:
            message = self._inbox.get()
            try:
                answer = self._answer(message)
            except Exception as error:  # the search's process knows which of them are a trial's failure
                answer = Failed.of(error)
                if answer.kind not in ("stopped", "nan", "memory", "disk", "changed", "user"):
                    traceback.print_exc()
            if answer is not None:
                self._tell(answer)

    def _tell(self, message: Told) -> None:
        try:
            self._pipe.send_bytes(messages.encode(message))
        except OSError:
            os._exit(0)

    def _answer(self, message: Asked) -> Told | None:
        if isinstance(message, Stop):
            return None
        if isinstance(message, MeasureEpoch):
            return self._measured(message)
        if isinstance(message, Prepare):
            return self._prepared(message)
        trainer = self._trainer
        if trainer is None:
            raise RuntimeError("this worker has not been told its study")
        if self._most is not None:
            limit_memory(self._most)
        if isinstance(message, Train):
            return self._trained(message, trainer)
        if isinstance(message, Refit):
            trainer.refit(self._stopped.is_set)
        elif isinstance(message, Cool):
            trainer.cool(message.temperature)
            return None
        elif isinstance(message, Save):
            trainer.save_best(Path(os.fsdecode(message.folder)))
        return Done()

    def _measured(self, message: MeasureEpoch) -> Told:
        from ser_tui.costs.worker_gain import epoch_of
        from ser_tui.study.load import loads

        parts = message.train.part(), message.validation.part()
        seconds, peak, share = epoch_of(loads(message.study), *parts, message.classes, self._stopped.is_set)
        return messages.Measured(seconds=seconds, peak=peak, share=share)

    def _prepared(self, message: Prepare) -> Told:
        from ser_tui.experiment.trainers import make_trainer_of
        from ser_tui.study.load import loads

        if self._most is not None:
            limit_memory(self._most)
        parts, folds = (message.train.part(), message.validation.part()), [fold.fold() for fold in message.folds]
        trainer = make_trainer_of(loads(message.study), *parts, message.classes, on_stage=self._stage, folds=folds)
        if trainer.tunes:
            trainer.on_fold = lambda number, fold, value: self._tell(messages.FoldScored(fold=number, value=value))
        trainer.encoder_name = message.encoder_name or trainer.encoder_name
        self._trainer = trainer
        return Prepared(fingerprint=trainer.encoder_fingerprint, precision=trainer.precision)

    def _trained(self, message: Train, trainer: Trainer) -> Told:
        def on_epoch(report: EpochReport) -> None:
            self._tell(messages.EpochReported(report=report))

        rung = None if message.rung is None else message.rung.rung()
        found = trainer.run(message.parameters, message.seed, on_epoch, self._stopped.is_set, message.rival, rung)
        return Trained.of(found)

    def _stage(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._staged >= STAGE_SECONDS:
            self._staged = now
            self._tell(messages.Staged(stage=stage, done=done, total=total))


def main() -> None:
    """Work until the pipe closes."""
    for ignored in (signal.SIGHUP, signal.SIGINT):  # the process at the other end knows what they mean
        signal.signal(ignored, signal.SIG_IGN)
    pipe, threads, allowance = map(int, sys.argv[1:])
    LocalWorker(Connection(pipe), threads, allowance).work()


if __name__ == "__main__":
    main()
