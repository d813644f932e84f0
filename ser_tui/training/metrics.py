"""Classification scores of utterances: accuracy, recall per class, balanced class accuracy. Pure numpy.

Truth and predictions are class indices 0..n_classes-1, one per utterance. A prediction of -1 stands for an utterance
that could not be read: it counts as wrong, so that a model cannot gain by what it refuses to hear.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ser_tui.study.scores import ACCURACY, BCA, Score, Share

Indices: TypeAlias = Sequence[int] | NDArray[np.integer]

UNREADABLE = -1
"""The prediction of an utterance that could not be read."""


def confusion_matrix(truth: Indices, predictions: Indices, n_classes: int) -> NDArray[np.int64]:
    """Utterances by true class (row) and predicted class (column), shape [n_classes, n_classes].

    Unreadable utterances stand in no column, so a row may sum to less than the class holds. Raises ValueError when
    lengths differ or an index is out of range.
    """
    true, predicted = _checked(truth, predictions, n_classes)
    read = predicted != UNREADABLE
    cells = true[read] * n_classes + predicted[read]
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes).astype(np.int64)


def class_probabilities(logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """The softmax of each row of `logits` [N, C], [N, C] in float32; NaN in rows that are not finite: unreadable utterances."""
    values = np.array(logits, dtype=np.float64)
    values[~np.isfinite(values).all(axis=1)] = np.nan
    powers = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def predicted(logits: NDArray[np.floating]) -> tuple[int, ...]:
    """The index of the largest in each row of `logits`, or probabilities, [N, C]; UNREADABLE for rows that are not finite."""
    best = np.where(np.isfinite(logits).all(axis=1), np.nan_to_num(logits).argmax(axis=1), UNREADABLE)
    return tuple(int(index) for index in best)


def placed(predictions: Iterable[int], places: Iterable[int], count: int) -> tuple[int, ...]:
    """`predictions` at their `places` among `count` utterances; those without one are unreadable."""
    whole = [UNREADABLE] * count
    for place, prediction in zip(places, predictions, strict=True):
        whole[place] = prediction
    return tuple(whole)


def class_counts(truth: Indices, n_classes: int) -> NDArray[np.int64]:
    """How many utterances each class holds, shape [n_classes]."""
    return np.bincount(_indices(truth), minlength=n_classes).astype(np.int64)


def accuracy(truth: Indices, predictions: Indices, n_classes: int) -> float:
    """The share of utterances that are predicted rightly, 0 to 1. Raises ValueError when there are none."""
    true, predicted = _checked(truth, predictions, n_classes)
    _some(true)
    return float(np.mean(true == predicted))


def shares(truth: Indices, predictions: Indices, n_classes: int) -> dict[Share, Score]:
    """All that predictions alone are measured by, without intervals. Raises ValueError when there are none."""
    n = len(truth)
    values: dict[Share, float] = {
        BCA: balanced_accuracy(truth, predictions, n_classes), ACCURACY: accuracy(truth, predictions, n_classes),
    }  # fmt: skip
    return {name: Score(value, n=n) for name, value in values.items()}


def recalls(truth: Indices, predictions: Indices, n_classes: int) -> NDArray[np.float64]:
    """Recall of each class, shape [n_classes]: the share of its utterances predicted rightly; NaN where it has none."""
    true, predicted = _checked(truth, predictions, n_classes)
    counts = class_counts(true, n_classes).astype(np.float64)
    right = class_counts(true[true == predicted], n_classes)
    values = np.full(n_classes, np.nan)
    np.divide(right, counts, out=values, where=counts > 0)
    return values


def balanced_accuracy(truth: Indices, predictions: Indices, n_classes: int) -> float:
    """Balanced class accuracy (BCA), 0 to 1: the mean recall over the classes that occur in `truth`.

    Known as unweighted average recall (UAR) in speech emotion recognition since the INTERSPEECH 2009 Emotion
    Challenge (Schuller, Steidl, Batliner 2009), and as macro recall; equals scikit-learn's balanced_accuracy_score.
    A class that is only predicted, never true, has no recall and does not enter the mean. Chance is one over the
    number of classes that occur. Raises ValueError when `truth` is empty.
    """
    true, predicted = _checked(truth, predictions, n_classes)
    _some(true)
    return float(np.nanmean(recalls(true, predicted, n_classes)))


def majority_accuracy(truth: Indices, n_classes: int) -> float:
    """The accuracy of always answering with the most frequent class of `truth`."""
    true = _indices(truth)
    _some(true)
    return float(class_counts(true, n_classes).max() / len(true))


def _indices(values: Indices) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"class indices are a flat list of integers, not {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)


def _checked(truth: Indices, predictions: Indices, n_classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    true, predicted = _indices(truth), _indices(predictions)
    if len(true) != len(predicted):
        raise ValueError(f"{len(true)} true classes but {len(predicted)} predictions")
    if len(true) and (true.min() < 0 or true.max() >= n_classes):
        raise ValueError(f"true classes lie in 0..{n_classes - 1}, found {true.min()}..{true.max()}")
    if len(true) and (predicted.min() < UNREADABLE or predicted.max() >= n_classes):
        raise ValueError(f"predictions lie in -1..{n_classes - 1}, found {predicted.min()}..{predicted.max()}")
    return true, predicted


def _some(truth: NDArray[np.int64]) -> None:
    if not len(truth):
        raise ValueError("no utterances to score")
