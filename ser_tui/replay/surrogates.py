"""What an untried point would have scored, by recorded trials: a forest grown on them, or the nearest of them. Imports scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from ser_tui.replay.recorded import Recorded, timed
from ser_tui.replay.searches import FOREST, NEAREST
from ser_tui.strategies.derived import Derived
from ser_tui.strategies.lattice import EPOCHS
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space

TREES = 200
LEAF = 2
"""Trials in a leaf at least: with one, a forest repeats the noise of the trials that it was grown on."""
FOLDS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Guess:
    """What a surrogate says of a point: BCA, and seconds where the trials have them."""

    score: float
    seconds: float | None


class Surrogate:
    """Points are seen as `ser_tui.strategies.derived` sees them, and by their epochs as well: the logarithm of the rate, epochs, frozen and
    unfrozen epochs, seconds, where the space has these; words one-hot."""

    def __init__(self, kind: str, space: Space, trials: Sequence[Recorded]) -> None:
        self._kind = kind
        self._derived = Derived(space)
        points = np.array([self._seen(trial.parameters) for trial in trials])
        self._scores = np.array([trial.score for trial in trials])
        self._seconds = np.array([trial.seconds for trial in trials], dtype=float) if timed(trials) else None
        self._points = points
        self._scale = np.where(points.std(0) > 0, points.std(0), 1.0)
        self._forests = [self._grown(self._scores)] if kind == FOREST else []
        if kind == FOREST and self._seconds is not None:
            self._forests.append(self._grown(np.log(self._seconds)))

    def __call__(self, parameters: Mapping[str, Value]) -> Guess:
        """What it guesses of one point."""
        point = np.array(self._seen(parameters))
        if self._kind == NEAREST:
            index = self._nearest(self._points, point)
            return Guess(float(self._scores[index]), None if self._seconds is None else float(self._seconds[index]))
        found = [_one(forest, point) for forest in self._forests]
        return Guess(found[0], math.exp(found[1]) if len(found) > 1 else None)

    def cross_validated(self) -> float:
        """Root mean squared error of BCA on points that it has not seen, in 10 folds: trials of one point are in one of them."""
        number: dict[tuple[float, ...], int] = {}
        points = np.array([number.setdefault(tuple(point), len(number)) for point in self._points.tolist()])
        if len(number) < 2:  # nothing but the noise of one point can be told then
            points = np.arange(len(points))
        order = np.random.default_rng(0).permutation(points.max() + 1)
        guessed = np.empty_like(self._scores)
        for drawn in np.array_split(order, min(FOLDS, len(order))):
            unseen = np.isin(points, drawn)
            fold, others = np.flatnonzero(unseen), np.flatnonzero(~unseen)
            if self._kind == FOREST:
                guessed[fold] = self._grown(self._scores[others], self._points[others]).predict(self._points[fold])
            else:
                guessed[fold] = [self._scores[others[self._nearest(self._points[others], point)]] for point in self._points[fold]]
        return float(np.sqrt(np.mean((guessed - self._scores) ** 2)))

    def _nearest(self, points: Floats, point: Floats) -> int:
        """The row with the smallest sum of distances, each in standard deviations; of equals the first."""
        return int((np.abs(points - point) / self._scale).sum(1).argmin())

    def _grown(self, targets: Floats, points: Floats | None = None) -> Any:
        forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, n_jobs=1, random_state=0)
        return forest.fit(self._points if points is None else points, targets)

    def _seen(self, parameters: Mapping[str, Value]) -> list[float]:
        found: list[float] = []
        units = self._derived.units(parameters)
        for axis, unit in zip(self._derived.plain, units, strict=False):
            if axis.ordered or axis.levels is None:
                found.append(unit)
            else:
                found += [float(level == parameters[axis.name]) for level in axis.levels]
        found += units[len(self._derived.plain) :]
        if self._derived.couples:
            found += [float(parameters[name]) for name in (EPOCHS,) if name in parameters]
        return found


def _one(forest: Any, point: Floats) -> float:
    """The forest's mean at one point; its own predict takes ten times as long to set out for it."""
    row = point[None].astype(np.float32)
    return float(np.mean([tree.tree_.predict(row)[0, 0] for tree in forest.estimators_]))
