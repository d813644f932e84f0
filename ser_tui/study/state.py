"""What a run is, as its log tells: what the screens, the command line, the index and the export share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyrsistent import PVector, pvector

from ser_tui.study import events
from ser_tui.study.constraints import rank
from ser_tui.study.epochs import Epoch, Epochs
from ser_tui.study.findings import findings_of, is_imported
from ser_tui.study.hyperparameters import Value
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import BCA, Measure, Score
from ser_tui.study.status import RunStatus, TrialStatus
from ser_tui.study.worker_time import WorkerTime

__all__ = ["Epoch", "Evaluation", "RunState", "Rung", "Trial"]


EDITED = "+edited"


@dataclass(frozen=True)
class Rung:
    """A trial after `epoch` of its `epochs`, when it was paused: see `events.TrialPaused`."""

    epoch: int
    epochs: int
    score: Score
    seconds: float
    checkpoint: str = ""


@dataclass(frozen=True)
class Trial:
    """One point of the search space and how far it came."""

    number: int
    parameters: Mapping[str, Value]
    phase: str = ""
    status: TrialStatus = TrialStatus.RUNNING
    started: str = ""
    epochs: Sequence[Epoch] = Epochs()
    scores: Mapping[str, Score] = field(default_factory=dict)
    """What it was measured by after its last epoch, under the names in `scores.MEASURES`; none before that."""
    best_epoch: int | None = None
    best_epoch_value: float | None = None
    """Its BCA."""
    loss: float | None = None
    seconds: float | None = None
    """Measured by the worker; None while running or when the worker died."""
    reason: str = ""
    failure: str = ""
    """A `status.FailureKind`, or one of a newer version; empty where it has not failed."""
    predictions: Sequence[int] = ()
    probe_p: float | None = None
    """See `events.TrialFinished`, the next one too."""
    outputs: str = ""
    expected: tuple[float, float] | None = None
    """See `events.TrialStarted`."""
    told: float | None = None
    """See `events.TrialDropped`; None of any other."""
    pending: tuple[int, ...] = ()
    """See `events.TrialStarted`."""
    until: int = 0
    """The epoch up to which it is trained before it is paused; 0: to its end."""
    rungs: tuple[Rung, ...] = ()
    """Where it was paused, in order. Their scores are none of `scores`."""
    resumed: tuple[str, float] | None = None
    """When it was gone on with last, and the seconds that it had been trained for by then; None where it never was."""
    asked: Mapping[str, Value] = field(default_factory=dict)
    """See `events.TrialStarted`."""
    unsaved: str = ""
    """See `events.TrialFinished`."""
    where: str = ""
    """The machine that makes it, or made it last: see `events.TrialStarted`."""
    prepared: float = 0.0
    """See `events.TrialFinished`."""

    @property
    def proposed(self) -> Mapping[str, Value]:
        """The point that the strategy proposed, which it is told the score of."""
        return {**self.parameters, **self.asked} if self.asked else self.parameters

    def score(self, name: str = BCA) -> Score | None:
        """One of `scores`, or None."""
        return self.scores.get(name)

    def value(self, name: str = BCA) -> float | None:
        """Its value, or None."""
        found = self.scores.get(name)
        return None if found is None else found.value

    @property
    def utterances(self) -> int:
        """How many its scores are of; 0 before it has any."""
        return max((score.n or 0 for score in self.scores.values()), default=0)

    @property
    def best_epoch_score(self) -> Score | None:
        """The BCA of its best epoch, with its interval where the log has that."""
        if self.best_epoch_value is None:
            return None
        interval = next((epoch.interval for epoch in self.epochs if epoch.epoch == self.best_epoch), None)
        return Score(self.best_epoch_value, interval)

    @property
    def scored(self) -> bool:
        """Whether the trial counts: it ran to its end, or to the collapse guard's."""
        return bool(self.scores)


@dataclass(frozen=True)
class Evaluation:
    """A zero-shot evaluation under way (`result` is None) or ended. `done` of `utterances` are predicted."""

    corpus: str
    mapping: Mapping[str, str]
    done: int = 0
    utterances: int = 0
    result: events.EvaluationFinished | None = None
    reason: str = ""
    speakers: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Whose utterances, see `events.EvaluationStarted`."""


@dataclass(frozen=True)
class RunState:
    """A run as its log tells it.

    Whether a `running` run's worker lives is not in the log: `ser_tui.store.runs.liveness` looks at the process.
    """

    status: RunStatus = RunStatus.NEW
    study: LoggedStudy = field(default_factory=LoggedStudy)
    start: events.RunStarted | None = None
    started: str = ""
    last_time: str = ""
    ended: str = ""
    sessions: tuple[WorkerTime, ...] = ()
    """One for each worker that worked on the search: elapsed time is their sum."""
    reason: str = ""
    trials: PVector[Trial] = field(default_factory=lambda: pvector([]))
    """Trials in order, each as far as it has come: trial number n is at n - 1."""
    running: tuple[int, ...] = ()
    """Numbers of the trials under way, in the order in which they began."""
    stages: tuple[events.Progressed, ...] = ()
    """How far the stages under way have come, one of each trial at most and one of no trial, what was told last at the end."""
    heard: tuple[tuple[int, str], ...] = ()
    """(number, when the log told something of it last) of each trial under way: see `ser_tui.study.silence`."""
    best: Trial | None = None
    """By the study's objective."""
    predicted: tuple[str, float] | None = None
    """(when, seconds): the worker's last prediction of what the search still takes."""
    truth: tuple[int, ...] = ()
    probe: events.ProbeScored | None = None
    test: events.TestScored | None = None
    folds: tuple[events.FoldsScored, ...] = ()
    fold_trained: tuple[events.FoldTrained, ...] = ()
    """The folds that are trained of protocols of which not all are."""
    seeds: tuple[events.SeedScored, ...] = ()
    """Of every trial that was trained again, whichever was the best then."""
    evaluations: tuple[Evaluation, ...] = ()
    log: PVector[tuple[str, str, str]] = field(default_factory=lambda: pvector([]))
    """(time, level, text), newest last."""
    seq: int = -1

    @property
    def strategy(self) -> str:
        """What proposed the trials: gp; gp+warm, see `LoggedStudy.strategy`; gp+edited where bounds were edited between them."""
        edited = any(finding.kind == "bounds" for finding in findings_of(self.start))
        return f"{self.study.strategy}{EDITED}" if edited and self.study.strategy else self.study.strategy

    @property
    def measure(self) -> Measure:
        """What the study searches for."""
        return self.study.measure

    def rank(self, scores: Mapping[str, Score]) -> tuple[float, float] | None:
        """What is larger for the better of two trials, see `constraints.rank`; None where nothing was measured that is searched for."""
        return rank(scores, self.measure, self.study.constraints)

    def beats_best(self, scores: Mapping[str, Score]) -> bool:
        """Whether a further trial with `scores` is better than the best one."""
        mine = self.rank(scores)
        theirs = None if self.best is None else self.rank(self.best.scores)
        return mine is not None and (theirs is None or mine > theirs)

    @property
    def under_way(self) -> tuple[Trial, ...]:
        """The trials under way, in the order in which they began."""
        return tuple(self.trials[number - 1] for number in self.running)

    @property
    def current(self) -> Trial | None:
        """The trial under way that began last."""
        return self.trials[self.running[-1] - 1] if self.running else None

    @property
    def progress(self) -> events.Progressed | None:
        """How far the stage has come that was told of last: of a trial, or of what the worker does between and after trials."""
        return self.stages[-1] if self.stages else None

    def stage_of(self, number: int) -> events.Progressed | None:
        """How far a stage of trial `number`, which is under way, has come; one that names no trial is of it where it is alone."""
        alone = self.running == (number,)
        return next((one for one in reversed(self.stages) if one.trial == number or (alone and one.trial is None)), None)

    def trial(self, number: int) -> Trial | None:
        """Trial `number`, as far as it has come."""
        return self.trials[number - 1] if 0 < number <= len(self.trials) else None

    @property
    def pooled(self) -> tuple[tuple[str, Score], ...]:
        """(what they are called, score) of all folds together, for every protocol with folds that was scored."""
        return tuple((one.name, one.scores[BCA]) for one in self.folds)

    @property
    def can_go_on(self) -> bool:
        """See `run_summary.RunSummary.can_go_on`."""
        return self.status == RunStatus.DONE and self.test is None and not is_imported(self.start)

    @property
    def finished_trials(self) -> int:
        """How many trials count against the budget: scored or failed, not those cut short."""
        return sum(trial.status.counts for trial in self.trials)
