"""Intervals and comparisons for accuracy and balanced class accuracy (BCA). Pure numpy."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ser_tui.study.headline import LEAST_SPEAKERS
from ser_tui.study.scores import BCA, SHARES, Score, Share
from ser_tui.study.student import t_quantile
from ser_tui.training.metrics import balanced_accuracy, class_counts, shares

RESAMPLES = 2000
PERMUTATIONS = 4000
ALL_SWAPS_OF = 16
"""Units of a paired test, of which all swaps are counted: 65,536 cost milliseconds, and a corpus's twelve actors are few."""
COVERAGE = 0.95
Z_95 = 1.959964
PRIOR_SPEAKERS = 4
"""How many speakers of the usual spread are believed in before the first is heard. Chosen with PRIOR_SPREAD by
benchmarks/coverage.py as what covers 95 % for 2 to 20 speakers at the least width."""
_DRAWN_AT_ONCE = 200
PRIOR_SPREAD = 0.7
"""Standard deviation between speakers, in logits of a recall: once of what a speaker has in all classes, once in each."""


class Units(TypedDict):
    """What intervals and tests of this module take: by what utterances depend on each other."""

    groups: Sequence[str] | None
    """The speaker of each utterance; None: not known, or heard in training."""
    recordings: Sequence[str] | None
    """The recording of each utterance; None: each is one."""


def score_interval(
    truth: Sequence[int],
    predictions: Sequence[int],
    n_classes: int,
    metric: Share = BCA,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    recordings: Sequence[str] | None = None,
) -> tuple[float, float]:
    """95 % interval of a score on n utterances, within [0, 1].

    It is Wilson's (1927), as if the score were that of so many independent utterances as leave it its variance, which near 0 and 1 too
    holds what it claims: see `_wilson`, which benchmarks/coverage.py chose. 16 of 16 right are [.806, 1].

    With `groups` (the speaker of each utterance) of two or more kinds it is over speakers and their utterances, see `_over_speakers`. One
    speaker alone cannot tell the spread of speakers: then, and without groups, it is over utterances, and says nothing about other
    speakers; `interval_speakers` tells the two apart.

    With `recordings` (the recording of each utterance), where some are segments of one, and without speakers, it is a percentile bootstrap
    that draws whole recordings (Davison and Hinkley 1997, section 3.8): what is said in one room and mood is right or wrong together. Where
    every resample scores the same (all are right; all of some classes and none of the others) it would claim certainty: then each recall
    is drawn from its Jeffreys posterior (Brown, Cai and DasGupta 2001). Raises ValueError where there is no utterance.
    """
    true, right = _hits(truth, predictions)
    names = np.asarray(groups) if interval_speakers(groups) > 1 else None
    if names is not None:
        low, high = _over_speakers(true, right, np.unique(names, return_inverse=True)[1], n_classes, metric)
    elif in_segments(recordings):
        numbers = np.unique(np.asarray(recordings), return_inverse=True)[1]
        low, high = _over_recordings(true, right, numbers, n_classes, metric, seed, resamples)
    else:
        low, high = _over_utterances(true, right, n_classes, metric)
    point = float(right.mean()) if metric == "accuracy" else balanced_accuracy(truth, predictions, n_classes)
    # With few units the limits can miss the score itself, which nobody could read.
    return float(min(low, point)), float(max(high, point))


def interval_speakers(groups: Sequence[str] | None) -> int:
    """How many speakers a `score_interval` with these `groups` is over; 0, and 1: it is over utterances."""
    return len(set(groups)) if groups is not None else 0


def in_segments(recordings: Sequence[str] | None) -> bool:
    """Whether some of the utterances, of which `recordings` names the recording of each, are segments of one."""
    return recordings is not None and len(set(recordings)) < len(recordings)


def _over_utterances(true: NDArray[np.intp], right: NDArray[np.float64], n_classes: int, metric: Share) -> tuple[float, float]:
    total: NDArray[np.float64] = np.bincount(true, minlength=n_classes).astype(float)
    hit: NDArray[np.float64] = np.bincount(true, weights=right, minlength=n_classes).astype(float)[total > 0]
    total = total[total > 0]
    weight, smoothed, within = _of_classes(hit, total, metric)
    return _wilson(float((weight * hit / total).sum()), float((weight * smoothed).sum()), within, Z_95)


def _of_classes(
    hit: NDArray[np.float64], total: NDArray[np.float64], metric: Share
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Of `hit` right of `total` utterances of each class [C]: what a class weighs in the score, its recall as if half an utterance more
    were right, and half a one wrong, so that one that is all right is not certain to be, and the variance of the score by them, were all
    utterances independent."""
    weight = total / total.sum() if metric == "accuracy" else np.full(len(total), 1 / len(total))
    smoothed = (hit + 0.5) / (total + 1)
    return weight, smoothed, float((weight**2 * smoothed * (1 - smoothed) / total).sum())


def _wilson(score: float, smoothed: float, variance: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval (1927) of a `score`, as that of n independent utterances of the same variance (Kott and Carr 1997): `smoothed`,
    which is the score but for never being 0 or 1, times what it lacks to 1, over n. `quantile`: of the normal, or of t."""
    drawn = quantile**2 * variance / (smoothed * (1 - smoothed))
    half = float(np.sqrt(drawn * score * (1 - score) + drawn**2 / 4))
    return max(0.0, (score + drawn / 2 - half) / (1 + drawn)), min(1.0, (score + drawn / 2 + half) / (1 + drawn))


def _over_recordings(
    true: NDArray[np.intp],
    right: NDArray[np.float64],
    recordings: NDArray[np.intp],
    n_classes: int,
    metric: Share,
    seed: int,
    resamples: int,
) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    count = int(recordings.max()) + 1
    cells = recordings * n_classes + true
    total = np.bincount(cells, minlength=count * n_classes).reshape(count, n_classes).astype(float)
    hit = np.bincount(cells, weights=right, minlength=count * n_classes).reshape(count, n_classes)
    scores: list[NDArray[np.float64]] = []
    while resamples > 0:  # in turns, since a draw has a number for each recording
        drawn = random.multinomial(count, np.full(count, 1 / count), size=min(resamples, _DRAWN_AT_ONCE)).astype(float)
        scores.append(_score(drawn @ hit, drawn @ total, metric))
        resamples -= len(drawn)
    # Where all resamples are alike, as many recordings as hold a class are known of it, not as many segments.
    known, per_class = (total > 0).sum(0).astype(float), total.sum(0)
    share = hit.sum(0) / np.maximum(per_class, 1)
    if metric == "accuracy":
        known = np.full(1, float(count))
        share = np.full(1, right.mean())
    return _percentiles(np.concatenate(scores), share * known, known, metric, random)


def _percentiles(
    scores: NDArray[np.float64], hit: NDArray[np.float64], total: NDArray[np.float64], metric: Share, random: np.random.Generator
) -> tuple[float, float]:
    """The limits of resampled `scores` [R]; where those are all alike, of recalls by `hit` of `total` [C] units of each class."""
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(scores, (tail, 1 - tail))
    if high - low < 1e-9:  # but for the order in which they were summed up
        if metric == "accuracy":
            hit, total = hit.sum(keepdims=True), total.sum(keepdims=True)
        hit, total = hit[total > 0], total[total > 0]
        drawn = random.beta(hit + 0.5, total - hit + 0.5, size=(len(scores), len(total))).mean(1)
        low, high = np.quantile(drawn, (tail, 1 - tail))
    return float(low), float(high)


def _over_speakers(
    true: NDArray[np.intp], right: NDArray[np.float64], speakers: NDArray[np.intp], n_classes: int, metric: Share
) -> tuple[float, float]:
    """An interval whose variance has both stages: speakers, and the utterances within them.

    The spread of G speakers (Liang and Zeger 1986) has G - 1 degrees of freedom: of two speakers who happen to do equally
    well it knows nothing. It is therefore moderated as in Smyth 2004: averaged with what PRIOR_SPEAKERS further speakers
    of the usual spread would show, by degrees of freedom. Where speakers have unequal numbers of utterances G is their
    effective number. Speakers who do alike, as where nobody errs, do not make utterances more than independent: the variance is that
    of independent ones at least (Korn and Graubard 1998).
    """
    kinds = int(speakers.max()) + 1
    count = kinds * n_classes
    cells = speakers * n_classes + true
    total = np.bincount(cells, minlength=count).reshape(kinds, n_classes).astype(float)
    hit = np.bincount(cells, weights=right, minlength=count).reshape(kinds, n_classes)
    there = total.sum(0) > 0
    hit, total = hit[:, there], total[:, there]
    per_class = total.sum(0)
    weight, smoothed, within = _of_classes(hit.sum(0), per_class, metric)
    share = weight * total / per_class  # [G, C]: what each cell contributes to the score
    expected = right.mean() if metric == "accuracy" else hit.sum(0) / per_class
    influence = (weight * (hit - expected * total) / per_class).sum(1)
    shift = share * smoothed * (1 - smoothed)  # of the score, per logit of a speaker's, or of a speaker's within one class
    usual = within + PRIOR_SPREAD**2 * ((shift.sum(1) ** 2).sum() + (shift**2).sum())
    effective = 1 / (share.sum(1) ** 2).sum()
    freedom = PRIOR_SPEAKERS + effective - 1
    variance = (PRIOR_SPEAKERS * usual + effective * (influence**2).sum()) / freedom
    score = float((weight * hit.sum(0) / per_class).sum())
    return _wilson(score, float((weight * smoothed).sum()), max(float(variance), within), t_quantile(freedom))


def recall_intervals(
    truth: Sequence[int],
    predictions: Sequence[int],
    names: Sequence[str],
    groups: Sequence[str] | None = None,
    seed: int = 0,
    recordings: Sequence[str] | None = None,
) -> dict[str, tuple[float, float]]:
    """`score_interval` of the recall of each class that occurs in `truth`, by its name: the accuracy on its utterances."""
    found: dict[str, tuple[float, float]] = {}
    for label in sorted(set(truth)):
        own = [index for index, true in enumerate(truth) if true == label]
        speakers = None if groups is None else [groups[index] for index in own]
        answers = [predictions[index] for index in own]
        sources = None if recordings is None else [recordings[index] for index in own]
        found[names[label]] = score_interval([label] * len(own), answers, len(names), "accuracy", speakers, seed, recordings=sources)
    return found


def lone_recalls(truth: Sequence[int], names: Sequence[str], groups: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the classes that one speaker alone has, where `groups` holds several: their `recall_intervals` are over utterances,
    and those of the other classes over speakers."""
    if interval_speakers(groups) < 2 or groups is None:
        return ()
    held: dict[int, set[str]] = {}
    for label, speaker in zip(truth, groups, strict=True):
        held.setdefault(label, set()).add(speaker)
    return tuple(names[label] for label in sorted(held) if len(held[label]) == 1)


def scored(
    truth: Sequence[int],
    predictions: Sequence[int],
    n_classes: int,
    names: Iterable[Share] = SHARES,
    *,
    groups: Sequence[str] | None,
    recordings: Sequence[str] | None,
    seed: int,
) -> dict[Share, Score]:
    """What `predictions` are measured by, each of `names` with its interval and n. Raises ValueError where there is no utterance."""
    measured = shares(truth, predictions, n_classes)
    named = {name: measured[name] for name in names}
    return around(named, truth, predictions, n_classes, groups=groups, recordings=recordings, seed=seed)


def around(
    named: Mapping[Share, Score],
    truth: Sequence[int],
    predictions: Sequence[int],
    n_classes: int,
    *,
    groups: Sequence[str] | None,
    recordings: Sequence[str] | None,
    seed: int,
) -> dict[Share, Score]:
    """The scores `named`, which are of these predictions, with interval and n."""
    return {
        name: Score(
            one.value, score_interval(truth, predictions, n_classes, name, groups, seed, recordings=recordings), len(truth)
        )
        for name, one in named.items()
    }  # fmt: skip


def paired_difference(
    truth: Sequence[int],
    first: Sequence[int],
    second: Sequence[int],
    n_classes: int,
    groups: Sequence[Hashable] | None = None,
    recordings: Sequence[Hashable] | None = None,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> tuple[float, float]:
    """BCA of `second` minus BCA of `first` on the same utterances, and the two-sided p of a paired permutation test.

    Under the null hypothesis the two predictions of a unit could be swapped (Good 2005, section 3.2): p is the share of swaps, the
    observed one among them, with a difference at least as large: of all that there are, up to ALL_SWAPS_OF units that differ, so that
    chance has no part in a p over few speakers; else of so many random `permutations`. With `groups` (the
    speaker of each utterance) of LEAST_SPEAKERS or more a unit is a speaker with all utterances, and p is about speakers like these; of
    fewer, and without groups, it is a recording (of `recordings`; None: each utterance is one), and p is about what these very speakers
    say: `swapped_speakers` tells the two apart.
    """
    true, a = _hits(truth, first)
    _, b = _hits(truth, second)
    counts = class_counts(truth, n_classes)
    present = counts > 0
    weight = np.where(present, 1 / np.maximum(counts, 1), 0.0)[true] / present.sum()
    gaps = (b - a) * weight
    observed = balanced_accuracy(truth, second, n_classes) - balanced_accuracy(truth, first, n_classes)
    units = groups if swapped_speakers(groups) else recordings
    if units is not None:
        gaps = np.bincount(numbered(units), weights=gaps)
    differing = gaps[np.abs(gaps) > 1e-12]
    if not len(differing):
        return observed, 1.0

    def extreme(signs: NDArray[np.float64]) -> int:
        return int((np.abs(signs @ differing) >= abs(observed) - 1e-12).sum())

    if len(differing) <= ALL_SWAPS_OF:
        return observed, extreme(_all_signs(len(differing))) / 2 ** len(differing)
    random, found, left = np.random.default_rng(seed), 0, permutations
    while left > 0:  # in turns, since a draw has a number for each unit: those of 100,000 utterances at once are gigabytes
        signs = random.choice((-1.0, 1.0), size=(min(left, _DRAWN_AT_ONCE), len(differing)))
        found += extreme(signs)
        left -= len(signs)
    return observed, (found + 1) / (permutations + 1)


def _all_signs(units: int) -> NDArray[np.float64]:
    """Every way to swap so many units, -1 where one is: [2 ** units, units]."""
    swapped = (np.arange(2**units)[:, None] >> np.arange(units) & 1).astype(bool)
    return np.where(swapped, -1.0, 1.0)


def numbered(units: Sequence[Hashable]) -> tuple[int, ...]:
    """`units` as numbers, from 0 in the order in which they come."""
    number: dict[Hashable, int] = {}
    return tuple(number.setdefault(unit, len(number)) for unit in units)


def swapped_speakers(groups: Sequence[Hashable] | None) -> int:
    """How many speakers the p of a `paired_difference` with these `groups` is over; 0: it is over recordings or utterances."""
    count = len(set(groups)) if groups is not None else 0
    return count if count >= LEAST_SPEAKERS else 0


def _hits(truth: Sequence[int], predictions: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    true = np.asarray(truth, dtype=np.intp)
    predicted = np.asarray(predictions, dtype=np.intp)
    if true.ndim != 1 or true.shape != predicted.shape or not len(true):
        raise ValueError(f"{true.shape} true classes and {predicted.shape} predictions")
    return true, (true == predicted).astype(float)


def _score(hit: NDArray[np.float64], total: NDArray[np.float64], metric: Share) -> NDArray[np.float64]:
    """Scores [R] from right and all utterances per class [R, C]."""
    if metric == "accuracy":
        accuracies: NDArray[np.float64] = hit.sum(1) / total.sum(1)
        return accuracies
    present = total > 0
    recalls = np.where(present, hit / np.maximum(total, 1), 0.0)
    scores: NDArray[np.float64] = recalls.sum(1) / present.sum(1)
    return scores
