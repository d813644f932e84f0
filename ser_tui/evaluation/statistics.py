"""Intervals and comparisons for accuracy and balanced class accuracy (BCA). Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ser_tui.training.metrics import balanced_accuracy, class_counts

Metric = Literal["bca", "accuracy"]
RESAMPLES = 2000
PERMUTATIONS = 4000
COVERAGE = 0.95


def bootstrap_interval(
    truth: Sequence[int],
    predictions: Sequence[int],
    n_classes: int,
    metric: Metric = "bca",
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """95 % percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13) of a score on n utterances.

    With `groups` (the speaker of each utterance) of two or more kinds whole speakers are resampled, since the utterances
    of one speaker are no independent draws; otherwise utterances are. BCA is taken over the classes that a resample
    holds. One speaker alone cannot tell its own spread: then utterances are resampled. Where every resample scores the same
    (all utterances are right; all of some classes and none of the others; every speaker has as many errors) the bootstrap
    would claim certainty: then each recall is drawn from its Jeffreys posterior (Brown, Cai and DasGupta 2001), which for
    84 of 84 right gives an accuracy of [.970, 1]. Raises ValueError where there is no utterance.
    """
    true, right = _hits(truth, predictions)
    names = np.asarray(groups) if groups is not None else None
    random = np.random.default_rng(seed)
    if names is None or len(np.unique(names)) < 2:
        # Utterances of one class that are right (or wrong) alike are interchangeable: drawing how many of each kind a
        # resample holds is the same bootstrap, in time that does not grow with n.
        cells = np.bincount(true * 2 + right.astype(np.intp), minlength=2 * n_classes)
        drawn = random.multinomial(len(true), cells / len(true), size=resamples).astype(float)
        hits, totals = drawn[:, 1::2], drawn[:, 0::2] + drawn[:, 1::2]
    else:
        units = np.unique(names, return_inverse=True)[1]
        kinds = int(units.max()) + 1
        cells = units * n_classes + true
        count = kinds * n_classes
        total = np.bincount(cells, minlength=count).reshape(kinds, n_classes)
        hit = np.bincount(cells, weights=right, minlength=count).reshape(kinds, n_classes)
        weights = random.multinomial(kinds, np.full(kinds, 1 / kinds), size=resamples).astype(float)
        hits, totals = weights @ hit, weights @ total
    scores = _score(hits, totals, metric)
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(scores, (tail, 1 - tail))
    if high - low < 1e-9:  # but for the order in which they were summed up
        hit = np.bincount(true, weights=right, minlength=n_classes)
        total = np.bincount(true, minlength=n_classes)
        if metric == "accuracy":
            hit, total = hit.sum(keepdims=True), total.sum(keepdims=True)
        hit, total = hit[total > 0], total[total > 0]
        drawn = random.beta(hit + 0.5, total - hit + 0.5, size=(resamples, len(total))).mean(1)
        low, high = np.quantile(drawn, (tail, 1 - tail))
    point = float(right.mean()) if metric == "accuracy" else balanced_accuracy(truth, predictions, n_classes)
    # With few units the percentiles can miss the score itself, which nobody could read.
    return min(float(low), point), max(float(high), point)


def recall_intervals(
    truth: Sequence[int],
    predictions: Sequence[int],
    names: Sequence[str],
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """`bootstrap_interval` of the recall of each class that occurs in `truth`, by its name: the accuracy on its utterances."""
    found: dict[str, tuple[float, float]] = {}
    for label in sorted(set(truth)):
        own = [index for index, true in enumerate(truth) if true == label]
        speakers = None if groups is None else [groups[index] for index in own]
        answers = [predictions[index] for index in own]
        found[names[label]] = bootstrap_interval([label] * len(own), answers, len(names), "accuracy", speakers, seed)
    return found


def paired_difference(
    truth: Sequence[int],
    first: Sequence[int],
    second: Sequence[int],
    n_classes: int,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> tuple[float, float]:
    """BCA of `second` minus BCA of `first` on the same utterances, and the two-sided p of a paired permutation test.

    Under the null hypothesis the two predictions of an utterance could be swapped (Good 2005, section 3.2): p is the
    share of random swaps, the observed one among them, with a difference at least as large.
    """
    true, a = _hits(truth, first)
    _, b = _hits(truth, second)
    counts = class_counts(truth, n_classes)
    present = counts > 0
    weight = np.where(present, 1 / np.maximum(counts, 1), 0.0)[true] / present.sum()
    gaps = (b - a) * weight
    observed = balanced_accuracy(truth, second, n_classes) - balanced_accuracy(truth, first, n_classes)
    differing = gaps[gaps != 0]
    if not len(differing):
        return observed, 1.0
    random = np.random.default_rng(seed)
    sums = random.choice((-1.0, 1.0), size=(permutations, len(differing))) @ differing
    extreme = int((np.abs(sums) >= abs(observed) - 1e-12).sum())
    return observed, (extreme + 1) / (permutations + 1)


def _hits(truth: Sequence[int], predictions: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    true = np.asarray(truth, dtype=np.intp)
    predicted = np.asarray(predictions, dtype=np.intp)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(f"{true.shape} true classes and {predicted.shape} predictions")
    return true, (true == predicted).astype(float)


def _score(hit: NDArray[np.float64], total: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """Scores [R] from right and all utterances per class [R, C]."""
    if metric == "accuracy":
        accuracies: NDArray[np.float64] = hit.sum(1) / total.sum(1)
        return accuracies
    present = total > 0
    recalls = np.where(present, hit / np.maximum(total, 1), 0.0)
    scores: NDArray[np.float64] = recalls.sum(1) / present.sum(1)
    return scores
