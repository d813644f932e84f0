"""Hyperparameters that count with some values of `trained` only: where they do not, they rest at one value, so that no model sees
differences that make none, and no trial is made twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.strategies.axes import Axis
from ser_tui.strategies.lattice import resting
from ser_tui.study.hyperparameters import CONDITIONAL, HYPERPARAMETERS, TRAINED, Value, counts


class Conditions:
    """The searched dimensions, as `axes`, of which some count with some values of `trained` only."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = axes
        self._trained = next((index for index, axis in enumerate(axes) if axis.name == TRAINED), None)
        own = [(index, axis) for index, axis in enumerate(axes) if axis.name in CONDITIONAL] if self._trained is not None else []
        self._rests: dict[int, Value] = {index: _rest(axis) for index, axis in own}

    def settled(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters` with those at rest that do not count."""
        found = dict(parameters)
        for index, rest in self._rests.items():
            name = self._axes[index].name
            if not counts(name, parameters[TRAINED]):
                found[name] = rest
        return found

    def settled_units(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of points [N, axes] of the unit cube."""
        if not self._rests or self._trained is None:
            return points
        found = points.copy()
        words: Any = self._axes[self._trained].levels
        chosen = np.minimum((points[:, self._trained] * len(words)).astype(int), len(words) - 1)
        for index, rest in self._rests.items():
            axis = self._axes[index]
            idle = np.array([not counts(axis.name, word) for word in words])
            found[idle[chosen], index] = axis.unit(rest)
        return found


def _rest(axis: Axis) -> Value:
    if axis.levels is not None:
        return resting(axis.name, axis.levels)
    default = HYPERPARAMETERS[axis.name].default
    return default if axis.low <= float(default) <= axis.high else axis.low
