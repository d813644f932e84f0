"""Racing over folds: a trial that is behind the best one beyond doubt after some folds is not trained on the others.

As in Maron and Moore 1994 (Hoeffding races), candidates are compared on what both have been tried on, pair by pair, and one is dropped
once its interval lies below the incumbent's. The difference is that in BCA on the utterances of the folds run so far. Its standard
error is the larger of two: over utterances, as if both trials were alike (McNemar's), and over folds, which differ in more than their
utterances. A trial is dropped where it is behind by more than `ERRORS` of them: what lies within that may still catch up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_tui.training.metrics import balanced_accuracy, class_counts
from ser_tui.training.trial import Fold, Rival

LEAST_FOLDS = 2
"""Of fewer nobody can tell how much folds differ."""
ERRORS = 3.3
"""Standard errors: of two trials that are alike, one in 2,000 is so far behind."""


@dataclass(frozen=True)
class Standing:
    """Two trials on the utterances of the folds run so far. `value` and `rival`: their BCA pooled over these; `error`: the standard
    error of the difference."""

    value: float
    rival: float
    error: float
    utterances: int

    @property
    def behind(self) -> bool:
        """Whether the trial is behind beyond doubt."""
        return self.rival - self.value > ERRORS * self.error


def standing(folds: Sequence[Fold], predictions: Sequence[Sequence[int]], rival: Rival, classes: int) -> Standing:
    """How a trial that said `predictions` in each of `folds`, those run so far, compares with `rival` on the same utterances."""
    truth = [label for fold in folds for label in fold.validation.labels]
    own = [label for one in predictions for label in one]
    other = [rival.predictions[place] for fold in folds for place in fold.places]
    number = np.repeat(np.arange(len(folds)), [len(fold.validation) for fold in folds])
    counts = class_counts(truth, classes)
    weight = 1 / (np.maximum(counts, 1)[truth] * (counts > 0).sum())
    true = np.asarray(truth)
    gaps = ((np.asarray(own) == true).astype(float) - (np.asarray(other) == true)) * weight
    by_fold = np.bincount(number, weights=gaps, minlength=len(folds))
    between = len(folds) * float(by_fold.var(ddof=1)) if len(folds) > 1 else 0.0
    error = max(float((gaps**2).sum()), between) ** 0.5
    return Standing(balanced_accuracy(truth, own, classes), balanced_accuracy(truth, other, classes), error, len(truth))
