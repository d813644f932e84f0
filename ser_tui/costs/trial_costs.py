"""How long trials take on this machine: measured costs, and predictions for a study from them. Light: the app shows them.

A trial's time is linear in the seconds of speech that pass through the encoder: with length-sorted, masked batches an
utterance costs what it is long, and while the encoder is frozen its pooled output is looked up, so that an epoch costs the
head alone. `ser_tui.costs.calibration` measures the coefficients; finished trials correct them by their common factor.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ser_tui.store import measurements
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import HYPERPARAMETERS, TRAINED, Value
from ser_tui.study.space import Choice, Dimension, Fixed, Integer, highest

_TIMED = ("epochs", "unfreeze_epoch", "max_seconds", "layers", TRAINED, "top_layers")
"""The hyperparameters that a trial's time depends on."""
MOST_FEATURES = 1.5
"""Features are not expected to take more times as long as predicted: trials that were slow for other reasons look alike."""
ADAPTED = 0.8
"""Of a training step, where gradients pass through all layers but are those of few weights."""
MOST_CUTS = 6
"""Length cuts for which it is looked what features there are, about: each opens a few dozen files."""
MOST_SECONDS = 1e9
"""No cost is as high: a file that says so was not written by `remember`."""


@dataclass(frozen=True)
class Costs:
    """Seconds on this machine for one encoder, precision and number of threads."""

    train: float
    """Per second of speech, forwards, backwards and update, encoder trained."""
    evaluate: float
    """Per second of speech, forwards only."""
    embed: float
    """Per second of speech: the cached part of the encoder, computed once per length cut."""
    head: float
    """Per utterance and epoch with a frozen encoder."""
    fit: float = 0.0
    """Per training utterance and fold: a probe on cached features."""
    trial: float = 0.5
    """Per trial, whatever it trains: weights put back, the model saved."""
    layers: int = 0
    """Transformer layers that `train` and `evaluate` were measured with; 0: not known."""


@dataclass(frozen=True)
class Speech:
    """Durations in seconds of the utterances of the training and the validation part; of several folds, of all their parts."""

    train: Sequence[float]
    validation: Sequence[float]
    heard: Sequence[float] = ()
    """Of what features are computed of, each utterance once; empty: of both parts."""
    folds: int = 1
    """How many models a trial trains."""
    lacking: Mapping[float, float] = field(default_factory=dict)
    """Length cut -> the share of the features under it that are still to be computed: earlier runs may have left some. Empty: all."""
    lacking_beside: float = 1.0
    """That share of the probe's beside the trials."""

    def seconds(self, longest: float) -> tuple[float, float]:
        """Seconds of speech in the two parts once utterances are cut to `longest`."""
        train, validation = (sum(min(item, longest) for item in part) for part in (self.train, self.validation))
        return train, validation


def trial_seconds(costs: Costs, speech: Speech, parameters: Mapping[str, Value], method: str = "finetune") -> float:
    """The predicted time of a trial whose features are cached."""
    if method == "probe":
        return costs.trial + costs.fit * len(speech.train)
    epochs, unfreeze = int(parameters["epochs"]), int(parameters["unfreeze_epoch"])
    trained = parameters.get(TRAINED, "full")
    frozen = epochs if trained == "head" else min(epochs, unfreeze)
    train, validation = speech.seconds(float(parameters["max_seconds"]))
    step = costs.train * (ADAPTED if trained in ("lora", "bitfit") else 1.0)
    tuned = (step * train + costs.evaluate * validation) * _depth(str(parameters.get("layers", "last")), costs.layers)
    if trained == "top-k":
        tuned *= _top(parameters, costs.layers)
    still = costs.head * (len(speech.train) + len(speech.validation))
    return costs.trial * speech.folds + (epochs - frozen) * tuned + frozen * still


def _depth(layers: str, measured: int) -> float:
    """The share of the transformer that `layers` makes a trial compute: nothing above the highest one chosen."""
    if layers == "last" or not measured:
        return 1.0
    return min(measured, max(int(part) for part in layers.split("+"))) / measured


def _top(parameters: Mapping[str, Value], measured: int) -> float:
    """The share of the computed layers that top-k computes in every epoch."""
    computed = _depth(str(parameters.get("layers", "last")), measured) * measured
    return min(1.0, int(parameters.get("top_layers", 1)) / computed) if computed else 1.0


def mean_trial_seconds(costs: Costs, speech: Speech, study: Study) -> float:
    """The expected time of a trial drawn evenly from the study's space."""
    fixed: dict[str, Value] = {name: HYPERPARAMETERS[name].default for name in _TIMED if name not in study.search}
    levels = {name: _levels(study.search[name]) for name in _TIMED if name in study.search}
    drawn = ({**fixed, **dict(zip(levels, point, strict=True))} for point in itertools.product(*levels.values()))
    return statistics.fmean(trial_seconds(costs, speech, point, study.method) for point in drawn)


def new_features_seconds(costs: Costs, speech: Speech, study: Study, met: Collection[float], trials: int) -> float:
    """Time for the features that `trials` trials drawn evenly are likely to need beyond those of the length cuts `met`."""
    cuts = [float(cut) for cut in _levels(study.search["max_seconds"])]
    drawn = 1 - (1 - 1 / len(cuts)) ** trials
    return drawn * sum(features_seconds(costs, speech, cut) for cut in cuts if cut not in met)


def features_seconds(costs: Costs, speech: Speech, cut: float) -> float:
    """Time for the features of both parts under the length cut `cut`, as far as they are not there."""
    known = speech.lacking
    share = known[min(known, key=lambda one: abs(one - cut))] if known else 1.0
    return share * _all_features_seconds(costs, speech, cut)


def _all_features_seconds(costs: Costs, speech: Speech, cut: float) -> float:
    return costs.embed * (sum(min(item, cut) for item in speech.heard) if speech.heard else sum(speech.seconds(cut)))


def probe_seconds(costs: Costs, speech: Speech, study: Study) -> float:
    """The expected time of the probe beside fine-tuned trials: nearly all of it goes into features of its own."""
    if study.method != "finetune":
        return 0.0
    return speech.lacking_beside * _all_features_seconds(costs, speech, float(highest(study.search["max_seconds"])))


def cuts(study: Study) -> list[float]:
    """The length cuts by which it is told what features there are: all choices; of an interval a few."""
    levels = [float(level) for level in _levels(study.search["max_seconds"])]
    return levels[:: max(1, len(levels) // MOST_CUTS)]


def of_a_worker(costs: Costs, workers: int, gain: float) -> Costs:
    """The costs of one of several `workers`, each with its share of the threads, that together make `gain` times the trials of one
    with all."""
    factor = workers / gain
    scaled = {name: getattr(costs, name) * factor for name in ("train", "evaluate", "embed", "head", "fit", "trial")}
    return replace(costs, **scaled)


def run_seconds(costs: Costs, speech: Speech, study: Study, trials: int, gain: float = 1.0) -> float:
    """The expected time of `trials` trials of the study, features and the probe beside them included, within the budget's minutes.
    `gain`: how many times the trials are made of those that `costs` are of."""
    total = new_features_seconds(costs, speech, study, (), trials) + trials * mean_trial_seconds(costs, speech, study)
    total = total / gain + probe_seconds(costs, speech, study)
    return total if study.budget.minutes is None else min(total, study.budget.minutes * 60)


def seconds_left(
    costs: Costs,
    speech: Speech,
    study: Study,
    done: Sequence[tuple[Mapping[str, Value], float]],
    parameters: Mapping[str, Value],
    later: int,
) -> float:
    """The time of a trial with `parameters` and of `later` ones after it, `done` being the finished ones and what each took.

    The first trial with a length cut also computes its features, unless an earlier run has: what such trials took tells
    how much of that is still to come, and the others how far trials differ from what was predicted of them.
    """
    cuts = [float(one["max_seconds"]) for one, _ in done]
    pairs = [(trial_seconds(costs, speech, one, study.method), measured) for one, measured in done]
    fresh = [cuts[number] not in cuts[:number] for number in range(len(done))]
    factor = correction([pair for pair, first in zip(pairs, fresh, strict=True) if not first] or pairs[1:])
    # The strategies leave slow or fast regions behind: what the last trials were like is the better guess for those to come.
    recent = [predicted for predicted, _ in pairs[-5:]]
    typical = (mean_trial_seconds(costs, speech, study) + sum(recent)) / (1 + len(recent))
    now, cut = trial_seconds(costs, speech, parameters, study.method), float(parameters["max_seconds"])
    features = 0.0 if cut in cuts else features_seconds(costs, speech, cut)
    features += new_features_seconds(costs, speech, study, {*cuts, cut}, later)
    beyond = [
        (features_seconds(costs, speech, met), measured - factor * predicted)
        for met, (predicted, measured), first in zip(cuts, pairs, fresh, strict=True)
        if first
    ]
    return factor * (now + later * typical) + features * min(MOST_FEATURES, max(0.0, correction(beyond)))


def correction(pairs: Iterable[tuple[float, float]]) -> float:
    """By how much finished trials took longer than predicted: sum of the times over the sum of (predicted, measured)."""
    known = list(pairs)
    predicted = sum(pair[0] for pair in known)
    return sum(pair[1] for pair in known) / predicted if predicted > 0 else 1.0


def key(encoder_fingerprint: str, precision: str, threads: int, processor: str) -> str:
    """What the costs of a machine are kept under."""
    return f"{encoder_fingerprint[:16]} {precision} {threads} {processor}"


def remember(encoder: str, name: str, costs: Costs) -> None:
    """Keep measured costs under `name`, and as the latest of the encoder called `encoder`."""

    def change(known: dict[str, Any]) -> None:
        if not _is_ours(known):
            known.clear()
        known.setdefault("costs", {})[name] = asdict(costs)
        known.setdefault("latest", {})[encoder] = name

    measurements.remember("costs", change)


def recall(name: str) -> Costs | None:
    """The costs kept under `name`, or None."""
    return _costs(_read().get("costs", {}).get(name))


def latest(encoder: str) -> Costs | None:
    """The costs that were measured last with the encoder called `encoder`, or None: then the app offers to measure."""
    known = _read()
    return _costs(known.get("costs", {}).get(str(known.get("latest", {}).get(encoder))))


def _levels(dimension: Dimension) -> Sequence[Value]:
    if isinstance(dimension, Fixed):
        return (dimension.fixed,)
    if isinstance(dimension, Choice):
        return dimension.choices
    if isinstance(dimension, Integer):
        span = dimension.high - dimension.low
        return sorted({dimension.low + round(span * step / 20) for step in range(21)})
    return [dimension.low + (dimension.high - dimension.low) * step / 20 for step in range(21)]


def _costs(data: object) -> Costs | None:
    return measurements.figures(Costs, data, lambda value: 0 <= value < MOST_SECONDS)


def _read() -> dict[str, dict[str, object]]:
    known = measurements.table("costs")
    return known if _is_ours(known) else {}


def _is_ours(known: Mapping[str, object]) -> bool:
    return all(isinstance(value, dict) for value in known.values())
