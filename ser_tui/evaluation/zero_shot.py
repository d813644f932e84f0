"""Zero-shot scores: a model's logits on a corpus that it never saw, under a mapping of emotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.statistics import Units, lone_recalls, recall_intervals, score_interval, scored
from ser_tui.study.errors import UserError
from ser_tui.study.scores import ACCURACY, Score, Share
from ser_tui.training.metrics import UNREADABLE, class_counts, class_probabilities, confusion_matrix, majority_accuracy, predicted, recalls


@dataclass(frozen=True)
class ZeroShot:
    """Scores on the utterances that the mapping keeps, under the names in `study.scores.SHARES`; the other fields as in
    `study.events.EvaluationFinished`."""

    utterances: int
    dropped: int
    unreadable: int
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    scores: Mapping[Share, Score]
    recalls: Mapping[str, float]
    recall_intervals: Mapping[str, tuple[float, float]]
    lone_recalls: tuple[str, ...]
    """As in `events.TestScored`."""
    chance: float
    majority: Score
    """The accuracy of the most frequent class as the answer to all."""
    truth: tuple[int, ...] = field(default=(), compare=False)
    """Index into `columns` of each utterance that counts."""
    predictions: tuple[int, ...] = field(default=(), compare=False)
    probabilities: NDArray[np.float32] | None = field(default=None, compare=False)
    """[utterances, columns], among these classes alone; NaN in rows of utterances that could not be read."""


def kept(emotions: Sequence[str], mapping: Mapping[str, str]) -> list[int]:
    """Indices of the utterances whose emotion is not dropped."""
    return [index for index, emotion in enumerate(emotions) if mapping.get(emotion)]


def centred(logits: NDArray[np.floating], reference: NDArray[np.floating], groups: Sequence[str] | None = None) -> NDArray[np.float64]:
    """`logits` [N, C], their mean over each of `groups` [N] (None: over all) moved to `reference` [C].

    What all recordings of a corpus or a speaker share (channel, language, voice) shifts their features by about the same
    vector, hence a linear head's logits by the same vector, which this takes out: cepstral mean normalisation (Atal 1974)
    at the other end of the model. It needs no labels of the target, but many of its utterances at once (it is
    transductive), and assumes about the same mixture of emotions in each group. Rows that are not finite stay so.
    """
    names = np.asarray(groups) if groups is not None else np.zeros(len(logits), dtype=np.intp)
    finite = np.isfinite(logits).all(axis=1)
    moved = np.array(logits, dtype=np.float64)
    for name in np.unique(names):
        own = names == name
        if (own & finite).any():
            moved[own] += reference - moved[own & finite].mean(axis=0)
    return moved


def class_balanced_mean(logits: NDArray[np.floating], labels: Sequence[int]) -> NDArray[np.float64]:
    """The mean over classes of the mean of a class's `logits` [N, C]: [C]. Rows that are not finite are left out."""
    finite = np.isfinite(logits).all(axis=1)
    true = np.asarray(labels)
    means = [logits[finite & (true == label)].mean(axis=0) for label in np.unique(true[finite])]
    if not means:
        raise UserError("no utterance could be read")
    balanced: NDArray[np.float64] = np.mean(means, axis=0, dtype=np.float64)
    return balanced


def score(
    logits: NDArray[np.floating],
    classes: Sequence[str],
    emotions: Sequence[str],
    speakers: Sequence[str] | None,
    mapping: Mapping[str, str],
    *,
    masked: bool,
    seed: int = 0,
    recordings: Sequence[str] | None = None,
) -> ZeroShot:
    """Score `logits` [N, len(classes)] of utterances with `emotions` [N]; those that `mapping` drops are left out.

    `masked`: only classes that the mapped target holds can be predicted; otherwise all of the model's. A row that is not
    finite (an unreadable utterance) counts as wrong. Intervals resample `speakers` where given, otherwise `recordings`. Chance is that of a
    uniform guess among the classes that can be predicted. Raises UserError where nothing is left.
    """
    indices = kept(emotions, mapping)
    if not indices:
        raise UserError("this mapping leaves no utterance of the target; change it with --map")
    targets = [mapping[emotions[index]] for index in indices]
    present = tuple(name for name in classes if name in set(targets))
    columns = present if masked else tuple(classes)
    # Rows first the classes that the target holds, so that a class index means the same in truth and prediction.
    order = [*present, *(name for name in columns if name not in present)]
    values = logits[np.asarray(indices)][:, [list(classes).index(name) for name in order]]
    predictions = list(predicted(values))
    truth = [present.index(name) for name in targets]
    groups = [speakers[index] for index in indices] if speakers is not None else None
    sources = [recordings[index] for index in indices] if recordings is not None else None
    count, units = len(order), Units(groups=groups, recordings=sources)
    matrix = confusion_matrix(truth, predictions, count)[: len(present)]
    by_class = recalls(truth, predictions, count)
    most_frequent = [int(class_counts(truth, count).argmax())] * len(truth)
    return ZeroShot(
        utterances=len(indices),
        dropped=len(emotions) - len(indices),
        unreadable=predictions.count(UNREADABLE),
        classes=present,
        columns=tuple(order),
        confusion=tuple(tuple(int(cell) for cell in row) for row in matrix),
        scores=scored(truth, predictions, count, seed=seed, **units),
        recalls={name: float(by_class[index]) for index, name in enumerate(present)},
        recall_intervals=recall_intervals(truth, predictions, order, groups, seed, sources),
        lone_recalls=lone_recalls(truth, order, groups),
        chance=1 / count,
        majority=Score(
            majority_accuracy(truth, count), score_interval(truth, most_frequent, count, ACCURACY, seed=seed, **units), len(truth)
        ),
        truth=tuple(truth),
        predictions=tuple(predictions),
        probabilities=class_probabilities(values),
    )
