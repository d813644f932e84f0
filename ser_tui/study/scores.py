"""What a trial, a probe or a part is measured by: named scores and costs, and the one table that says what each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, get_args

from ser_tui.study.frozen import Frozen

BCA: Final = "bca"
ACCURACY: Final = "accuracy"
Share = Literal["bca", "accuracy"]
"""What predictions alone are measured by: a share of them is right."""
SHARES: tuple[Share, ...] = get_args(Share)
AS_BCA = "_bca"
"""Ends the name of a baseline's BCA, where its name alone is that of its accuracy: see `events.EvaluationFinished`."""
SELF_TRAINED = "self_trained"
"""Name of the scores in `events.EvaluationFinished.self_trained`."""
MINUTES = "minutes"
PEAK_MEMORY = "peak_memory"
TRAINED_PARAMETERS = "trained_parameters"
CHECKPOINT_SIZE = "checkpoint_size"
LATENCY = "latency"
ENERGY = "energy"
ENERGY_ESTIMATE = "energy_estimate"
WORST_CORPUS: Final = "worst_corpus_bca"
WORST_SEX: Final = "worst_sex_bca"
OF_FEATURES: Final = f"{PEAK_MEMORY}_with_features"
"""Where scores are numbers alone: whether it is so, see `Score.with_features`."""
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Score:
    """One measured value. `interval`: 95 %, as all intervals here. `n`: utterances that it is of; None where it is of none. `group`: whose
    utterances these are, where it is the worst of several groups. `with_features`: of a trial's peak of memory, whether it is also that of
    features which the trial computed, and others find."""

    value: float
    interval: tuple[float, float] | None = None
    n: int | None = field(default=None, compare=False)
    group: str = field(default="", compare=False)
    with_features: bool = field(default=False, compare=False)

    def plain(self) -> dict[str, Any]:
        """It JSON-safe; without a group where it is of none, and `with_features` only where it is so."""
        interval = None if self.interval is None else list(self.interval)
        whose: dict[str, Any] = {"group": self.group} if self.group else {}
        whose |= {"with_features": True} if self.with_features else {}
        return {"value": self.value, "interval": interval, "n": self.n, **whose}


def intervals(named: Mapping[Name, Score]) -> dict[Name, tuple[float, float]]:
    """Those of the scores that have one, under their names."""
    return {name: score.interval for name, score in named.items() if score.interval is not None}


def of_trial(shares: Mapping[Share, Score], seconds: float | None, costs: Mapping[str, float], prepared: float = 0.0) -> dict[str, Score]:
    """What a finished trial is measured by, each under its name: the scores of its predictions, and what it took, where that is known.

    `prepared`: of its `seconds`, those that went into features which other trials find. They are none of its minutes, which would hang
    on which trial was made first. Its peak of memory cannot be told apart from theirs, and says so.
    """
    named: dict[str, Score] = {name: score for name, score in shares.items()}
    if seconds is not None:
        named[MINUTES] = Score(max(0.0, seconds - prepared) / 60)
    # What was not finite is None in a log.
    return named | {
        name: Score(value, with_features=name == PEAK_MEMORY and prepared > 0) for name, value in costs.items() if value is not None
    }


class Measure(Frozen, frozen=True):
    """One thing that trials are measured by, which a study may name as its `objective`.

    Trials have it in `events.TrialFinished.scores`; nothing outside this table and what measures it needs to know of it.
    """

    name: str
    label: str
    heading: str
    """Heads a column of it."""
    better: Literal["higher", "lower"]
    unit: Literal["share", "minutes", "bytes", "count", "seconds", "joules"]
    """share: 0 to 1, written as scores are."""

    @property
    def best(self) -> Callable[[Sequence[float]], float]:
        """The best of several values."""
        return max if self.better == "higher" else min

    @property
    def title(self) -> str:
        """The label as a heading begins with it."""
        return self.label[:1].upper() + self.label[1:]

    @property
    def most(self) -> str:
        """What the best of them has: best BCA, least minutes."""
        return f"{'best' if self.better == 'higher' else 'least'} {self.label}"

    def told(self, value: float) -> float:
        """`value` as something that is to be maximised, which is what strategies do."""
        return value if self.better == "higher" else -value


_MEASURES = (
    Measure(BCA, "BCA", "BCA   95% CI", "higher", "share"),
    Measure(ACCURACY, "accuracy", "ACC   95% CI", "higher", "share"),
    Measure(MINUTES, "minutes", "MINUTES", "lower", "minutes"),
    Measure(PEAK_MEMORY, "peak memory", "PEAK MEMORY", "lower", "bytes"),
    Measure(TRAINED_PARAMETERS, "trained parameters", "TRAINED", "lower", "count"),
    Measure(CHECKPOINT_SIZE, "checkpoint", "CHECKPOINT", "lower", "bytes"),
    Measure(LATENCY, "latency per second of audio", "LATENCY", "lower", "seconds"),
    Measure(ENERGY, "processor energy", "ENERGY", "lower", "joules"),
    Measure(ENERGY_ESTIMATE, "estimated energy", "EST. ENERGY", "lower", "joules"),
    Measure(WORST_CORPUS, "worst-corpus BCA", "WORST CORPUS", "higher", "share"),
    Measure(WORST_SEX, "worst-sex BCA", "WORST SEX", "higher", "share"),
)
MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _MEASURES}
