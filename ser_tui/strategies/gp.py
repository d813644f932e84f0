"""Bayesian optimisation with a Gaussian process, scikit-optimize's, on the axes that the trainer sees.

scikit-optimize takes a second to import: that is done for the first trial that is modelled, which the designed trials
before it need not wait for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.strategies.base import Observation
from ser_tui.strategies.draws import Modelled, fitted
from ser_tui.study.hyperparameters import Value

Floats = NDArray[np.float64]

DRAWN = 1500
"""Points of the whole space at which the expected improvement is computed."""
NEAR = 500
"""Points around the best trials, likewise: drawn points alone come as near as the 1500th part of the space."""
BEST = 3
STEP = 0.08
"""Standard deviation of their distance on each axis, 0 to 1."""
LENGTH, SPREAD = 0.5, 0.7
"""The prior of a length scale, log-normal: its median, and the deviation of its logarithm. Of five trials the likelihood alone makes
every axis but one irrelevant as often as not."""
LENGTHS = (0.1, 10.0)
VARIANCES = (0.05, 20.0)
NOISES = (1e-4, 0.1)
"""Bounds of the noise's variance, that of the scores being 1: without one a short history is explained by noise alone, and the search
wanders."""
FLOOR = 0.01
"""Added to the error before its logarithm is taken: a hundredth of BCA is about what one utterance of a small corpus is."""


class GaussianProcess(Modelled):
    """GP-BO: a Matern-5/2 kernel with a length scale per axis and Gaussian noise, maximising expected improvement.

    It models the logarithm of the error, log(1 - score + FLOOR): the step from .95 to .97 is as large as that from .86 to .91, and a
    trial at chance no longer stretches the scale on which good trials are told apart.

    The model is fitted anew for every proposal and told everything at once, so that a resumed run proposes what an uninterrupted one
    would have. The improvement is maximised over drawn points rather than by gradient: a gradient's optimum lies between integers, and
    what is trained after rounding is another point.
    """

    _model: Any = None
    """The fit of the last suggestion, and what leads back to a score. No proposal hangs on it: only what was expected of that one."""

    def suggest(self, history: Sequence[Observation], seed: int) -> Iterator[dict[str, Value]]:
        """The points in falling order of their expected improvement."""
        from skopt.acquisition import gaussian_ei

        seen, losses = fitted(history)
        to_loss = _warp([-loss for loss in losses])
        targets = to_loss(np.array([-loss for loss in losses]))
        told = np.array([self._units(entry.parameters) for entry in seen])
        random = np.random.default_rng(seed)
        points = self._candidates(told, targets, random)
        with warnings.catch_warnings():
            # A fit that ends at a bound of its length scales and a variance rounded below 0 are no news to anyone.
            warnings.simplefilter("ignore")
            self._model = _fit(self._derived.seen(told), targets, seed), to_loss
            gain = gaussian_ei(self._derived.seen(points), self._model[0], y_opt=float(targets.min()), xi=0.0)
        for index in np.argsort(-self.weighed(gain, points, history), kind="stable"):
            yield self._draws.complete(points[int(index)].tolist())

    def weighed(self, gain: Floats, points: Floats, history: Sequence[Observation]) -> Floats:
        """What is maximised over `points` [N, axes], given their expected improvement `gain`: that."""
        return gain

    def expected(self, parameters: Mapping[str, Value]) -> tuple[float, float] | None:
        """The posterior's mean and standard deviation, of the score itself without its noise."""
        fit, to_loss = self._model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mean, deviation = fit.predict(self._derived.seen(np.array([self._units(parameters)])), return_std=True)
        found = to_loss.back(float(mean[0]), float(deviation[0]))
        rounded = round(found[0], 4), round(found[1], 4)
        return rounded if all(map(math.isfinite, rounded)) else None

    def _units(self, parameters: Mapping[str, Value]) -> list[float]:
        return [axis.unit(parameters[axis.name]) for axis in self._draws.axes]

    def _candidates(self, told: Floats, targets: Floats, random: np.random.Generator) -> Floats:
        """Points of the unit cube over the space's axes: drawn over the whole, and near the best trials."""
        width = told.shape[1]
        drawn = random.random((DRAWN, width))
        best = told[np.argsort(targets, kind="stable")[:BEST]]
        near = best[random.integers(len(best), size=NEAR)] + random.normal(0.0, STEP, (NEAR, width))
        return self._draws.conditions.settled_units(np.vstack([drawn, np.clip(near, 0.0, 1.0)]))


class _Error:
    """Scores of 0 to 1 as the logarithm of the error."""

    def __call__(self, scores: Floats) -> Floats:
        found: Floats = np.log(1.0 - scores + FLOOR)
        return found

    def back(self, mean: float, deviation: float) -> tuple[float, float]:
        """Mean and deviation of the score whose error is log-normal."""
        error = math.exp(min(mean + deviation**2 / 2, 50.0))
        return 1.0 + FLOOR - error, error * math.sqrt(math.expm1(min(deviation**2, 50.0)))


class _Negative:
    """Other objectives as they are, to be made small."""

    def __call__(self, scores: Floats) -> Floats:
        return -scores

    def back(self, mean: float, deviation: float) -> tuple[float, float]:
        """Mean and deviation of the score."""
        return -mean, deviation


def _warp(scores: Sequence[float]) -> _Error | _Negative:
    return _Error() if all(0.0 <= score <= 1.0 for score in scores) else _Negative()


def _fit(points: Floats, targets: Floats, seed: int) -> Any:
    """scikit-optimize's regressor, its kernel's parameters at the maximum of their posterior."""
    from skopt.learning.gaussian_process import GaussianProcessRegressor
    from skopt.learning.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    width = points.shape[1]
    kernel = ConstantKernel(1.0, VARIANCES) * Matern(np.full(width, LENGTH), [LENGTHS] * width, nu=2.5) + WhiteKernel(0.05, NOISES)
    regressor = GaussianProcessRegressor(
        kernel, noise="gaussian", normalize_y=True, optimizer=_posterior(width), n_restarts_optimizer=0, random_state=seed
    )
    return regressor.fit(points, targets)


def _posterior(width: int) -> Callable[..., tuple[Any, float]]:
    """An optimiser of kernel parameters that adds the prior of the length scales to the likelihood."""

    from scipy.optimize import minimize

    def optimise(negative_likelihood: Callable[[Floats], tuple[float, Floats]], initial: Floats, bounds: Any) -> tuple[Any, float]:
        def negative_posterior(theta: Floats) -> tuple[float, Floats]:
            value, slope = negative_likelihood(theta)
            away = (theta[1 : 1 + width] - math.log(LENGTH)) / SPREAD
            steeper = np.array(slope, dtype=float)
            steeper[1 : 1 + width] += away / SPREAD
            return value + 0.5 * float(away @ away), steeper

        found = minimize(negative_posterior, initial, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": 40})
        return found.x, float(found.fun)

    return optimise
