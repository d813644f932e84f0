"""The collapse guard: whether a trial has fallen to chance and will not come back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

PATIENCE = 2
"""Epochs in a row, after unfreezing, that must all look hopeless."""
LOSS_SHARE = 0.97
"""Loss counts as at chance from this share of the class entropy on."""
LEAST_GAIN = 0.01
"""A loss that fell by more than this share of the entropy since the epoch before is still learning."""


def class_entropy(labels: Sequence[int]) -> float:
    """The cross-entropy in nats of always predicting the class shares of `labels`: the best that ignores the audio."""
    counts = Counter(labels)
    return -sum(count / len(labels) * math.log(count / len(labels)) for count in counts.values())


class CollapseGuard:
    """Watches a trial's unfrozen epochs."""

    def __init__(self, labels: Sequence[int]) -> None:
        self._entropy = class_entropy(labels)
        self._before: float | None = None
        self._hopeless = 0

    @property
    def state(self) -> tuple[float | None, int]:
        """What it has seen so far."""
        return self._before, self._hopeless

    @state.setter
    def state(self, seen: tuple[float | None, int]) -> None:
        self._before, self._hopeless = seen

    def collapsed(self, loss: float, predictions: Sequence[int]) -> bool:
        """Whether the trial is hopeless after one more unfrozen epoch with training `loss` and validation `predictions`.

        Hopeless: PATIENCE epochs in a row in which the loss was at chance and not falling, and every utterance was given
        the same class. A slow learner's loss falls, or its predictions differ.
        """
        classes = {prediction for prediction in predictions if prediction >= 0}
        falling = self._before is not None and loss < self._before - LEAST_GAIN * self._entropy
        at_chance = loss >= LOSS_SHARE * self._entropy and len(classes) <= 1 and not falling
        self._hopeless = self._hopeless + 1 if at_chance else 0
        self._before = loss
        return self._hopeless >= PATIENCE
