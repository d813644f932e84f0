"""What a job needs of where it runs: a worker's process, a thread of a notebook, a test. `ser_tui.worker` implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from ser_tui.experiment.crew import Crew
from ser_tui.strategies.warm import Prior
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event
from ser_tui.study.hyperparameters import Value
from ser_tui.study.state import RunState, Trial

if TYPE_CHECKING:  # a worker implements this before it imports torch
    from ser_tui.experiment.data import SplitCorpus
    from ser_tui.store.outputs import Outputs
    from ser_tui.training.model import Model
    from ser_tui.training.trainer import Trainer

Noted = Literal["corpus", "parts"]
"""What is noted when a run begins and compared before every later job on it: see `ser_tui.experiment.parts`."""


class ModelMissing(UserError):
    """The best trial has no model: it could not be saved, was removed, or is damaged. Its score stands."""


class AlreadyTold(UserError):
    """Why a job failed, which it has told in an event of its own."""


class Keeper(Protocol):
    """What a job keeps, or finds kept, of its run besides the log."""

    @property
    def study_place(self) -> str:
        """Where the study document is, for people."""
        ...

    def study(self) -> Study:
        """The run's study as its document says it now. Raises UserError."""
        ...

    def recall(self, name: Noted) -> Mapping[str, Any]:
        """What was noted as `name`; empty where nothing readable was."""
        ...

    def remember(self, name: Noted, facts: Mapping[str, Any]) -> None:
        """Note `facts`, JSON-safe, as `name`. Raises DiskError."""
        ...

    def save_candidate(self, number: int, write: Callable[[Path], None]) -> None:
        """Keep the model of trial `number`, which `write` writes into a folder; before its score is reported. Raises DiskError."""
        ...

    def settle(self, best: Trial | None) -> None:
        """Make the candidate of `best` the run's model, where there is one, and drop those of other trials. Raises OSError."""
        ...

    def past_runs(self, study: Study) -> Sequence[Prior]:
        """The runs that the study's warm start names, the newest first, each with all its trials that have a BCA. Raises UserError where
        one is not there."""
        ...

    def checkpoint(self, number: int, epoch: int) -> Path:
        """Where the checkpoint of trial `number` after `epoch` lies, or is to be written."""
        ...

    def settle_checkpoints(self, state: RunState) -> None:
        """Remove the checkpoints that no trial of `state` can go on from."""
        ...

    @property
    def shared(self) -> Path:
        """A folder, made by whoever uses it, where trials may keep what later ones take from them."""
        ...

    def settle_shared(self) -> None:
        """Drop what trials have kept for later ones: none comes any more."""
        ...

    def keep_outputs(self, outputs: Outputs) -> str:
        """Keep what a model said of a scored part; the digest that the event is to hold. Raises DiskError."""
        ...

    def outputs(self, digest: str, classes: int) -> Outputs | None:
        """What was kept as `digest`; None where it is not there any more."""
        ...

    def settle_outputs(self, state: RunState) -> None:
        """Drop the outputs that `state` does not count among those that are kept."""
        ...

    def load_best(self, best: Trial | None) -> Model:
        """The run's model, which must be that of the trial `best`. Raises ModelMissing, also for one that is damaged, and UserError."""
        ...


class Surroundings(Protocol):
    """Where a job's events go, and who may end it. A job sees nothing else of processes, signals and the run's files."""

    @property
    def state(self) -> RunState:
        """The run as far as it has been told, this job's events included."""
        ...

    @property
    def keeper(self) -> Keeper:
        """Keeps models and notes."""
        ...

    @property
    def stop_reason(self) -> str:
        """Why the job shall stop; empty while it shall not."""
        ...

    def emit(self, event: Event) -> None:
        """Tell `event`; it is kept for good when this returns. Raises UserError where it cannot be, and where it does not follow
        from what was told before."""
        ...

    def note(self, text: str, level: str = "info", **data: Any) -> None:
        """Tell a sentence for people. Raises as `emit` does."""
        ...

    def progress(self, stage: str, done: int, total: int, trial: int | None = None) -> None:
        """`done` of `total` utterances of `stage`, of `trial` where it is one's, are dealt with. Cheap: it may be called at every
        batch."""
        ...

    def should_stop(self) -> bool:
        """Whether the job shall stop. Cheap: it may be asked at every batch."""
        ...

    def stoppable(self) -> AbstractContextManager[None]:
        """Within, where nothing is told and nothing is lost that is half done, TrialStopped is raised as soon as the job shall stop: in
        what takes seconds and asks nobody, as where libraries load. Where that cannot be, nothing is."""
        ...

    def limit_memory(self) -> None:
        """Called before what may take much memory: where it runs out, an allocation shall fail rather than the process be killed."""
        ...


class Forecasting(Protocol):
    """Predictions of how long one search takes."""

    crew: Crew
    """Who makes the trials; one worker until it is set."""

    @property
    def planned(self) -> int | None:
        """Trials that the budget, or the space, allows; None: as many as the minutes allow."""
        ...

    def whole(self) -> float | None:
        """Seconds for the whole search; None where nothing is known."""
        ...

    def remaining(self, state: RunState, parameters: Mapping[str, Value]) -> float | None:
        """Seconds for the trial that is about to start with `parameters` and for those after it; None where nothing is known."""
        ...

    def folds(self, count: int) -> float | None:
        """Seconds for so many folds, each trained as a trial is, one after another; None where nothing is known."""
        ...


Forecaster: TypeAlias = "Callable[[Study, SplitCorpus, Trainer, Callable[[], bool]], Forecasting]"
"""(study, data, trainer, should_stop) -> predictions, such as `ser_tui.costs.forecast.Forecast`. Raises TrialStopped."""
