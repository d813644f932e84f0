"""Scores as the fields that events have for them. Who makes an event of a result says `**` with one of these, and spells no field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from ser_tui.study.scores import ACCURACY, BCA, Score, Share

Interval = tuple[float, float]
Scores = Mapping[Share, Score]


class _OfEpoch(TypedDict):
    bca: float
    interval: Interval | None


class _OfTrial(TypedDict):
    bca: float
    interval: Interval | None
    accuracy: float | None
    accuracy_interval: Interval | None
    best_epoch_bca: float | None


class _OfPart(TypedDict):
    bca: float
    interval: Interval


class _OfWholePart(_OfPart):
    accuracy: float
    accuracy_interval: Interval


class _OfRace(_OfPart):
    rival_bca: float


class _OfSeedOnTest(TypedDict):
    test_bca: float
    test_interval: Interval | None


class _Left(TypedDict):
    bca: float


class _OfProbe(TypedDict):
    probe_bca: float
    probe_interval: Interval
    probe_accuracy: float
    probe_accuracy_interval: Interval


class _OfPool(TypedDict):
    pooled_bca: float
    interval: Interval


class _OfPooledProbe(TypedDict):
    probe_pooled_bca: float
    probe_interval: Interval


class _OfEvaluation(TypedDict):
    bca: float
    bca_interval: Interval
    accuracy: float
    accuracy_interval: Interval


def of_epoch(score: Score) -> _OfEpoch:
    """Of EpochFinished and TrialPaused."""
    return {"bca": score.value, "interval": score.interval}


def of_seed_on_test(score: Score) -> _OfSeedOnTest:
    """Of SeedScored, what it was measured by on the test part."""
    return {"test_bca": score.value, "test_interval": score.interval}


def of_trial(scores: Scores, best_epoch_value: float | None) -> _OfTrial:
    """Of TrialFinished."""
    accuracy = scores.get(ACCURACY)
    return {
        "bca": scores[BCA].value, "interval": scores[BCA].interval,
        "accuracy": None if accuracy is None else accuracy.value,
        "accuracy_interval": None if accuracy is None else accuracy.interval,
        "best_epoch_bca": best_epoch_value,
    }  # fmt: skip


def of_groups(scores: Mapping[str, Score]) -> dict[str, tuple[float, Interval | None, int, str]]:
    """`TrialFinished.worst`. `scores`: each of the group that was the worst."""
    return {name: (one.value, one.interval, one.n or 0, one.group) for name, one in scores.items()}


def of_left(score: Score) -> _Left:
    """Of TrialLeft."""
    return {"bca": score.value}


def of_race(score: Score, rival: float) -> _OfRace:
    """Of TrialDropped. `rival`: the BCA of the best trial on the same utterances."""
    return {**of_part(score), "rival_bca": rival}


def of_part(score: Score) -> _OfPart:
    """Of SeedScored."""
    return {"bca": score.value, "interval": _around(score)}


def of_whole_part(scores: Scores) -> _OfWholePart:
    """Of ProbeScored and TestScored."""
    accuracy = scores[ACCURACY]
    return {**of_part(scores[BCA]), "accuracy": accuracy.value, "accuracy_interval": _around(accuracy)}


def of_probe(scores: Scores) -> _OfProbe:
    """Of TestScored: the probe beside it."""
    score, accuracy = scores[BCA], scores[ACCURACY]
    return {
        "probe_bca": score.value, "probe_interval": _around(score),
        "probe_accuracy": accuracy.value, "probe_accuracy_interval": _around(accuracy),
    }  # fmt: skip


def fold_row(name: str, score: Score, utterances: int, speakers: int) -> dict[str, Any]:
    """One of FoldsScored's folds. `speakers`: those that the interval is over, as `interval_speakers`."""
    return {"name": name, "bca": score.value, "utterances": utterances, "interval": score.interval, "speakers": speakers}


def of_pool(score: Score) -> _OfPool:
    """Of FoldsScored."""
    return {"pooled_bca": score.value, "interval": _around(score)}


def of_pooled_probe(score: Score) -> _OfPooledProbe:
    """Of FoldsScored: the probe beside it."""
    return {"probe_pooled_bca": score.value, "probe_interval": _around(score)}


def of_evaluation(scores: Scores) -> _OfEvaluation:
    """Of EvaluationFinished."""
    score, accuracy = scores[BCA], scores[ACCURACY]
    return {
        "bca": score.value, "bca_interval": _around(score), "accuracy": accuracy.value, "accuracy_interval": _around(accuracy),
    }  # fmt: skip


def _around(score: Score) -> Interval:
    if score.interval is None:
        raise ValueError("a score without its interval, which this event has always")
    return score.interval
