"""Calibration by temperature: probabilities as sure as they are right, by one divisor of the logits (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.errors import best_temperature, heated

Probabilities = NDArray[np.float32]


def fitted(probabilities: Probabilities, truth: Sequence[int]) -> float:
    """The temperature that fits `probabilities` [n, C] of held-out utterances best; 1 where none is best: nothing to read, all
    answers right."""
    there = np.isfinite(probabilities).all(axis=1)
    if not there.any():
        return 1.0
    return best_temperature(probabilities[there], np.asarray(truth)[there].tolist()) or 1.0


def cooled(probabilities: Probabilities, temperature: float) -> Probabilities:
    """`probabilities` [n, C] by `temperature`; rows that are not finite stay so."""
    if temperature == 1.0:
        return probabilities
    scaled: Probabilities = np.full_like(probabilities, np.nan)
    there = np.isfinite(probabilities).all(axis=1)
    scaled[there] = heated(probabilities[there], temperature)
    return scaled


def cooled_apart(probabilities: Probabilities, truth: Sequence[int], folds: Sequence[int]) -> Probabilities:
    """`probabilities` [n, C], those of each of `folds` [n] by the temperature that fits the other folds' answers; of a single fold
    by its own."""
    numbers, labels = np.asarray(folds), np.asarray(truth)
    if len(set(folds)) < 2:
        return cooled(probabilities, fitted(probabilities, truth))
    scaled = probabilities.copy()
    for fold in np.unique(numbers):
        own = numbers == fold
        scaled[own] = cooled(probabilities[own], fitted(probabilities[~own], labels[~own].tolist()))
    return scaled
