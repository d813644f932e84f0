"""The closed set of events that make a run's log. `ser_tui.study.log_codec` writes them as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, get_args

from ser_tui.study.formatting import score
from ser_tui.study.hyperparameters import Value
from ser_tui.study.scores import ACCURACY, BCA, Score, Share, of_trial


@dataclass(frozen=True, kw_only=True)
class Event:
    """What all events share. `seq` is -1, `time` empty and `clock` None until the log has written the event."""

    type: ClassVar[str]
    seq: int = -1
    time: str = ""
    clock: float | None = None
    """Seconds since the log was opened by its writer. Differences of `time` are wrong where the machine's clock was set."""


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The worker has resolved the study: what is trained on, where, and what must be said about it."""

    type: ClassVar[str] = "run_started"
    study: Mapping[str, Any]
    """The resolved study document."""
    classes: tuple[str, ...]
    utterances: Mapping[str, int]
    """Number of utterances by part: train, validation, test."""
    speakers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Speakers by part."""
    warnings: tuple[str, ...] = ()
    """Sentences of a log of before there were findings. Read neither field by itself: see `study.findings.findings_of`."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What must be said about the split, each as `study.findings.plain` makes it."""
    shares_speakers: bool = False
    unlabelled_speakers: bool | None = None
    """Whether utterances without a speaker leave it open what the parts share. None: a log of before there was this field."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """host, processor, cores, threads, precision, versions."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """corpus; split: of the ids in each part, absent in logs of before it was there; encoder."""
    startup: int = 0
    """Trials that the strategy draws before it models."""
    planned_trials: int | None = None
    """How many trials the budget or the grid allows."""
    predicted_seconds: float | None = None
    interval_speakers: int | None = None
    """Speakers that intervals on the validation part are over; 0, and 1: over utterances. None: a log of before there was this field."""
    validation_speakers: tuple[int, ...] = ()
    """For each validation utterance the number, from 0, of its speaker; none where training hears some of them too, where some are
    not known, and in logs of before there was this field."""
    validation_recordings: tuple[int, ...] = ()
    """The same of its recording; none where each utterance is a recording of its own."""
    objective: tuple[str, ...] = ()
    """Names of the folds that a trial is scored on, pooled: their utterances are the validation part. Empty: it is one part."""
    folds: int = 0
    """Of how many folds `objective` are some; 0: see there."""
    prior: tuple[Mapping[str, Any], ...] = ()
    """Past runs whose trials the strategy is told ahead of this one's: run, corpus, encoder, and trials, each with parameters and score."""


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """A new worker has taken the run over; what was under way then is cut short."""

    type: ClassVar[str] = "run_resumed"
    machine: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    """The study's budget from here on, as in `RunStarted.study`; empty: as before."""
    planned_trials: int | None = None
    """How many trials that budget, or the grid, allows; means nothing without `budget` or `search`."""
    search: Mapping[str, Any] = field(default_factory=dict)
    """The study's search from here on, as in `RunStarted.study`, where its bounds were edited; empty: as before."""


@dataclass(frozen=True, kw_only=True)
class TrialStarted(Event):
    """Trial `trial` (from 1) begins to train. The same number again: an earlier attempt was cut short."""

    type: ClassVar[str] = "trial_started"
    trial: int
    parameters: Mapping[str, Value]
    phase: str = ""
    """startup (drawn at random), model (proposed by the strategy's model), grid, or first (a recommended point)."""
    seed: int = 0
    """Of the head's weights, the order of batches and dropout."""
    remaining_seconds: float | None = None
    """What the search will still take, this trial included, as predicted when it started."""
    based_on: tuple[tuple[int, int], ...] | None = None
    """The finished trials that the strategy was told of, as (first, last) number of every unbroken stretch; None: not logged."""
    pending: tuple[int, ...] = ()
    """Numbers of the trials that the strategy was told are under way, in the order in which they began. An earlier trial that is not
    among them is over: where the log has no end of it, that line is lost."""
    expected: tuple[float, float] | None = None
    """Mean and standard deviation of the score that the strategy's model expected. None: it has none, or did not log it."""
    attempt: int = 1
    """How often this very proposal has begun: 2 where the process that trained it died, and it is made again."""
    where: str = ""
    """The machine that makes it, with its address; empty: the one that has the log."""
    until: int = 0
    """It is trained up to this epoch first, of more; 0: to its end at once."""
    asked: Mapping[str, Value] = field(default_factory=dict)
    """What the strategy proposed where `parameters` has something else: the batch that there was no memory for. Logs of before say nothing
    of it, and strategies were told what was made."""


@dataclass(frozen=True, kw_only=True)
class TrialContinued(Event):
    """A trial that was paused goes on from its checkpoint, after epoch `epoch` and up to `until`. The rest: see `TrialStarted`."""

    type: ClassVar[str] = "trial_continued"
    trial: int
    epoch: int
    until: int
    """Its last epoch, or that at which it is paused again."""
    anew: bool = False
    """Its checkpoint could not be read: it is trained from its first epoch again, which gives the same."""
    based_on: tuple[tuple[int, int], ...] | None = None
    pending: tuple[int, ...] = ()
    remaining_seconds: float | None = None
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class TrialPaused(Event):
    """A trial was trained for `epoch` of its `epochs`, and waits whether it is gone on with. Its score is of then: it is none of the scores
    that trials have which were trained to their end, and never the best."""

    type: ClassVar[str] = "trial_paused"
    trial: int
    epoch: int
    epochs: int
    rung: int
    """How often it has been paused, this time included."""
    bca: float
    interval: tuple[float, float] | None
    utterances: int
    seconds: float
    """That it was trained for so far."""
    checkpoint: str = ""
    """SHA-256 of the file that it goes on from."""

    @property
    def scores(self) -> Mapping[str, Score]:
        """The BCA after `epoch`."""
        return {BCA: Score(self.bca, self.interval, self.utterances)}


@dataclass(frozen=True, kw_only=True)
class TrialLeft(Event):
    """A trial that was paused after `epoch` of its `epochs` is not gone on with: its checkpoint is removed. It counts, without a score."""

    type: ClassVar[str] = "trial_left"
    trial: int
    epoch: int
    epochs: int
    rung: int
    bca: float
    """After `epoch`."""
    ahead: int
    """How many of the `of` trials that were trained for as many epochs were better then."""
    of: int

    @property
    def reason(self) -> str:
        """after 3 of 10 epochs (rung 1), BCA .312 there, 4th of 9: why, in few words."""
        done = f"after {self.epoch} of {self.epochs} epochs (rung {self.rung})"
        return f"{done}, BCA {score(self.bca)} there, place {self.ahead + 1} of {self.of}"


@dataclass(frozen=True, kw_only=True)
class EpochFinished(Event):
    """One pass over the training part. `epoch` counts from 1; `bca` is on the validation part, 0 to 1."""

    type: ClassVar[str] = "epoch_finished"
    trial: int
    epoch: int
    epochs: int
    loss: float | None
    bca: float | None
    validation_loss: float | None = None
    frozen: bool = False
    seconds: float = 0.0
    interval: tuple[float, float] | None = None
    """95 % interval of `bca`, as all intervals here. Each field for one is None, or empty, in logs of before it was there."""

    @property
    def value(self) -> float | None:
        """The BCA; None where it was not finite."""
        return self.bca

    @property
    def score(self) -> Score | None:
        """The same with its interval."""
        return None if self.bca is None else Score(self.bca, self.interval)


SEARCHING = ("features", "training", "scoring")
"""Stages of a search, and of folds. Any other is one of an evaluation."""


@dataclass(frozen=True, kw_only=True)
class Progressed(Event):
    """How far a long stage of what is under way has come. Written where nothing else has been for some seconds."""

    type: ClassVar[str] = "progressed"
    stage: str
    """features: the frozen encoder's, computed once; training: an epoch; scoring: its validation part; beside an evaluation:
    what is being done, in words (reading crema-d, untuned baseline)."""
    done: int
    utterances: int
    trial: int | None = None
    """The trial under way that it is a stage of; None: of no trial, or the log is of before this was in it."""


@dataclass(frozen=True, kw_only=True)
class TrialFinished(Event):
    """A trial has its score: the BCA after its last epoch. None: not measured, or not known of an imported one."""

    type: ClassVar[str] = "trial_finished"
    trial: int
    bca: float
    interval: tuple[float, float] | None
    """95 % interval of `bca`."""
    utterances: int | None
    best_epoch: int | None
    best_epoch_bca: float | None
    accuracy: float | None
    loss: float | None
    """Training loss of the last epoch."""
    seconds: float | None
    collapsed: bool = False
    """Ended by the collapse guard: loss and BCA at chance."""
    predictions: tuple[int, ...] = ()
    """Class index per validation utterance, in the order of the split; -1 where the utterance could not be read."""
    truth: tuple[int, ...] = ()
    """Only in a run's first finished trial: the true class index per validation utterance."""
    notes: tuple[str, ...] = ()
    probe_p: float | None = None
    """p of the paired permutation test against the run's probe; None: there was no probe yet."""
    accuracy_interval: tuple[float, float] | None = None
    outputs: str = ""
    """SHA-256 of the file of its class probabilities, see `ser_tui.store.outputs`, which is gone where ten better trials came; empty:
    none was kept, as in logs of before there was this field."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What was measured of it besides: peak_memory (bytes), trained_parameters; see `scores.MEASURES`."""
    worst: Mapping[str, tuple[float, tuple[float, float] | None, int, str]] = field(default_factory=dict)
    """What is the worst group's, of a study that asks for it, under the names in `scores.MEASURES`: that group's BCA, its interval, the
    group's utterances, and which group it is."""
    prepared: float = 0.0
    """Of its `seconds`, those in which features were computed that later trials and runs find. They are none of its minutes among its
    `scores`. Logs of before do not tell them."""
    unsaved: str = ""
    """Why there is no model of it, though it was the best so far: it could not be saved, or trained once more. Logs of before say so in a
    note alone."""

    @property
    def scores(self) -> Mapping[str, Score]:
        """All that it was measured by, under the names in `scores.MEASURES`."""
        shares: dict[Share, Score] = {BCA: Score(self.bca, self.interval, self.utterances)}
        if self.accuracy is not None:
            shares[ACCURACY] = Score(self.accuracy, self.accuracy_interval, self.utterances)
        groups = {name: Score(value, interval, n, group) for name, (value, interval, n, group) in self.worst.items()}
        return {**of_trial(shares, self.seconds, self.costs, self.prepared), **groups}

    @property
    def best_epoch_value(self) -> float | None:
        """The BCA of its best epoch."""
        return self.best_epoch_bca


@dataclass(frozen=True, kw_only=True)
class ProbeScored(Event):
    """The study's classifier on the frozen encoder, on the split of the trials: the best of `tried` ones by validation BCA."""

    type: ClassVar[str] = "probe_scored"
    parameters: Mapping[str, Value]
    tried: int
    bca: float
    interval: tuple[float, float]
    accuracy: float
    utterances: int
    predictions: tuple[int, ...]
    """As in `TrialFinished`."""
    best_p: float | None
    """p of the paired permutation test of the best trial so far against this probe."""
    seconds: float
    accuracy_interval: tuple[float, float] | None = None

    @property
    def scores(self) -> Mapping[str, Score]:
        """As those of a trial."""
        bca, accuracy = Score(self.bca, self.interval, self.utterances), Score(self.accuracy, self.accuracy_interval, self.utterances)
        return {BCA: bca, ACCURACY: accuracy}


@dataclass(frozen=True, kw_only=True)
class TrialFailed(Event):
    """A trial has no score. `kind`: see `status.FailureKind`."""

    type: ClassVar[str] = "trial_failed"
    trial: int
    kind: str
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class TrialDropped(Event):
    """A trial was behind the best one beyond doubt after `folds` of its `of` folds, and is not trained on the others: see
    `ser_tui.training.racing`. It is never the best."""

    type: ClassVar[str] = "trial_dropped"
    trial: int
    folds: int
    of: int
    bca: float
    """Pooled over the folds that were run, of `utterances` in all."""
    interval: tuple[float, float]
    utterances: int
    interval_speakers: int
    """Speakers that the interval is over; 0, and 1: over utterances."""
    rival: int
    """The number of the best trial then."""
    rival_bca: float
    """Its BCA on the same utterances."""
    told: float
    """What strategies are told: the best trial's BCA over all folds, less what this one is behind on those that were run."""
    seconds: float

    @property
    def scores(self) -> Mapping[str, Score]:
        """The BCA of the folds that were run."""
        return {BCA: Score(self.bca, self.interval, self.utterances)}

    @property
    def rival_score(self) -> Score:
        """The BCA of the best trial on the same utterances."""
        return Score(self.rival_bca, None, self.utterances)

    @property
    def reason(self) -> str:
        """after 2 of 5 folds, BCA .312, where trial 3 has .941: why, in few words."""
        done = f"after {self.folds} of {self.of} folds"
        return f"{done}, BCA {score(self.bca)}, where trial {self.rival} has {score(self.rival_bca)}"


@dataclass(frozen=True, kw_only=True)
class TestScored(Event):
    """The best trial's score on the held-out test part: made once, after the search."""

    __test__: ClassVar[bool] = False  # not a pytest class
    type: ClassVar[str] = "test_scored"
    trial: int
    bca: float
    interval: tuple[float, float]
    accuracy: float
    utterances: int
    confusion: tuple[tuple[int, ...], ...]
    """Rows: truth, columns: prediction, in the order of the run's classes."""
    probe_bca: float | None = None
    """The run's probe on the same part, once too."""
    probe_interval: tuple[float, float] | None = None
    probe_accuracy: float | None = None
    probe_p: float | None = None
    """p of the paired permutation test of the best trial against the probe."""
    accuracy_interval: tuple[float, float] | None = None
    probe_accuracy_interval: tuple[float, float] | None = None
    recall_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of the recall of each class that the part holds."""
    interval_speakers: int | None = None
    """Speakers that the intervals are over; 0, and 1: over utterances. None: a log of before there was this field."""
    outputs: str = ""
    """As in `TrialFinished`."""
    lone_recalls: tuple[str, ...] = ()
    """Classes that one speaker alone has, where there are several: the interval of their recall is over utterances, those of the other
    classes are over speakers. Logs of before there was this field do not tell."""

    @property
    def scores(self) -> Mapping[str, Score]:
        """As those of a trial."""
        bca, accuracy = Score(self.bca, self.interval, self.utterances), Score(self.accuracy, self.accuracy_interval, self.utterances)
        return {BCA: bca, ACCURACY: accuracy}

    @property
    def probe_score(self) -> Score | None:
        """The probe's BCA; None where there was none."""
        return None if self.probe_bca is None else Score(self.probe_bca, self.probe_interval, self.utterances)


@dataclass(frozen=True, kw_only=True)
class FoldsScored(Event):
    """The best configuration retrained per fold (leave-one-speaker-out or k-fold)."""

    type: ClassVar[str] = "folds_scored"
    trial: int
    protocol: str
    folds: tuple[Mapping[str, Any], ...]
    """One mapping a fold: name, bca, utterances and, but in older logs, interval and speakers (as `interval_speakers`)."""
    pooled_bca: float
    interval: tuple[float, float]
    mean: float
    deviation: float
    utterances: int
    probe_pooled_bca: float | None = None
    """The run's probe, fitted anew for each fold too."""
    probe_interval: tuple[float, float] | None = None
    probe_p: float | None = None
    interval_speakers: int | None = None
    """Speakers that the pooled intervals are over; 0, and 1: over utterances. None: a log of before there was this field."""

    @property
    def scores(self) -> Mapping[str, Score]:
        """Of all folds together, as those of a trial."""
        return {BCA: Score(self.pooled_bca, self.interval, self.utterances)}

    @property
    def fold_scores(self) -> tuple[Score, ...]:
        """The BCA of each of `folds`."""
        return tuple(Score(fold["bca"], fold.get("interval"), fold["utterances"]) for fold in self.folds)

    @property
    def probe_score(self) -> Score | None:
        """The probe's BCA of all folds together; None where there was none."""
        return None if self.probe_pooled_bca is None else Score(self.probe_pooled_bca, self.probe_interval, self.utterances)

    nested: int = 0
    """Trials of the search that was made anew inside each fold, on the others alone, to choose what the fold is scored by; 0: all
    folds are scored by one configuration, that of `trial`."""
    outputs: str = ""
    """As in `TrialFinished`."""
    averaged: int = 1
    """Of nested folds: so many of the best configurations of each fold's own search answered together, by their mean probabilities."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What must be said about all that the folds score together, called the validation part, as in `RunStarted`; logs of before there
    was this field have none."""

    @property
    def name(self) -> str:
        """loso; loso, nested; loso, nested, 3 averaged: what folds are called where a person names them."""
        if not self.nested:
            return self.protocol
        return f"{self.protocol}, nested" + (f", {self.averaged} averaged" if self.averaged > 1 else "")


@dataclass(frozen=True, kw_only=True)
class FoldTrained(Event):
    """The best configuration was trained again for one of the folds of `protocol`. `FoldsScored` tells what all of them come to; what was
    trained before the folds were stopped is not trained again."""

    type: ClassVar[str] = "fold_trained"
    trial: int
    protocol: str
    fold: str
    split: str
    """SHA-256 of the ids of its utterances, those that train and those that are scored."""
    predictions: tuple[int, ...]
    """As in `TrialFinished`, of the fold's own validation part."""
    probe: tuple[int, ...] = ()
    """Those of the run's probe, fitted for this fold; empty: there is none."""
    outputs: str = ""
    """As in `TrialFinished`."""


@dataclass(frozen=True, kw_only=True)
class SeedScored(Event):
    """The best configuration trained once more with a seed that no trial had, scored on the validation part; on the test part too where
    the best trial was."""

    type: ClassVar[str] = "seed_scored"
    trial: int
    seed: int
    bca: float
    interval: tuple[float, float]
    utterances: int
    seconds: float
    place: int = 0
    """Which repetition it is, from 1, of `of` that were asked for."""
    of: int = 0
    interval_speakers: int | None = None
    """As in `FoldsScored`."""
    test_bca: float | None = None
    """On the test part; None where there is none, where the best trial was not scored on it, or of an older log."""
    test_interval: tuple[float, float] | None = None
    test_utterances: int = 0
    test_interval_speakers: int | None = None

    @property
    def scores(self) -> Mapping[str, Score]:
        """As those of a trial."""
        return {BCA: Score(self.bca, self.interval, self.utterances)}

    @property
    def test_score(self) -> Score | None:
        """BCA on the test part, where it was scored."""
        return None if self.test_bca is None else Score(self.test_bca, self.test_interval, self.test_utterances)


@dataclass(frozen=True, kw_only=True)
class EvaluationStarted(Event):
    """Zero-shot evaluation of the best model on another corpus begins."""

    type: ClassVar[str] = "evaluation_started"
    corpus: str
    mapping: Mapping[str, str]
    """Target emotion -> class of the model; an empty class: dropped."""
    utterances: int
    speakers: tuple[str, ...] = ()
    """The only speakers whose utterances are evaluated; empty: all."""
    without: tuple[str, ...] = ()
    """Speakers whose utterances are left out."""
    heard: int = 0
    """As in `EvaluationFinished`."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What is known of the recordings before any is heard: that they are of another band, or longer than the model hears."""


@dataclass(frozen=True, kw_only=True)
class EvaluationProgressed(Event):
    """So many utterances of those that the evaluation under way hears are predicted."""

    type: ClassVar[str] = "evaluation_progressed"
    corpus: str
    done: int
    utterances: int


@dataclass(frozen=True, kw_only=True)
class EvaluationFinished(Event):
    """A zero-shot result."""

    type: ClassVar[str] = "evaluation_finished"
    corpus: str
    trial: int
    mapping: Mapping[str, str]
    masked: bool
    """Whether the model's classes that the target lacks were left out of the argmax."""
    utterances: int
    dropped: int
    classes: tuple[str, ...]
    """Classes that the target holds after mapping: the rows of `confusion`."""
    columns: tuple[str, ...]
    """Classes that could be predicted: the columns of `confusion`."""
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    accuracy_interval: tuple[float, float]
    bca: float
    bca_interval: tuple[float, float]
    recalls: Mapping[str, float]
    chance: float
    baselines: Mapping[str, float] = field(default_factory=dict)
    """Accuracy of majority, untuned (logistic regression on the frozen encoder), egemaps, where they were computed."""
    centred: Mapping[str, float] = field(default_factory=dict)
    """Accuracy (and, with _bca, BCA) once the target's own mean, over the corpus or over each speaker, is taken out of the
    logits: no label of the target is used, but its recordings are, so that it is no plain zero-shot score."""
    baseline_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of the scores in `baselines`, under their names."""
    baseline_p: Mapping[str, float] = field(default_factory=dict)
    """Of the model's BCA minus that of untuned and of egemaps on the same utterances: two-sided, of a paired permutation test
    each, not corrected for there being several."""
    centred_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of the scores in `centred`, under their names."""
    recall_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    """As in `RunStarted`."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What the target shares with the corpus that the model was trained on: recordings, speakers, sentences."""
    seconds: float = 0.0
    interval_speakers: int | None = None
    """Speakers that the intervals are over; 0, and 1: over utterances. None: a log of before there was this field."""
    self_trained: Mapping[str, float] = field(default_factory=dict)
    """Accuracy (self_trained) and BCA (self_trained_bca) of the model together with a head that its own surest answers taught: no label of
    the target is used, but its recordings are. Empty for fine-tuned models, for few utterances, and in older logs."""
    self_trained_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Of the scores in `self_trained`, under their names."""
    not_centred: str = ""
    """Why `centred` has no score by speaker; empty: it has one, or a log of before there was this field."""
    speakers: tuple[str, ...] = ()
    """As in `EvaluationStarted`, the next one too."""
    without: tuple[str, ...] = ()
    outputs: str = ""
    """As in `TrialFinished`."""
    lone_recalls: tuple[str, ...] = ()
    """As in `TestScored`."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """As in `RunStarted`, of what evaluated, which may be another one. Empty: a log of before there was this field."""
    heard: int = 0
    """Recordings that the model heard: of one on a frozen encoder all that are there, of emotions too that are not scored. They taught
    `self_trained`. 0: a log of before there was this field, when those that are scored did."""

    @property
    def scores(self) -> Mapping[str, Score]:
        """As those of a trial."""
        accuracy = Score(self.accuracy, self.accuracy_interval, self.utterances)
        return {BCA: Score(self.bca, self.bca_interval, self.utterances), ACCURACY: accuracy}


@dataclass(frozen=True, kw_only=True)
class EvaluationFailed(Event):
    """The evaluation under way ended without a result."""

    type: ClassVar[str] = "evaluation_failed"
    corpus: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The budget is used up, or the grid is exhausted."""

    type: ClassVar[str] = "run_finished"
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunCancelled(Event):
    """Stopped by request; can be resumed."""

    type: ClassVar[str] = "run_cancelled"
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunFailed(Event):
    """Ended by an error; can be resumed once the cause is mended."""

    type: ClassVar[str] = "run_failed"
    reason: str


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """A sentence for people: what the worker does or noticed. `level`: info or warning."""

    type: ClassVar[str] = "note"
    text: str
    level: str = "info"
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Unknown(Event):
    """An event that a newer ser_tui has written and this one does not know. It changes nothing here."""

    type: ClassVar[str] = "unknown"
    kind: str


Known = (
    RunStarted
    | RunResumed
    | TrialStarted
    | EpochFinished
    | Progressed
    | TrialFinished
    | ProbeScored
    | TrialFailed
    | TrialDropped
    | TrialContinued
    | TrialPaused
    | TrialLeft
    | TestScored
    | FoldsScored
    | FoldTrained
    | SeedScored
    | EvaluationStarted
    | EvaluationProgressed
    | EvaluationFinished
    | EvaluationFailed
    | RunFinished
    | RunCancelled
    | RunFailed
    | Note
)
"""What this version's logs hold. mypy proves that `ser_tui.study.narration` has words for each."""
AnyEvent = Known | Unknown

TYPES: Mapping[str, type[Event]] = {cls.type: cls for cls in get_args(Known)}


UNFIT = "the log's counts do not fit its classes: who was taken for whom is not known"
"""What is shown in the place of counts that do not fit."""


def counts_fit(counts: Sequence[Sequence[int]], rows: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether `counts` are a confusion matrix [rows, columns]: a log that somebody else wrote may hold another shape, or less than none."""
    return len(counts) == len(rows) and all(len(row) == len(columns) and min(row, default=0) >= 0 for row in counts)


def now() -> str:
    """The present, as `time_text` has it."""
    return time_text(datetime.now(UTC))


def time_text(moment: datetime) -> str:
    """`moment` as an event's `time` names it, in UTC to the millisecond: 2026-11-22T14:30:15.123Z. One without a zone is this machine's."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The moment that an event's `time` names. Raises ValueError."""
    return datetime.fromisoformat(text)
