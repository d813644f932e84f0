"""Bayesian optimisation that weighs what is to be gained against the minutes that it takes: expected improvement per expected second, of
Snoek, Larochelle, Adams 2012 (Practical Bayesian optimization of machine learning algorithms), section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ser_tui.strategies.base import Observation
from ser_tui.strategies.gp import GaussianProcess
from ser_tui.strategies.lattice import EPOCHS, UNFREEZE
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.study.space import constants

Floats = NDArray[np.float64]

LEAST = 2
"""Trials with a time, at least, before times are modelled; until then the improvement alone counts."""


class CostAwareProcess(GaussianProcess):
    """gp, whose candidates are ranked by expected improvement over expected seconds.

    Seconds are modelled as what every trial takes, and what an epoch takes with the encoder frozen and trained, in proportion to the
    seconds of audio; each at least 0, fitted to the told trials by least squares of the relative error. Dimensions besides epochs and
    seconds of audio count as if they took no time.
    """

    def weighed(self, gain: Floats, points: Floats, history: Sequence[Observation]) -> Floats:
        """See the class."""
        timed = [entry for entry in history if entry.seconds is not None and entry.seconds > 0]
        if len(timed) < LEAST:
            return gain
        units = np.array([self._units(entry.parameters) for entry in timed])
        seconds = np.array([entry.seconds for entry in timed], dtype=float)
        found: Floats = gain / expected_seconds(self._work(units), seconds, self._work(points))
        return found

    def _work(self, units: Floats) -> Floats:
        """What times are in proportion to, of points [N, axes]: 1; seconds of audio; these times frozen, and unfrozen epochs: [N, 4]."""
        length, epochs, unfreeze = (self._column(units, name) for name in ("max_seconds", EPOCHS, UNFREEZE))
        frozen = np.minimum(epochs, unfreeze)
        return np.stack([np.ones(len(units)), length, length * frozen, length * (epochs - frozen)], axis=1)

    def _column(self, units: Floats, name: str) -> Floats:
        """The values of a dimension, searched or fixed; those of one that the study leaves out do not differ."""
        place = next((place for place, axis in enumerate(self._draws.axes) if axis.name == name), None)
        if place is None:
            return np.full(len(units), float(self._fixed.get(name, HYPERPARAMETERS[name].default)))
        axis = self._draws.axes[place]
        if axis.levels is None:
            return np.array([float(axis.value(unit)) for unit in units[:, place].tolist()])
        level = np.minimum((units[:, place] * len(axis.levels)).astype(int), len(axis.levels) - 1)
        found: Floats = np.array(axis.levels, dtype=float)[level]
        return found

    @cached_property
    def _fixed(self) -> dict[str, Value]:
        return constants(self._space)


def expected_seconds(work: Floats, seconds: Floats, asked: Floats) -> Floats:
    """Seconds of trials whose `asked` [M, D] the model of `seconds` [N] told of `work` [N, D] expects, each positive."""
    weights, _ = nnls(work / seconds[:, None], np.ones(len(seconds)))
    found: Floats = np.maximum(asked @ weights, 0.05 * float(seconds.min()))
    return found
