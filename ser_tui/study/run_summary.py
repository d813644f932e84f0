"""A run in one flat record: what the home screen lists, the comparison lays side by side, the index keeps and `--json` prints.

`ser_tui.study.summary.summarize` makes it of a state. As JSON for programs (`to_json`) it has the keys that it had in version 0.1.0
and newer ones; the index keeps it field by field (`to_stored`), since thousands of runs are listed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar

import msgspec

from ser_tui.study.findings import Finding
from ser_tui.study.formatting import difference_text, score_text
from ser_tui.study.frozen import Frozen
from ser_tui.study.headline import Figure
from ser_tui.study.hyperparameters import Value
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.records import Key, to_plain
from ser_tui.study.remarks import NOTHING_SAID, Remarks
from ser_tui.study.score_keys import BEST_EPOCH, OF_ACCURACY, OF_EVALUATION, OF_POOL, SCORE
from ser_tui.study.scores import BCA, Measure, Score
from ser_tui.study.seeds import SeedsSummary
from ser_tui.study.status import RunStatus, ShownStatus, TrialStatus
from ser_tui.study.time_to_score import Passed

VERSION = 21
"""Counted up when a summary of the same log says other things: what an index of before holds is then made again of the logs."""


class TrialSummary(Frozen, frozen=True):
    """A trial without its predictions and epochs."""

    number: Annotated[int, Key("trial")]
    parameters: Mapping[str, Value]
    phase: str
    """Where it came from: startup (drawn), model, grid, or first (a recommended point)."""
    status: TrialStatus
    score: Annotated[Score | None, SCORE]
    """BCA on the validation part, on `utterances`; None without a score."""
    utterances: int
    accuracy: Annotated[Score | None, OF_ACCURACY]
    best_epoch: int | None
    """The epoch with the highest BCA; the trial's own score is that of its last one."""
    best_epoch_score: Annotated[Score | None, BEST_EPOCH]
    epochs_done: int
    """Epochs that were trained."""
    loss: float | None
    """Training loss of the last epoch."""
    seconds: float | None
    reason: str
    """Why it failed, was dropped or was cut short; else empty."""
    probe_p: float | None
    """p of the paired test against the probe beside the run."""
    scores: Mapping[str, Score]
    """All that was measured of it, by the names that `objective` takes: value, interval, n."""
    unsaved: Annotated[str | None, Key("model_missing", optional=True)] = None
    """Why there is no model of it, though it was the best so far."""
    where: str = ""
    """The machine of a cluster that made it, with its address; empty: the one that has the log."""
    prepared: float = 0.0
    """Of its `seconds`, those in which features were computed that other trials find; they are none of its minutes among `scores`."""


class ProbeBeside(Frozen, frozen=True):
    """A probe's score, what fine-tuning's is more or less than it, and the p of their paired test."""

    score: Annotated[Score, SCORE]
    difference: float | None
    """The fine-tuned BCA minus the probe's."""
    p: float | None


class ProbeSummary(ProbeBeside, frozen=True):
    """The probe beside the trials, against the best of them."""

    parameters: Mapping[str, Value]
    tried: int
    """Probes of which it is the best."""
    accuracy: Annotated[Score, OF_ACCURACY]
    utterances: int
    seconds: float
    """That all of them took."""


class TestSummary(Frozen, frozen=True):
    """The best trial on the test part."""

    __test__: ClassVar[bool] = False  # not a pytest class
    score: Annotated[Score, SCORE]
    accuracy: Annotated[Score, OF_ACCURACY]
    utterances: int
    interval_speakers: int | None
    """Over how many speakers the interval is; 0 and 1: over utterances; None: in a log of an older version."""
    probe: ProbeBeside | None
    """The probe's score there; None: of none."""


class FoldsSummary(Frozen, frozen=True):
    """The best configuration over the folds of a protocol ("loso"), or what was chosen inside them ("loso, nested"). `chosen_on`: see
    `headline.chosen_on`."""

    protocol: str
    score: Annotated[Score, OF_POOL]
    """BCA of all folds' predictions together."""
    mean: float
    """Of the folds' own BCAs."""
    deviation: float
    utterances: int
    interval_speakers: int | None
    """See `test`."""
    chosen_on: str
    probe: ProbeBeside | None
    findings: tuple[Finding, ...] = ()


class EvaluationSummary(Frozen, frozen=True):
    """A zero-shot result."""

    corpus: str
    accuracy: Annotated[Score, OF_ACCURACY]
    score: Annotated[Score, OF_EVALUATION]
    utterances: int
    interval_speakers: int | None
    """See `test`."""
    chance: float
    """One over the classes that can be predicted."""
    masked: bool
    """Whether only classes that the target holds could be predicted."""
    mapping: Mapping[str, str]
    """The target's emotion to the model's class; an empty class: dropped."""
    warnings: tuple[str, ...]
    """The sentences of `findings`."""
    findings: tuple[Finding, ...]
    speakers: tuple[str, ...]
    """The only speakers that were used; empty: all."""
    without: tuple[str, ...]
    """Speakers that were left out."""
    trial: int = 0
    """Whose model was scored, which may have been the best one then alone; 0: not known."""


class RunSummary(Frozen, frozen=True, dict=True):
    """A run. What is None, empty or 0 is not known yet, or not there."""

    version: int
    """Of this summary, which a program need not look at."""
    run_id: str
    status: RunStatus
    """What its log says of it; `state` is what is shown."""
    reason: str
    """Why it ended, in one line."""
    name: str
    """Of the study."""
    corpus: str
    """emodb, or emodb+ravdess."""
    encoder: str
    method: str
    strategy: str
    """As it is listed: gp, gp+warm, gp+edited."""
    protocol: str
    shares_speakers: bool | None
    """Whether parts share speakers; None: cannot be told."""
    warnings: tuple[str, ...]
    """The sentences of `findings`."""
    findings: tuple[Finding, ...]
    """What must be known before its scores are believed."""
    started: str
    """UTC."""
    ended: str
    """UTC; empty while it has not."""
    seconds: float | None
    """That its workers have searched, pauses left out."""
    trials: int
    """That count against the budget."""
    planned_trials: int | None
    """None: as many as fit into the minutes."""
    utterances: Mapping[str, int]
    """Of each part: train, validation, test."""
    classes: tuple[str, ...]
    headline: Figure | None
    """The BCA that it is listed by, see below."""
    best: TrialSummary | None
    """The best trial, by the first of `objectives`."""
    interval_speakers: int | None
    """Over how many speakers intervals on the validation part are; 0 and 1: over utterances; None: in a log of an older version."""
    pooled_over: str
    """See `headline.pooled_over`."""
    scores: Annotated[tuple[float | None, ...], Key(BCA)]
    """BCA of every trial that counts, in order, thinned as the next two."""
    best_so_far: tuple[float | None, ...]
    trial_seconds: tuple[float | None, ...]
    """Of every trial that counts."""
    trials_to_90: int | None
    """Trials until a BCA of .90 was reached; None: it was not."""
    probe: ProbeSummary | None
    """The probe beside a fine-tuned run."""
    test: TestSummary | None
    """None: there is no test part, or it was not scored yet."""
    folds: tuple[FoldsSummary, ...]
    """Scores over folds, see below."""
    evaluations: tuple[EvaluationSummary, ...]
    """Scores on other corpora, in the order in which they were made."""
    study_document: Annotated[Mapping[str, Any], Key("study")]
    """The study with every default written out; `runs --json` leaves it out."""
    objective_values: Annotated[tuple[float | None, ...] | None, Key("objective_values", optional=True)] = None
    """Of every trial that counts, what the study searches for where that is not BCA."""
    objectives: tuple[str, ...] = (BCA,)
    """What the study searches for: `best` and `best_so_far` are by the first of them."""
    passed: tuple[Passed, ...] = ()
    """When trials first reached a BCA of .80, .90 and .95, as far as they did: see `time_to_score.passed`."""
    alc: float | None = None
    """Area under the learning curve over the logarithm of time: see `time_to_score.learning_area`."""
    machines: tuple[str, ...] = ()
    """On what its workers searched, each once: processor, threads, workers, precision. Its times are those of all of them together, and
    compare with those of the same alone; empty: not known."""
    software: tuple[str, ...] = ()
    """With which versions of ser_tui and its libraries its workers searched, each set of them once; empty: not known."""
    seeds: SeedsSummary | None = None
    """The best trial's configuration over other seeds; None where it was not trained again."""
    log_bytes: Annotated[int | None, Key("log_bytes", optional=True)] = None
    """Of the log that it was made of; -1: it could not be read."""
    damaged_lines: Annotated[int | None, Key("damaged_lines", optional=True)] = None
    """Lines of its log that cannot be read; `show --json` lists them."""
    remarks: Remarks = NOTHING_SAID
    """What a person has said of it: not from its log."""
    remarks_written: Annotated[int | None, Key("remarks_written", optional=True)] = None
    """The stamp of the file that they were read from, see `store.remarks.stamp`."""
    state: Annotated[ShownStatus | None, Key("state", optional=True)] = None
    """What is shown of it: its worker's process has been looked at."""

    @cached_property
    def study(self) -> LoggedStudy:
        """What it was asked to do, typed."""
        return LoggedStudy.of(self.study_document)

    @property
    def measure(self) -> Measure:
        """What the study searches for, which `best`, `values` and `best_so_far` are by."""
        return self.study.measure

    @property
    def values(self) -> tuple[float | None, ...]:
        """Of every trial that counts, in order, thinned."""
        return self.scores if self.objective_values is None else self.objective_values

    @property
    def pooled(self) -> tuple[tuple[str, Score], ...]:
        """(what they are called, score) of all folds together, for every protocol with folds that was scored."""
        return tuple((one.protocol, one.score) for one in self.folds)

    @property
    def title(self) -> str:
        """What it is called in lists: the study's name, unless a person has said otherwise."""
        return self.remarks.title or self.name

    @property
    def can_go_on(self) -> bool:
        """Whether it is done and could be given a larger budget: its test part, which is scored once, was not yet."""
        return self.status == RunStatus.DONE and self.test is None and not self.imported

    @property
    def of_planned(self) -> str:
        """6/15: its trials, and how many are planned; 6 where that is not known."""
        return f"{self.trials}/{self.planned_trials}" if self.planned_trials else str(self.trials)

    @property
    def shown(self) -> str:
        """The word for its state; of a run that came out of another program that it did."""
        return "imported" if self.imported else self.state or self.status

    @property
    def under_way(self) -> bool:
        """Whether a worker searches on it right now, or is about to; not before that was looked at."""
        return self.state is not None and self.state.under_way

    @property
    def imported(self) -> bool:
        """Whether these are another program's trials, see `findings.Kind`."""
        return any(finding.kind == "imported" for finding in self.findings)


def to_json(summary: RunSummary | TrialSummary) -> dict[str, Any]:
    """`summary` JSON-safe."""
    return to_plain(summary)


def to_stored(summary: RunSummary) -> dict[str, Any]:
    """`summary` as the index keeps it."""
    stored: dict[str, Any] = msgspec.to_builtins(summary)
    return stored


def from_stored(data: Any) -> RunSummary | None:
    """The summary that `to_stored` made `data` of in this version; None for everything else: its log says it all."""
    try:
        return msgspec.convert(data, RunSummary) if data["version"] == VERSION else None
    except (msgspec.ValidationError, LookupError, TypeError):
        return None


def to_kept(summary: RunSummary) -> bytes:
    """`summary` as a run's folder keeps it, on one line; nothing where it holds a text that UTF-8 does not have."""
    try:
        return msgspec.json.encode(summary)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return b""


def from_kept(line: bytes) -> RunSummary | None:
    """The summary that `to_kept` wrote in this version; None for everything else."""
    try:
        found = msgspec.json.decode(line, type=RunSummary)
    except msgspec.DecodeError:
        return None
    return found if found.version == VERSION else None


def beside_probe(probe: ProbeBeside | None, over: str = "") -> str:
    """.924 [.894, .954], fine-tuning +.029, p = .04 over 8 speakers: a probe, and what the fine-tuned score beside it is more or
    less. `over`: whom p is about, see `headline.p_is_about`."""
    if probe is None:
        return "-"
    shown = score_text(probe.score)
    return shown if probe.difference is None else f"{shown}, fine-tuning {difference_text(probe.difference, probe.p, over)}"
