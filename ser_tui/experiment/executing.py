"""Where a search's trials are made: what it asks of that, and the way that needs nothing else: in its own process, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import Value
from ser_tui.training.trial import EpochReport, Fold, Leg, Rival, TrialResult

if TYPE_CHECKING:  # whoever only speaks to one that trains needs no torch
    from ser_tui.training.trainer import Trainer


@dataclass(frozen=True)
class Task:
    """One trial to be made."""

    trial: int
    parameters: Mapping[str, Value]
    seed: int
    rival: Rival | None = None
    """Whom it races against: see `Trainer.run`."""
    rung: Leg | None = None
    """The stretch of it that is to be trained; None: all of it."""


@dataclass(frozen=True)
class Ended:
    """A trial's training is over, or, with neither result nor error, the refit that was asked for. `error`: what `Trainer.run`
    raised, or WorkerDied."""

    trial: int
    result: TrialResult | None = None
    error: Exception | None = None


class WorkerDied(Exception):
    """The process that trained a trial is gone; the trial has no score, and may be made again."""

    most_attempts = 2
    """How often a trial is begun whose process dies: the second time that is no chance."""


class MachineGone(WorkerDied):
    """As WorkerDied, with the whole machine, or with all that others started on it: mostly that is no fault of the trial."""

    most_attempts = 5


class Hearer(Protocol):
    """Hears how the trials under way come along."""

    def on_epoch(self, trial: int, report: EpochReport) -> None:
        """An epoch of `trial` is over."""
        ...

    def on_fold(self, trial: int, fold: int, value: float) -> None:
        """Fold `fold`, from 1, of a `trial` that is trained on several is scored. `value`: its BCA."""
        ...

    def on_stage(self, trial: int, stage: str, done: int, total: int) -> None:
        """So far a stage of `trial` has come."""
        ...


class Executor(Protocol):
    """Makes trials. Their ends come in whatever order; the model of each is kept until it is released."""

    @property
    def crew(self) -> Crew:
        """Who they are."""
        ...

    @property
    def free(self) -> bool:
        """Whether one more trial can begin now."""
        ...

    @property
    def place(self) -> str:
        """Where the next trial would be made; empty: on this machine. Only while `free`."""
        ...

    def submit(self, task: Task) -> None:
        """Begin a trial; only while `free`."""
        ...

    def next(self, hearer: Hearer) -> Ended | None:
        """Wait for the next thing that the search must know: an end; None: look again, a worker may be free or a stop be wished.

        Raises UserError where no worker can be had.
        """
        ...

    def refit(self, trial: int) -> None:
        """Train the model of `trial`, which has ended, once more as `Trainer.refit` does; that ends as a trial does."""
        ...

    def cool(self, trial: int, temperature: float) -> None:
        """As `Trainer.cool`, the model of `trial`."""
        ...

    def save(self, trial: int, folder: Path) -> None:
        """As `Trainer.save_best`, the model of `trial`. Raises what that raises, and WorkerDied."""
        ...

    def release(self, trial: int) -> None:
        """The search is done with `trial`: whoever made it is free."""
        ...

    def renew(self, trial: int) -> bool:
        """`trial` ran out of memory, which leaves a process's heap full of holes: go on with a fresh process. False: it was in this
        one, which its owner must replace."""
        ...

    def stop(self) -> None:
        """Ask all trials under way to end within a batch."""
        ...

    def close(self) -> None:
        """End all that is under way, for good; may be called twice."""
        ...


class Stages:
    """Tells how far a stage of the trainer has come, with the trial that it is training; of none between trials."""

    def __init__(self, session: Surroundings) -> None:
        self._session = session
        self._trial: int | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._session.progress(stage, done, total, self._trial)

    @contextmanager
    def of(self, trial: int) -> Iterator[None]:
        """Trial `trial` is being trained."""
        self._trial = trial
        try:
            yield
        finally:
            self._trial = None


class InProcess:
    """One trial at a time, in the thread that asks for its end, by the search's own trainer."""

    def __init__(self, session: Surroundings, trainer: Trainer, stages: Stages, crew: Crew | None = None) -> None:
        self.crew = crew or Crew()
        self._session, self._trainer, self._stages = session, trainer, stages
        self._task: Task | None = None
        self._refit = False

    @property
    def free(self) -> bool:
        """Whether no trial has been begun."""
        return self._task is None

    @property
    def place(self) -> str:
        """Here."""
        return ""

    def submit(self, task: Task) -> None:
        """Take `task`, which `next` trains."""
        self._task = task

    def next(self, hearer: Hearer) -> Ended | None:
        """Train the trial that was begun, or train it once more."""
        task = self._task
        if task is None:
            return None
        try:
            with self._stages.of(task.trial):
                return Ended(task.trial, self._trained(task, hearer))
        except Exception as error:  # the search knows which of them are a trial's failure
            return Ended(task.trial, error=error)

    def _trained(self, task: Task, hearer: Hearer) -> TrialResult | None:
        def on_epoch(report: EpochReport) -> None:
            hearer.on_epoch(task.trial, report)

        def on_fold(number: int, fold: Fold, value: float) -> None:
            hearer.on_fold(task.trial, number, value)

        if self._refit:
            self._refit = False
            self._trainer.refit(self._session.should_stop)
            return None
        if self._trainer.tunes:  # all folds of a probe take less time than a line is read in
            self._trainer.on_fold = on_fold
        return self._trainer.run(task.parameters, task.seed, on_epoch, self._session.should_stop, task.rival, task.rung)

    def refit(self, trial: int) -> None:
        """Let `next` train the trial once more."""
        self._refit = True

    def cool(self, trial: int, temperature: float) -> None:
        """See `Executor`."""
        self._trainer.cool(temperature)

    def save(self, trial: int, folder: Path) -> None:
        """See `Executor`."""
        self._trainer.save_best(folder)

    def release(self, trial: int) -> None:
        """See `Executor`."""
        self._task, self._refit = None, False

    def renew(self, trial: int) -> bool:
        """It cannot replace its own process."""
        return False

    def stop(self) -> None:
        """Nothing: the trainer asks the surroundings by itself."""

    def close(self) -> None:
        """Nothing is under way but what this thread does."""


Executing: TypeAlias = "Callable[[Surroundings, Study, SplitCorpus, Trainer, Stages], Executor]"
"""Makes the executor of a search on this study and data, which its trainer (see `Stages` too) can also train."""


def in_process(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Executor:
    """An executor without workers, whatever the study says of them: for tests, and for a look at a search that nobody keeps."""
    return InProcess(session, trainer, stages)
